//! Receipts are read member by member: where a member came in, and members in the order of joining.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const TABLE: &str = "conversation_members";
const JOINED: &str = "idx_conversation_members_joined";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table(TABLE).add_column(bigint("joined_seq")).take()).await?;
        // What had been said when they came in, for those who are in already.
        let fill = "UPDATE conversation_members SET joined_seq = COALESCE((SELECT MAX(m.seq) FROM messages AS m \
                    WHERE m.conversation_id = conversation_members.conversation_id \
                    AND m.created_at < conversation_members.joined_at), 0)";
        manager.get_connection().execute_unprepared(fill).await?;
        manager.create_index(index(JOINED, TABLE, &["conversation_id", "joined_at", "user_id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_index(Index::drop().name(JOINED).table(TABLE).to_owned()).await?;
        manager.alter_table(Table::alter().table(TABLE).drop_column("joined_seq").take()).await
    }
}
