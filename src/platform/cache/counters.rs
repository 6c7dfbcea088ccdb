//! Counters in a PostgreSQL that several instances share: one short statement a use, in a transaction of its own, on a table that is not
//! logged. What a crash loses of it are minutes of counting.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{DbBackend, Statement, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    base::error::{Error, Result},
    platform::database::Database,
};

/// Uses between two clearings.
const CLEAR_EVERY: u32 = 256;

const ADD: &str = "INSERT INTO rate_counters AS known (key, count, until) VALUES ($1, 1, $3) \
    ON CONFLICT (key) DO UPDATE SET \
        count = CASE WHEN known.until <= $2 THEN 1 ELSE known.count + 1 END, \
        until = CASE WHEN known.until <= $2 THEN excluded.until ELSE known.until END \
    RETURNING count, until";

/// Never waits for a counter that is just being used, and two that clear at once clear different ones.
const CLEAR: &str = "DELETE FROM rate_counters WHERE key IN \
    (SELECT key FROM rate_counters WHERE until <= $1 ORDER BY until LIMIT 1000 FOR UPDATE SKIP LOCKED)";

/// The counters.
#[derive(Clone, Debug)]
pub(super) struct Counters {
    database: Database,
    uses: Arc<AtomicU32>,
}

impl Counters {
    pub(super) fn new(database: Database) -> Self {
        Self { database, uses: Arc::default() }
    }

    /// Adds one to a counter that starts again after `window`; gives the new count and when it starts again.
    pub(super) async fn count(&self, key: &str, window: Duration, now: DateTime<Utc>) -> Result<(u32, Duration)> {
        if self.uses.fetch_add(1, Ordering::Relaxed).is_multiple_of(CLEAR_EVERY) {
            self.database.alone(statement(CLEAR, [now.into()])).await?;
        }
        let until = now + TimeDelta::from_std(window).unwrap_or(TimeDelta::hours(1));
        let counted = self.database.alone(statement(ADD, [named(key).into(), now.into(), until.into()])).await?;
        let row = counted.ok_or_else(|| Error::internal("a counter gave no count"))?;
        let (count, until): (i64, DateTime<Utc>) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        Ok((u32::try_from(count).unwrap_or(u32::MAX), (until - now).to_std().unwrap_or_default()))
    }
}

/// What a counter is kept under. Addresses of people are not written down for it.
fn named(key: &str) -> Uuid {
    let digest = Sha256::digest(key);
    Uuid::from_bytes(digest.first_chunk().copied().unwrap_or_default())
}

fn statement<const N: usize>(sql: &str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}
