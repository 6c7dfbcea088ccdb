//! The version of a role, so that a change made elsewhere is not overwritten; and the way to sessions that were ended, for clearing them
//! away: those that ended by themselves have theirs (2), and a search for either needs both.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const REVOKED: &str = "idx_sessions_revoked";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("roles").add_column(int("version", 1)).take()).await?;
        let revoked =
            index(REVOKED, "sessions", &["revoked_at"]).and_where(Expr::col("revoked_at").is_not_null()).take();
        manager.create_index(revoked).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(REVOKED).table("sessions").to_owned()).await?;
        manager.alter_table(Table::alter().table("roles").drop_column("version").take()).await
    }
}
