//! Conversations, their members, and how far those have read.

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
                    .table("conversations")
                    .col(id())
                    .col(text("kind", 20))
                    .col(text_or_null("name", 255))
                    .col(text_or_null("description", 2000))
                    .col(text("visibility", 20))
                    .col(int("max_members", 50))
                    .col(key_or_null("creator_id"))
                    .col(text_or_null("direct_key", 80))
                    .col(bigint("last_seq"))
                    .col(int("member_count", 0))
                    .col(time("last_activity_at"))
                    .col(int("version", 1))
                    .col(time_or_null("archived_at"))
                    .col(time("created_at"))
                    .col(time("updated_at"))
                    .col(time_or_null("deleted_at"))
                    .check(one_of("kind", &["ROOM", "DIRECT", "ASSISTANT"]))
                    .check(one_of("visibility", &["PUBLIC", "PRIVATE"]))
                    .check(Expr::col("max_members").gt(0))
                    .check(Expr::col("last_seq").gte(0))
                    .foreign_key(&mut references(
                        "conversations_creator",
                        ("conversations", "creator_id"),
                        "users",
                        SetNull,
                    ))
                    .take(),
            )
            .await?;
        manager.create_index(unique("conversations", &["direct_key"])).await?;
        manager.create_index(index("idx_conversations_activity", "conversations", &["last_activity_at", "id"])).await?;
        manager
            .create_index(index("idx_conversations_creator", "conversations", &["creator_id", "last_activity_at"]))
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("conversation_members")
                    .col(key("conversation_id"))
                    .col(key("user_id"))
                    .col(text("role", 20))
                    .col(time("joined_at"))
                    .col(bigint("last_read_seq"))
                    .col(bigint("last_delivered_seq"))
                    .col(time_or_null("muted_until"))
                    .col(time("updated_at"))
                    .primary_key(Index::create().col("conversation_id").col("user_id"))
                    .check(one_of("role", &["OWNER", "MODERATOR", "MEMBER"]))
                    .foreign_key(&mut references(
                        "conversation_members_conversation",
                        ("conversation_members", "conversation_id"),
                        "conversations",
                        Cascade,
                    ))
                    .foreign_key(&mut references(
                        "conversation_members_user",
                        ("conversation_members", "user_id"),
                        "users",
                        Cascade,
                    ))
                    .take(),
            )
            .await?;
        manager
            .create_index(index(
                "idx_conversation_members_user",
                "conversation_members",
                &["user_id", "conversation_id"],
            ))
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("conversation_receipts")
                    .col(key("conversation_id"))
                    .col(key("user_id"))
                    .col(text("kind", 20))
                    .col(bigint("seq"))
                    .col(time("created_at"))
                    .primary_key(Index::create().col("conversation_id").col("user_id").col("kind").col("seq"))
                    .check(one_of("kind", &["READ", "DELIVERED"]))
                    .foreign_key(&mut references(
                        "conversation_receipts_conversation",
                        ("conversation_receipts", "conversation_id"),
                        "conversations",
                        Cascade,
                    ))
                    .foreign_key(&mut references(
                        "conversation_receipts_user",
                        ("conversation_receipts", "user_id"),
                        "users",
                        Cascade,
                    ))
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["conversation_receipts", "conversation_members", "conversations"]).await
    }
}
