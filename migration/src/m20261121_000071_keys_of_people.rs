//! The ways from an account, and from what else may go, to the rows that name it: without an index each of them is read through
//! before one row can go.

use sea_orm_migration::prelude::*;

use crate::columns::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Index, table, column.
const ALWAYS: [(&str, &str, &str); 3] = [
    ("idx_message_reactions_user", "message_reactions", "user_id"),
    ("idx_conversation_receipts_user", "conversation_receipts", "user_id"),
    ("idx_refresh_tokens_user", "refresh_tokens", "user_id"),
];

/// Those that most rows, or some, leave empty: only what names somebody is in the index.
const SOMETIMES: [(&str, &str, &str); 4] = [
    ("idx_messages_pinned_by", "messages", "pinned_by"),
    ("idx_messages_deleted_by", "messages", "deleted_by"),
    ("idx_message_edits_editor", "message_edits", "editor_id"),
    ("idx_conversation_bans_banned_by", "conversation_bans", "banned_by"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table, column) in ALWAYS {
            manager.create_index(index(name, table, &[column])).await?;
        }
        for (name, table, column) in SOMETIMES {
            let filled = index(name, table, &[column]).and_where(Expr::col(column).is_not_null()).take();
            manager.create_index(filled).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table, _) in ALWAYS.into_iter().chain(SOMETIMES) {
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        Ok(())
    }
}
