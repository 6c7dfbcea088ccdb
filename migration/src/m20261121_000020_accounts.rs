//! More of an account: names elsewhere, the plan, and the display name as a search compares it.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, prelude::Uuid},
};

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const PLANS: [&str; 3] = ["FREE", "PREMIUM", "ENTERPRISE"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite takes one change a statement.
        for mut column in [
            ColumnDef::new("display_name_key").string_len(400).not_null().default("").take(),
            text_or_null("xportal_address", 255),
            text_or_null("github_username", 100),
            ColumnDef::new("subscription_plan")
                .string_len(20)
                .not_null()
                .default("FREE")
                .check(one_of("subscription_plan", &PLANS))
                .take(),
        ] {
            manager.alter_table(Table::alter().table("users").add_column(&mut column).take()).await?;
        }
        manager.create_index(unique("users", &["xportal_address"])).await?;
        manager.create_index(unique("users", &["github_username"])).await?;
        fold_names(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["users_github_username", "users_xportal_address"] {
            manager.drop_index(Index::drop().name(name).table("users").to_owned()).await?;
        }
        for column in ["subscription_plan", "github_username", "xportal_address", "display_name_key"] {
            manager.alter_table(Table::alter().table("users").drop_column(column).take()).await?;
        }
        Ok(())
    }
}

/// Fills the new key of accounts that were there before. SQLite's `lower` knows only ASCII, so it is done here.
async fn fold_names(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let all = Query::select().columns(["id", "display_name"]).from("users").take();
    for row in db.query_all(&all).await? {
        let (id, name): (Uuid, String) = (row.try_get("", "id")?, row.try_get("", "display_name")?);
        let update = Query::update()
            .table("users")
            .value("display_name_key", name.to_lowercase())
            .and_where(Expr::col("id").eq(id))
            .take();
        db.execute(&update).await?;
    }
    Ok(())
}
