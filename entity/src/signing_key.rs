//! Keys that sign access tokens; all instances share them.

use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;

use crate::ids::SigningKeyId;

/// One Ed25519 key pair.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SigningKeyId,
    /// The raw public key, base64url without padding (the `x` of its JWK).
    pub public_key: String,
    /// The PKCS #8 private key, sealed by the vault.
    pub private_key: String,
    /// From when on it no longer signs.
    pub signs_until: DateTime<Utc>,
    /// From when on what it signed is refused.
    pub verifies_until: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("signing_key::Model").field("id", &self.id).finish_non_exhaustive()
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
