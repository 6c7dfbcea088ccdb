//! Roles that can be granted.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::RoleId;

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "roles")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RoleId,
    /// Upper case, unique: `MODERATOR`.
    pub name: String,
    pub display_name: String,
    pub description: Option<String>,
    /// True for the base roles, which can be neither renamed nor deleted.
    pub is_system: bool,
    pub is_active: bool,
    /// Grows by one with every change.
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

crate::moment::dated!();
