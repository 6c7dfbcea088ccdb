//! Earlier texts of messages.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::{MessageEditId, MessageId, UserId};

/// The text a message had before a change.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "message_edits")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MessageEditId,
    pub message_id: MessageId,
    pub editor_id: Option<UserId>,
    /// The text before this edit.
    pub content: String,
    pub reason: Option<String>,
    pub created_at: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
