//! Work on a timer. Harmless the second time.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{events::AuthEvent, keys, store};
use crate::{access::Op, base::error::Result, domains::users, platform::jobs::Job};

/// Rows cleared away in one write: short, so that nobody waits for it.
const BATCH: u64 = 500;

/// Clear away sessions, refresh tokens and proofs that are over.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct PurgeExpired {}

impl Job for PurgeExpired {
    const KIND: &'static str = "auth.purge_expired";

    fn unique_key(&self) -> Option<String> {
        Some("periodic".to_owned())
    }
}

/// Runs [`PurgeExpired`]. Ended sessions stay a week, so that their owner can still see that they ended.
pub async fn purge_expired(op: &Op, _: PurgeExpired) -> Result<()> {
    loop {
        let gone = op
            .write(async |tx| {
                Ok(store::purge(tx, tx.now() - TimeDelta::days(7), BATCH).await?
                    + users::purge_verifications(tx, BATCH).await?)
            })
            .await?;
        if gone < BATCH {
            return Ok(());
        }
    }
}

/// Switch off role grants that have ended.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ExpireGrants {}

impl Job for ExpireGrants {
    const KIND: &'static str = "auth.expire_grants";

    fn unique_key(&self) -> Option<String> {
        Some("periodic".to_owned())
    }
}

/// Runs [`ExpireGrants`]. The rights ended by themselves, at the minute; this tells those who follow the account, and the list of roles.
pub async fn expire_grants(op: &Op, _: ExpireGrants) -> Result<()> {
    loop {
        let ended = op
            .write(async |tx| {
                let ended = store::expire_grants(tx, BATCH).await?;
                for user in &ended {
                    tx.emit(AuthEvent::AccountChanged { user: *user });
                }
                Ok(ended.len() as u64)
            })
            .await?;
        if ended < BATCH {
            return Ok(());
        }
    }
}

/// Make a new signing key in time.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct RotateKeys {}

impl Job for RotateKeys {
    const KIND: &'static str = "auth.rotate_keys";

    fn unique_key(&self) -> Option<String> {
        Some("periodic".to_owned())
    }
}

/// Runs [`RotateKeys`].
pub async fn rotate_keys(op: &Op, _: RotateKeys) -> Result<()> {
    keys::rotate(&op.platform, &op.config).await
}
