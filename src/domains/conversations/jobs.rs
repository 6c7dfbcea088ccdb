//! Work on a timer. Harmless the second time.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::store;
use crate::{access::Op, base::error::Result, platform::jobs::Job};

/// Rows cleared away in one write: short, so that nobody waits for it.
const BATCH: u64 = 200;

/// Clear away conversations that were deleted long ago, with their members and messages.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct PurgeDeleted {}

impl Job for PurgeDeleted {
    const KIND: &'static str = "conversations.purge_deleted";

    fn unique_key(&self) -> Option<String> {
        Some("periodic".to_owned())
    }
}

/// Runs [`PurgeDeleted`]. What was deleted stays for the time of retention, in which an operator can still bring it back.
pub async fn purge_deleted(op: &Op, _: PurgeDeleted) -> Result<()> {
    let keep = TimeDelta::from_std(op.config.database.deleted_retention).unwrap_or(TimeDelta::days(30));
    while let Some(id) = store::deleted_before(op.read(), op.platform.clock.now() - keep).await? {
        while op.write(async |tx| store::purge_messages(tx, id, BATCH).await).await? > 0 {}
        while op.write(async |tx| store::purge_people(tx, id, BATCH).await).await? > 0 {}
        op.write(async |tx| store::purge_conversation(tx, id).await).await?;
    }
    Ok(())
}
