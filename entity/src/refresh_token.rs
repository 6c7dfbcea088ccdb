//! Refresh tokens: a chain a session, of which only the last may be used.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::{RefreshTokenId, SessionId, UserId};

/// One link of a session's chain of refresh tokens.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refresh_tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RefreshTokenId,
    pub session_id: SessionId,
    pub user_id: UserId,
    /// The token this one was exchanged for; `None` for the first of a sign-in.
    pub parent_id: Option<RefreshTokenId>,
    /// SHA-256 of the token, in hexadecimal. Unique.
    pub token_hash: String,
    pub expires_at: DateTime<Utc>,
    /// When it was exchanged.
    pub used_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

crate::moment::dated!();
