//! Rooms, direct conversations and assistant chats: one table.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::{ConversationId, UserId};

/// What kind of conversation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(20))")]
pub enum Kind {
    #[sea_orm(string_value = "ROOM")]
    Room,
    #[sea_orm(string_value = "DIRECT")]
    Direct,
    #[sea_orm(string_value = "ASSISTANT")]
    Assistant,
}

/// Who may find a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(20))")]
pub enum Visibility {
    #[sea_orm(string_value = "PUBLIC")]
    Public,
    #[sea_orm(string_value = "PRIVATE")]
    Private,
}

/// A conversation.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "conversations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ConversationId,
    pub kind: Kind,
    /// `None` for a direct conversation, which is called after the other person.
    pub name: Option<String>,
    pub description: Option<String>,
    pub visibility: Visibility,
    pub max_members: i32,
    pub creator_id: Option<UserId>,
    /// The two people of a direct conversation, smaller id first: unique, so that a pair has one.
    pub direct_key: Option<String>,
    /// The number of the newest message; numbers have no gaps.
    pub last_seq: i64,
    pub member_count: i32,
    pub last_activity_at: DateTime<Utc>,
    /// Grows by one with every change of name, description, ceiling, visibility or metadata, and when it is archived or taken out.
    pub version: i32,
    /// Since when nothing new is said in it.
    pub archived_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
    /// What front ends keep with it: a JSON object.
    pub metadata: Json,
    /// The name as a search compares it: NFKC, lower case. Kept by the store.
    pub name_key: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

crate::moment::dated!();
