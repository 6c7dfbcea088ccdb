//! Messages with their earlier texts and reactions.

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
                    .table("messages")
                    .col(id())
                    .col(key("conversation_id"))
                    .col(bigint("seq"))
                    .col(key_or_null("sender_id"))
                    .col(text("role", 20))
                    .col(text("message_type", 20))
                    .col(ColumnDef::new("content").text().not_null())
                    .col(key_or_null("reply_to_id"))
                    .col(int("thread_count", 0))
                    .col(text_or_null("client_id", 100))
                    .col(json("mentions"))
                    .col(json("metadata"))
                    .col(int("edit_count", 0))
                    .col(time_or_null("edited_at"))
                    .col(time_or_null("pinned_at"))
                    .col(key_or_null("pinned_by"))
                    .col(time_or_null("deleted_at"))
                    .col(key_or_null("deleted_by"))
                    .col(text_or_null("deletion_reason", 500))
                    .col(int("version", 1))
                    .col(time("created_at"))
                    .col(time("updated_at"))
                    .check(one_of("role", &["USER", "ASSISTANT", "SYSTEM"]))
                    .check(one_of("message_type", &["TEXT", "IMAGE", "AUDIO", "SYSTEM"]))
                    .check(Expr::col("seq").gt(0))
                    .foreign_key(&mut references(
                        "messages_conversation",
                        ("messages", "conversation_id"),
                        "conversations",
                        Cascade,
                    ))
                    .foreign_key(&mut references("messages_sender", ("messages", "sender_id"), "users", SetNull))
                    .foreign_key(&mut references("messages_pinned_by", ("messages", "pinned_by"), "users", SetNull))
                    .foreign_key(&mut references("messages_deleted_by", ("messages", "deleted_by"), "users", SetNull))
                    .foreign_key(&mut references("messages_reply_to", ("messages", "reply_to_id"), "messages", SetNull))
                    .take(),
            )
            .await?;
        manager.create_index(unique("messages", &["conversation_id", "seq"])).await?;
        manager.create_index(unique("messages", &["conversation_id", "sender_id", "client_id"])).await?;
        manager.create_index(index("idx_messages_sender", "messages", &["sender_id", "id"])).await?;
        manager.create_index(index("idx_messages_reply_to", "messages", &["reply_to_id"])).await?;
        manager
            .create_index(
                index("idx_messages_pinned", "messages", &["conversation_id", "seq", "pinned_at"])
                    .and_where(Expr::col("pinned_at").is_not_null())
                    .take(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("message_edits")
                    .col(id())
                    .col(key("message_id"))
                    .col(key_or_null("editor_id"))
                    .col(ColumnDef::new("content").text().not_null())
                    .col(text_or_null("reason", 500))
                    .col(time("created_at"))
                    .foreign_key(&mut references(
                        "message_edits_message",
                        ("message_edits", "message_id"),
                        "messages",
                        Cascade,
                    ))
                    .foreign_key(&mut references(
                        "message_edits_editor",
                        ("message_edits", "editor_id"),
                        "users",
                        SetNull,
                    ))
                    .take(),
            )
            .await?;
        manager.create_index(index("idx_message_edits_message", "message_edits", &["message_id", "id"])).await?;
        manager
            .create_table(
                Table::create()
                    .table("message_reactions")
                    .col(key("message_id"))
                    .col(key("user_id"))
                    .col(text("emoji", 50))
                    .col(time("created_at"))
                    .primary_key(Index::create().col("message_id").col("user_id").col("emoji"))
                    .foreign_key(&mut references(
                        "message_reactions_message",
                        ("message_reactions", "message_id"),
                        "messages",
                        Cascade,
                    ))
                    .foreign_key(&mut references(
                        "message_reactions_user",
                        ("message_reactions", "user_id"),
                        "users",
                        Cascade,
                    ))
                    .take(),
            )
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_all(manager, &["message_reactions", "message_edits", "messages"]).await
    }
}
