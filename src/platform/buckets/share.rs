//! Instances with one Redis share their buckets: what was taken here is added there, and how full the bucket is for all comes back.
//!
//! In any time, all instances together let through what the bucket holds and what fills it, and besides, once, what each of them let
//! through before it heard of the others: a tenth of a second's requests, and never more than the bucket holds. That is owed, and has to
//! fill up again first. Instances compare their own clocks, so one that is a second off is off by as much of the bucket.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use super::{Buckets, FullAt, Kept, Key, Whose};
use crate::platform::cache::remote::Remote;

/// How long what was taken here may be news to the others.
const DELAY: Duration = Duration::from_millis(100);
/// Buckets told of in one go.
const BATCH: usize = 500;
/// Moves on the moment at which a bucket is full again: KEYS the bucket; ARGV now and the share, both in microseconds. The key goes a
/// minute after its bucket is full. Numbers are written out, because Lua's own way to write them keeps fourteen digits only.
const ADD: &str = "local at = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), tonumber(ARGV[1])) + tonumber(ARGV[2]) \
    local text = string.format('%.0f', at) \
    redis.call('SET', KEYS[1], text, 'PX', string.format('%.0f', math.max(at - tonumber(ARGV[1]), 0) / 1000 + 60000)) \
    return text";

/// The other instances.
pub(super) struct Others {
    redis: Remote,
    /// Buckets of which there is something to tell, each once.
    news: Mutex<Vec<Key>>,
    waiting: Notify,
    /// Held while news are on their way: who shares next has heard of them.
    busy: tokio::sync::Mutex<()>,
}

impl Others {
    pub(super) fn new(redis: Remote) -> Self {
        Self { redis, news: Mutex::default(), waiting: Notify::new(), busy: tokio::sync::Mutex::default() }
    }

    /// There is something to tell of this bucket.
    pub(super) fn has_news(&self, key: Key) {
        self.news.lock().unwrap_or_else(PoisonError::into_inner).push(key);
        self.waiting.notify_one();
    }

    fn take_news(&self) -> Vec<Key> {
        std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Buckets {
    pub(super) async fn keep_sharing(&self) {
        let Some(others) = &self.0.others else { return };
        loop {
            others.waiting.notified().await;
            tokio::time::sleep(DELAY).await;
            self.share().await;
        }
    }

    /// Tells the others what was taken here since they were told last, and hears from them. Done all the time; a test may want it now.
    pub async fn share(&self) {
        let Some(others) = &self.0.others else { return };
        let _busy = others.busy.lock().await;
        for keys in others.take_news().chunks(BATCH) {
            let now = self.now();
            let news: Vec<(Key, i64)> = {
                let mut kept = self.kept();
                let untold = |key: &Key| kept.get_mut(key).map(|entry| (*key, entry.tell(now)));
                keys.iter().filter_map(untold).filter(|(_, share)| *share != 0).collect()
            };
            if news.is_empty() {
                continue;
            }
            let told: Option<Vec<i64>> = others
                .redis
                .ask(async |mut redis| {
                    let mut pipe = redis::pipe();
                    for (key, share) in &news {
                        pipe.cmd("EVAL").arg(ADD).arg(1).arg(name(*key)).arg(now).arg(*share);
                    }
                    pipe.query_async(&mut redis).await
                })
                .await;
            let mut kept = self.kept();
            for (index, (key, share)) in news.into_iter().enumerate() {
                let Some(entry) = kept.get_mut(&key) else { continue };
                match told.as_ref().and_then(|told| told.get(index)) {
                    Some(full_at) => entry.hear(*full_at),
                    None => {
                        // Nobody heard: it is told again.
                        if entry.untold == 0 {
                            others.has_news(key);
                        }
                        entry.untold += share;
                    }
                }
            }
        }
    }
}

impl Kept {
    /// What is to be told now. What has filled up again since it was taken needs no telling.
    fn tell(&mut self, now: i64) -> i64 {
        std::mem::take(&mut self.untold).min((self.full_at.0 - now).max(0))
    }

    /// The bucket of all is full at this moment, what was taken here since it was told not counted.
    fn hear(&mut self, full_at: i64) {
        self.full_at = FullAt(self.full_at.0.max(full_at.saturating_add(self.untold)));
    }
}

fn name((name, whose): Key) -> String {
    match whose {
        Whose::Everybody => format!("polyphony:bucket:{name}"),
        Whose::Address(Some(ip)) => format!("polyphony:bucket:{name}:{ip}"),
        Whose::Address(None) => format!("polyphony:bucket:{name}:unknown"),
        Whose::Person(user) => format!("polyphony:bucket:{name}:{user}"),
    }
}
