//! Work on a timer. Harmless the second time.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{keys, store};
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
