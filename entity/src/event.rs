//! The event log: what happened, in the order in which it took effect.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::EventId;

/// One event. Its place in the order is (epoch, transaction, number).
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "events")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub number: i64,
    /// The age of the log it belongs to; see `event_log`.
    pub epoch: i64,
    /// The writing transaction's id on PostgreSQL, 0 on SQLite.
    pub transaction_id: i64,
    pub id: EventId,
    /// Whose event it is: `conversation_…`, `user_…`.
    pub topic: String,
    /// What happened: `message.sent`.
    pub kind: String,
    pub payload: Json,
    pub created_at: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
