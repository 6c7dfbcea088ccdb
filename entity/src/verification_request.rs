//! Proofs waiting for their mailed link to be followed.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::{UserId, VerificationRequestId};

/// What a mailed token proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(50))")]
pub enum Kind {
    #[sea_orm(string_value = "EMAIL")]
    Email,
    #[sea_orm(string_value = "PASSWORD_RESET")]
    PasswordReset,
}

/// A pending proof.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "verification_requests")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VerificationRequestId,
    pub user_id: UserId,
    pub kind: Kind,
    /// The address the mail went to: a link proves this one, whatever the account says by then.
    pub email: String,
    /// SHA-256 of the token, in hexadecimal. Unique.
    pub token_hash: String,
    pub expires_at: DateTime<Utc>,
    pub completed_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
