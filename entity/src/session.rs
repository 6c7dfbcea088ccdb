//! Sign-ins, one row a device.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::{SessionId, UserId};

/// One sign-in of a person on a device.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SessionId,
    pub user_id: UserId,
    /// What the client calls itself, such as "Firefox on Linux".
    pub device: Option<String>,
    pub ip_address: Option<String>,
    pub user_agent: Option<String>,
    /// When the password was last given: what a dangerous action asks to be recent.
    pub authenticated_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

crate::moment::dated!();
