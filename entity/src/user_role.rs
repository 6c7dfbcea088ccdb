//! Roles granted to people.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::{RoleId, UserId, UserRoleId};

/// A role a person holds, perhaps until a date.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_roles")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: UserRoleId,
    pub user_id: UserId,
    pub role_id: RoleId,
    pub assigned_at: DateTime<Utc>,
    /// Who granted it; `None` for the system.
    pub assigned_by: Option<UserId>,
    pub expires_at: Option<DateTime<Utc>>,
    /// False once it has ended; what has ended gives nothing whether or not it was switched off yet.
    pub is_active: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
