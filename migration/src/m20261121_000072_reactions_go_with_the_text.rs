//! Reactions to messages that were deleted before reactions went with the text.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let gone = "DELETE FROM message_reactions \
                    WHERE message_id IN (SELECT id FROM messages WHERE deleted_at IS NOT NULL)";
        manager.get_connection().execute_unprepared(gone).await?;
        Ok(())
    }

    /// Nothing to take back: what is gone was nobody's to see.
    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Ok(())
    }
}
