//! The one row that says which age of the log is being written and how much of it has been cleared away.

use sea_orm::entity::prelude::*;

/// The state of the log as a whole.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_log")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// Grows when the log's numbers can no longer be compared with earlier ones: a new cluster, a restored backup.
    pub epoch: i64,
    /// The database cluster that the epoch belongs to; empty on SQLite.
    pub cluster: String,
    /// The last event that was cleared away, as (epoch, transaction, number).
    pub pruned_epoch: i64,
    pub pruned_transaction_id: i64,
    pub pruned_number: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
