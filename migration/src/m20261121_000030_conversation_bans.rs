//! Who was shown out of a room and may not come back by themselves.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use ForeignKeyAction::{Cascade, SetNull};
        manager
            .create_table(
                Table::create()
                    .table("conversation_bans")
                    .col(key("conversation_id"))
                    .col(key("user_id"))
                    .col(key_or_null("banned_by"))
                    .col(time("created_at"))
                    .primary_key(Index::create().col("conversation_id").col("user_id"))
                    .foreign_key(&mut references(
                        "conversation_bans_conversation",
                        ("conversation_bans", "conversation_id"),
                        "conversations",
                        Cascade,
                    ))
                    .foreign_key(&mut references(
                        "conversation_bans_user",
                        ("conversation_bans", "user_id"),
                        "users",
                        Cascade,
                    ))
                    .foreign_key(&mut references(
                        "conversation_bans_banned_by",
                        ("conversation_bans", "banned_by"),
                        "users",
                        SetNull,
                    ))
                    .take(),
            )
            .await?;
        // An account that goes takes its bans with it.
        manager.create_index(index("idx_conversation_bans_user", "conversation_bans", &["user_id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["conversation_bans"]).await
    }
}
