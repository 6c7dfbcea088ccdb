//! Who is here just now: when somebody was last seen, in the cache, so that every instance knows and nothing is written down.
//!
//! Somebody is seen with every operation, and for as long as a subscription of theirs runs. Without Redis each process knows whom it
//! has seen since it started.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{cache::Cache, tasks::Tasks};
use crate::{base::clock::Clock, config::limits::Limits};
use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::UserId;

/// How long it is known when somebody was last seen.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// People past which those not seen lately are let go of here; the cache still knows them.
const SWEEP: usize = 10_000;

/// Who is here.
#[derive(Clone, Debug)]
pub struct Presence {
    cache: Cache,
    clock: Clock,
    tasks: Tasks,
    online: TimeDelta,
    /// When this process told the cache last: not with every request.
    told: Arc<Mutex<HashMap<UserId, DateTime<Utc>>>>,
    /// Who stays, and in how many ways.
    staying: Staying,
}

type Staying = Arc<Mutex<HashMap<UserId, usize>>>;

/// Somebody stays for as long as this lives.
#[derive(Debug)]
pub struct Stay {
    staying: Staying,
    user: UserId,
}

impl Drop for Stay {
    fn drop(&mut self) {
        let mut staying = self.staying.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = staying.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                staying.remove(&self.user);
            }
        }
    }
}

impl Presence {
    pub(super) fn new(cache: Cache, clock: Clock, tasks: Tasks, limits: &Limits) -> Self {
        let online = TimeDelta::from_std(limits.online).unwrap_or(TimeDelta::minutes(1));
        let staying = Staying::default();
        let presence = Self { cache, clock, tasks: tasks.clone(), online, told: Arc::default(), staying };
        // One beat for all: a timer for each of thousands of subscriptions would cost more than all else it does while nothing happens.
        let (beating, beat) = (presence.clone(), limits.presence_beat);
        tasks.spawn_until_stop(async move {
            loop {
                tokio::time::sleep(beat).await;
                let staying: Vec<UserId> = beating.staying().keys().copied().collect();
                staying.into_iter().for_each(|user| beating.seen(user));
            }
        });
        presence
    }

    /// Somebody was seen. Costs nothing when they were a moment ago, and nobody waits for it.
    pub fn seen(&self, user: UserId) {
        let now = self.clock.now();
        {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            let is_fresh = |at: &DateTime<Utc>| now - *at < self.online / 3 && now >= *at;
            if told.get(&user).is_some_and(is_fresh) {
                return;
            }
            if told.len() > SWEEP {
                told.retain(|_, at| is_fresh(at));
            }
            told.insert(user, now);
        }
        let cache = self.cache.clone();
        self.tasks.spawn_until_stop(async move { cache.put(&key(user), &now.to_rfc3339(), KEPT).await });
    }

    /// Somebody stays: seen now, and again and again until the answer is dropped.
    pub fn stay(&self, user: UserId) -> Stay {
        self.seen(user);
        *self.staying().entry(user).or_default() += 1;
        Stay { staying: self.staying.clone(), user }
    }

    fn staying(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.staying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When some people were last seen; who is not known to have been is left out.
    pub async fn last_seen(&self, users: &[UserId]) -> HashMap<UserId, DateTime<Utc>> {
        let keys: Vec<String> = users.iter().map(|user| key(*user)).collect();
        let found = self.cache.get_many(&keys).await;
        let read = |(user, text): (&UserId, Option<String>)| {
            Some((*user, DateTime::parse_from_rfc3339(&text?).ok()?.with_timezone(&Utc)))
        };
        users.iter().zip(found).filter_map(read).collect()
    }

    /// Whether somebody seen then counts as here.
    pub fn is_online(&self, last_seen: DateTime<Utc>) -> bool {
        self.clock.now() - last_seen <= self.online
    }
}

fn key(user: UserId) -> String {
    format!("presence:{user}")
}
