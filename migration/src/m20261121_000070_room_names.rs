//! Names of rooms as a search compares them, and the public ones in the order of their list.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, prelude::Uuid},
};
use unicode_normalization::UnicodeNormalization;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLE: &str = "conversations";
const PUBLIC: &str = "idx_conversations_public";
/// From the first step. It served the list of public rooms among all others; one's own are found by membership.
const ACTIVITY: &str = "idx_conversations_activity";
/// Rows read at once.
const BATCH: u64 = 1000;
/// Characters of the column.
const LENGTH: u32 = 400;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table(TABLE).add_column(text_or_null("name_key", LENGTH)).take()).await?;
        fill(manager).await?;
        manager.drop_index(Index::drop().name(ACTIVITY).table(TABLE).to_owned()).await?;
        // The name comes along so that a search passes over a row without reading it, where the database can.
        let public = index(PUBLIC, TABLE, &["last_activity_at", "id", "name_key"])
            .and_where(Expr::col("kind").eq(Expr::Constant("ROOM".into())))
            .and_where(Expr::col("visibility").eq(Expr::Constant("PUBLIC".into())))
            .and_where(Expr::col("deleted_at").is_null())
            .take();
        manager.create_index(public).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(PUBLIC).table(TABLE).to_owned()).await?;
        manager.create_index(index(ACTIVITY, TABLE, &["last_activity_at", "id"])).await?;
        manager.alter_table(Table::alter().table(TABLE).drop_column("name_key").take()).await
    }
}

/// Fills the key of conversations that were there before. SQLite's `lower` knows only ASCII, so it is done here.
async fn fill(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let mut last: Option<Uuid> = None;
    loop {
        let mut batch = Query::select();
        batch.columns(["id", "name"]).from(TABLE).and_where(Expr::col("name").is_not_null());
        batch.and_where_option(last.map(|last| Expr::col("id").gt(last))).order_by("id", Order::Asc).limit(BATCH);
        let rows = db.query_all(&batch).await?;
        for row in &rows {
            let (id, name): (Uuid, String) = (row.try_get("", "id")?, row.try_get("", "name")?);
            last = Some(id);
            let update =
                Query::update().table(TABLE).value("name_key", fold(&name)).and_where(Expr::col("id").eq(id)).take();
            db.execute(&update).await?;
        }
        if rows.is_empty() {
            return Ok(());
        }
    }
}

/// As the program folds names today. It stands here again because a step must do the same for ever, whatever the program does later.
fn fold(name: &str) -> String {
    name.trim().nfkc().flat_map(char::to_lowercase).take(LENGTH as usize).collect()
}
