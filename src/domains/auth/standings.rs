//! The standing of sign-ins, kept for a moment: asking the database with every request would cost a simple one as much as its answer.
//!
//! A kept standing is forgotten as soon as this process hears that anything urgent happened to anybody's account: of its own writes
//! before they are answered, of those of other instances when their signal comes. A signal can be lost, and what was changed by hand
//! sends none: hence the age.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use chrono::TimeDelta;
use entity::ids::{SessionId, UserId};
use hashlink::LruCache;

use super::{model::Standing, store};
use crate::{base::error::Result, config::Config, platform::Platform};

/// Sign-ins whose standing is kept: some two hundred bytes each.
const KEPT: usize = 10_000;

/// How a sign-in stands, or stood `standing_age` ago at most; `None` when there is no such session of this person.
pub(super) async fn known(
    platform: &Platform,
    config: &Config,
    session: SessionId,
    user: UserId,
) -> Result<Option<Arc<Standing>>> {
    let kept = platform.memo.get(TimeDelta::MAX, async || Ok(Standings::default())).await?;
    let (now, heard) = (platform.clock.now(), platform.events.urgent_heard());
    if let Some(seen) = kept.get(session, user)
        && seen.heard == heard
        && seen.at.elapsed() < config.auth.standing_age
        && seen.standing.roles_until.is_none_or(|end| now < end)
    {
        return Ok(Some(seen.standing));
    }
    let at = Instant::now();
    let standing = store::standing(&platform.database.read(), session, user, now).await?.map(Arc::new);
    if let Some(standing) = &standing {
        kept.put(session, Seen { user, standing: standing.clone(), at, heard });
    }
    Ok(standing)
}

/// What was read, and when.
#[derive(Clone)]
struct Seen {
    user: UserId,
    standing: Arc<Standing>,
    at: Instant,
    /// What had been heard before it was read.
    heard: u64,
}

struct Standings(Mutex<LruCache<SessionId, Seen>>);

impl Default for Standings {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(KEPT)))
    }
}

impl Standings {
    fn get(&self, session: SessionId, user: UserId) -> Option<Seen> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&session).filter(|seen| seen.user == user).cloned()
    }

    fn put(&self, session: SessionId, seen: Seen) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(session, seen);
    }
}
