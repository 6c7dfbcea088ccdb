//! How often something limited was used, counted by instances on one PostgreSQL without Redis. SQLite counts in memory and leaves this empty.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

/// One counter, from its first use until its time is over.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rate_counters")]
pub struct Model {
    /// A digest of what is counted: neither addresses nor logins are written down for it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: Uuid,
    pub count: i64,
    /// From then on it starts again.
    pub until: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
