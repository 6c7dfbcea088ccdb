//! Short-lived counters and values: the tight limits, presence. Redis when there is one; else the values live in this process, and so do
//! the counters, unless the database is one that several instances share.
//!
//! When Redis is gone, the same holds for as long as it is away, and nothing else changes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use redis::AsyncCommands;

use super::{buckets::Level, database::Database, tasks::Tasks};
use crate::{
    base::{
        clock::Clock,
        error::{Error, Result},
    },
    config::{self, limits::Rate},
};

/// Entries past which the in-process side looks for expired ones at every write.
const SWEEP: usize = 10_000;

/// A value, and until when.
type Kept = (String, DateTime<Utc>);

/// Redis behind a breaker.
pub(super) mod remote;
/// Counters in a database that several instances share.
mod counters;

/// Counters and values that expire.
#[derive(Clone)]
pub struct Cache {
    clock: Clock,
    redis: Option<remote::Remote>,
    /// Without Redis, and while it does not answer: counters of all instances.
    counters: Option<counters::Counters>,
    /// Without either.
    local: Arc<Mutex<HashMap<String, Kept>>>,
}

impl Cache {
    pub(super) fn open(
        config: &config::cache::Cache,
        database: &Database,
        clock: Clock,
        tasks: &Tasks,
    ) -> Result<Self> {
        let redis = config.redis_url.as_deref().map(|url| remote::Remote::open(url, tasks)).transpose()?;
        // SQLite has one process, and its disk would have to turn for every guess at a password: a restart may forget.
        let counters = (!database.is_sqlite()).then(|| counters::Counters::new(database.clone()));
        Ok(Self { clock, redis, counters, local: Arc::default() })
    }

    /// Redis, when there is one.
    pub(super) fn remote(&self) -> Option<remote::Remote> {
        self.redis.clone()
    }

    /// Adds one to a counter that starts again after `window`; gives the new count and when it starts again.
    pub async fn count(&self, key: &str, window: Duration) -> (u32, Duration) {
        if let Some(redis) = &self.redis {
            let key = format!("polyphony:{key}");
            let counted: Option<(u32, i64)> = redis
                .ask(async |mut redis| {
                    redis::pipe()
                        .atomic()
                        .incr(&key, 1)
                        .cmd("PEXPIRE")
                        .arg(&key)
                        .arg(u64::try_from(window.as_millis()).unwrap_or(u64::MAX))
                        .arg("NX")
                        .ignore()
                        .pttl(&key)
                        .query_async(&mut redis)
                        .await
                })
                .await;
            if let Some((count, left)) = counted {
                return (count, Duration::from_millis(u64::try_from(left).unwrap_or(0)));
            }
        }
        if let Some(counters) = &self.counters {
            match counters.count(key, window, self.clock.now()).await {
                Ok(counted) => return counted,
                Err(error) => tracing::warn!(?error, "the database does not count; this process does"),
            }
        }
        self.count_here(key, window)
    }

    fn count_here(&self, key: &str, window: Duration) -> (u32, Duration) {
        let now = self.clock.now();
        let mut local = self.local.lock().unwrap_or_else(PoisonError::into_inner);
        if local.len() > SWEEP {
            local.retain(|_, (_, until)| *until > now);
        }
        let fresh = || ("0".to_owned(), now + TimeDelta::from_std(window).unwrap_or(TimeDelta::hours(1)));
        let entry = local.entry(key.to_owned()).or_insert_with(fresh);
        if entry.1 <= now {
            *entry = fresh();
        }
        let count = entry.0.parse::<u32>().unwrap_or(0).saturating_add(1);
        entry.0 = count.to_string();
        (count, (entry.1 - now).to_std().unwrap_or_default())
    }

    /// Counts one use against a tight limit: all instances count together, before any of them answers. From the first use on `rate.count`
    /// pass, and none until `rate.per` is over.
    ///
    /// # Errors
    /// `RATE_LIMIT_EXCEEDED` with the time to wait once the limit is passed.
    pub async fn limit(&self, what: &'static str, who: &str, rate: Rate) -> Result<()> {
        let (count, left) = self.count(&format!("ratelimit:{what}:{who}"), rate.per).await;
        if count <= rate.count {
            return Ok(());
        }
        Err(Level { name: what, rate, remaining: 0, full_in: left, wait: left }.refusal())
    }

    /// Whether Redis answers. Without Redis there is nothing to reach.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn is_reachable(&self) -> Result<bool> {
        match &self.redis {
            Some(redis) => redis.probe().await.map(|()| true).map_err(Error::internal),
            None => Ok(true),
        }
    }

    /// Keeps a value for a while.
    pub async fn put(&self, key: &str, value: &str, keep: Duration) {
        if let Some(redis) = &self.redis {
            let (name, seconds) = (format!("polyphony:{key}"), keep.as_secs().max(1));
            let kept = redis.ask(async |mut redis| redis.set_ex::<_, _, ()>(name, value, seconds).await).await;
            if kept.is_some() {
                return;
            }
        }
        let until = self.clock.now() + TimeDelta::from_std(keep).unwrap_or(TimeDelta::hours(1));
        self.local.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), (value.to_owned(), until));
    }

    /// A kept value that has not expired.
    pub async fn get(&self, key: &str) -> Option<String> {
        if let Some(redis) = &self.redis {
            let name = format!("polyphony:{key}");
            let found = redis.ask(async |mut redis| redis.get::<_, Option<String>>(name).await).await.flatten();
            // What was kept here while Redis was away still counts.
            if found.is_some() {
                return found;
            }
        }
        let local = self.local.lock().unwrap_or_else(PoisonError::into_inner);
        local.get(key).filter(|(_, until)| *until > self.clock.now()).map(|(value, _)| value.clone())
    }
}

impl Cache {
    /// Whether other processes see what is kept here.
    pub fn is_shared(&self) -> bool {
        self.redis.is_some()
    }

    /// Keeps a value for other processes alone: only where there is Redis, and as well as it can.
    pub async fn share(&self, key: &str, value: &str, keep: Duration) {
        if let Some(redis) = &self.redis {
            let (name, seconds) = (format!("polyphony:{key}"), keep.as_secs().max(1));
            redis.ask(async |mut redis| redis.set_ex::<_, _, ()>(name, value, seconds).await).await;
        }
    }

    /// A value some process has shared.
    pub async fn shared(&self, key: &str) -> Option<String> {
        let name = format!("polyphony:{key}");
        self.redis.as_ref()?.ask(async |mut redis| redis.get::<_, Option<String>>(name).await).await.flatten()
    }

    /// Several kept values at once, in the order asked; `None` for one that is not there or has expired.
    pub async fn get_many(&self, keys: &[String]) -> Vec<Option<String>> {
        if keys.is_empty() {
            return Vec::new();
        }
        if let Some(redis) = &self.redis {
            let names: Vec<String> = keys.iter().map(|key| format!("polyphony:{key}")).collect();
            let asked = redis.ask(async |mut redis| {
                redis::cmd("MGET").arg(names).query_async::<Vec<Option<String>>>(&mut redis).await
            });
            if let Some(values) = asked.await {
                return values;
            }
        }
        let (now, local) = (self.clock.now(), self.local.lock().unwrap_or_else(PoisonError::into_inner));
        let kept = |key: &String| local.get(key).filter(|(_, until)| *until > now).map(|(value, _)| value.clone());
        keys.iter().map(kept).collect()
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.redis.is_some() { "Cache(Redis)" } else { "Cache(in process)" })
    }
}
