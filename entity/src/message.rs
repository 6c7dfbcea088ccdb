//! Messages of all conversations.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::{ConversationId, MessageId, UserId};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(20))")]
pub enum Role {
    #[sea_orm(string_value = "USER")]
    User,
    #[sea_orm(string_value = "ASSISTANT")]
    Assistant,
    #[sea_orm(string_value = "SYSTEM")]
    System,
}

/// What the message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(20))")]
pub enum Type {
    #[sea_orm(string_value = "TEXT")]
    Text,
    #[sea_orm(string_value = "IMAGE")]
    Image,
    #[sea_orm(string_value = "AUDIO")]
    Audio,
    #[sea_orm(string_value = "SYSTEM")]
    System,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "messages")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MessageId,
    pub conversation_id: ConversationId,
    /// Its number in the conversation, from 1, without gaps. Unique there.
    pub seq: i64,
    /// `None` for the assistant, the system, and an account that is gone.
    pub sender_id: Option<UserId>,
    pub role: Role,
    pub message_type: Type,
    /// Empty once deleted.
    pub content: String,
    pub reply_to_id: Option<MessageId>,
    /// How many replies point here that have not been deleted.
    pub thread_count: i32,
    /// The key its sender gave it; unique for the sender in the conversation, for good.
    pub client_id: Option<String>,
    /// Ids of the members named with @, as JSON.
    pub mentions: Json,
    pub metadata: Json,
    pub edit_count: i32,
    pub edited_at: Option<DateTime<Utc>>,
    pub pinned_at: Option<DateTime<Utc>>,
    pub pinned_by: Option<UserId>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub deleted_by: Option<UserId>,
    pub deletion_reason: Option<String>,
    /// Grows by one with every change of the message, reactions included.
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

crate::moment::dated!();
