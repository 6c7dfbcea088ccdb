//! Work to be done after a write, by whoever has a hand free.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::JobId;

/// Where a job stands. A finished job has no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(20))")]
pub enum Status {
    /// Waiting for its time and a worker.
    #[sea_orm(string_value = "PENDING")]
    Pending,
    /// Claimed by a worker until its lease ends.
    #[sea_orm(string_value = "RUNNING")]
    Running,
    /// Out of attempts: kept for an administrator to look at and run again.
    #[sea_orm(string_value = "FAILED")]
    Failed,
}

/// A background job.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: JobId,
    pub kind: String,
    pub payload: Json,
    pub status: Status,
    /// Two jobs with the same key are one; `None` for a job that may stand beside its like.
    pub unique_key: Option<String>,
    pub run_at: DateTime<Utc>,
    pub attempts: i32,
    pub max_attempts: i32,
    /// Until when the worker that claimed it may be trusted to be alive.
    pub locked_until: Option<DateTime<Utc>>,
    /// Grows with every claim: a worker that lost its lease can no longer write.
    pub fence: i64,
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

crate::moment::dated!();
