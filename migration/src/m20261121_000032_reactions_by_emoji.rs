//! Reactions are counted and listed emoji by emoji, from the index alone.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLE: &str = "message_reactions";
const EMOJI: &str = "idx_message_reactions_emoji";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(index(EMOJI, TABLE, &["message_id", "emoji", "created_at", "user_id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(EMOJI).table(TABLE).to_owned()).await
    }
}
