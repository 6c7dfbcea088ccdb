//! What this installation has been through once, such as having been filled with demo data.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

/// One thing that has happened.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "milestones")]
pub struct Model {
    /// What, such as `demo.complete`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub reached_at: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
