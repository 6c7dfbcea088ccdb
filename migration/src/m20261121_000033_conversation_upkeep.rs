//! What front ends keep with a conversation, the way to deleted ones, and replies counted anew: those that stand.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLE: &str = "conversations";
const DELETED: &str = "idx_conversations_deleted";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let metadata = json("metadata").default("{}").take();
        manager.alter_table(Table::alter().table(TABLE).add_column(metadata).take()).await?;
        let deleted = index(DELETED, TABLE, &["deleted_at"]).and_where(Expr::col("deleted_at").is_not_null()).take();
        manager.create_index(deleted).await?;
        let count = "UPDATE messages SET thread_count = (SELECT COUNT(*) FROM messages AS r \
                     WHERE r.reply_to_id = messages.id AND r.deleted_at IS NULL) WHERE thread_count > 0";
        manager.get_connection().execute_unprepared(count).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(DELETED).table(TABLE).to_owned()).await?;
        manager.alter_table(Table::alter().table(TABLE).drop_column("metadata").take()).await
    }
}
