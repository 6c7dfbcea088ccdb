//! The wide limits: what every request has to pass. One number a bucket, in memory, so that asking costs less than a microsecond and
//! nobody waits for it.
//!
//! A bucket is known by the moment at which it will be full again (the generic cell rate algorithm, GCRA): a request moves that moment
//! on by its share of the time, and is refused when it would lie further off than the whole time. So a bucket that rested holds all of
//! its count at once, and then fills evenly. What is refused takes nothing.
//!
//! With Redis the instances share their buckets ([`share`]): each answers from memory and tells the others a moment later. Nobody waits
//! for Redis, and what was let through too much meanwhile is owed, so that over time the count holds exactly. The tight limits
//! ([`Cache::limit`](super::cache::Cache::limit)) are counted together before they answer.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use entity::ids::UserId;
use hashlink::LruCache;
use serde_json::json;

use super::{cache::remote::Remote, metrics, tasks::Tasks};
use crate::{
    base::{
        clock::Clock,
        error::{Code, Error},
    },
    config::limits::Rate,
};

/// Instances tell each other.
mod share;

/// Buckets kept, some ten megabytes. Past it the one that rested longest is forgotten, which is as if it were full: whoever has so many
/// Buckets that one may owe at the most: what other instances let through counts afterwards.
const BEYOND: i64 = 8;
/// addresses still has to pass the bucket of everybody.
const KEPT: usize = 100_000;

/// Whose bucket it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Whose {
    /// One for all who ask this process.
    Everybody,
    /// A [`network`]; `None` where it is not known.
    Address(Option<IpAddr>),
    /// A person's.
    Person(UserId),
}

/// What counts as one address: a household has an IPv6 /64, and counting single addresses of it would count nothing.
pub fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
        ip @ IpAddr::V4(_) => ip,
    }
}

/// A bucket: its name, whose it is, and what goes into it.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// Its name, in metrics and answers.
    pub name: &'static str,
    /// Whose it is.
    pub whose: Whose,
    /// What goes into it.
    pub rate: Rate,
}

/// How full a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The bucket's name.
    pub name: &'static str,
    /// What goes into it.
    pub rate: Rate,
    /// What is left.
    pub remaining: u32,
    /// When it is full again.
    pub full_in: Duration,
    /// When what was asked for would be there; nothing when it was.
    pub wait: Duration,
}

impl Level {
    /// The refusal of what was asked for, with what a client has to know to come back in time; and a line in the metrics.
    pub fn refusal(&self) -> Error {
        metrics::refusal(self.name);
        let wait = seconds(self.wait).max(1);
        Error::new(Code::RateLimitExceeded, format!("Too many requests of this kind; try again in {wait} seconds."))
            .with_retry_after(Duration::from_secs(wait))
            .with_details(self.told())
    }

    /// As a client reads it: the limit's name, how many in how many seconds, how many are left, and in how many seconds all of them are
    /// there again.
    pub fn told(&self) -> serde_json::Value {
        json!({
            "limit": self.name,
            "count": self.rate.count,
            "seconds": self.rate.per.as_secs(),
            "remaining": self.remaining,
            "reset": seconds(self.full_in),
        })
    }
}

/// Whole seconds, rounded up: who comes back after them is not too early.
pub fn seconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// The moment at which a bucket will be full again, in microseconds of the clock; one that was never used is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct FullAt(i64);

impl FullAt {
    /// Takes `weight`, if it is there.
    fn take(&mut self, now: i64, rate: Rate, weight: u32) -> Result<i64, Duration> {
        let share = share_of(rate, weight);
        // So far ahead is no bucket, whatever is owed: the clock was set back.
        let full_at = if self.0.saturating_sub(now) > micros(rate.per).saturating_mul(BEYOND) { now } else { self.0 };
        let next = full_at.max(now).saturating_add(share);
        match next - now - micros(rate.per) {
            missing @ 1.. => Err(Duration::from_micros(missing.unsigned_abs())),
            _ => {
                self.0 = next;
                Ok(share)
            }
        }
    }

    /// What is left, and when it is full again.
    fn level(self, now: i64, rate: Rate) -> (u32, Duration) {
        let (whole, used) = (micros(rate.per), (self.0 - now).max(0));
        let left = i128::from((whole - used).max(0)) * i128::from(rate.count) / i128::from(whole.max(1));
        (u32::try_from(left).unwrap_or(u32::MAX), Duration::from_micros(used.unsigned_abs()))
    }
}

/// The part of a bucket's time that `weight` takes; no more than all of it, so that what is dearer than a bucket holds may run when the
/// bucket is full.
fn share_of(rate: Rate, weight: u32) -> i64 {
    let share = rate.per.as_micros() * u128::from(weight.min(rate.count)) / u128::from(rate.count.max(1));
    i64::try_from(share).unwrap_or(i64::MAX).max(1)
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// A bucket that belongs to one connection and is kept there.
#[derive(Debug, Default)]
pub struct Flow(FullAt);

impl Flow {
    /// Takes one, if it is there.
    pub fn passes(&mut self, clock: &Clock, rate: Rate) -> bool {
        self.0.take(clock.now().timestamp_micros(), rate, 1).is_ok()
    }
}

type Key = (&'static str, Whose);

#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    full_at: FullAt,
    /// What was taken here and the other instances have not been told.
    untold: i64,
}

/// The buckets of this process.
#[derive(Clone)]
pub struct Buckets(Arc<Inner>);

struct Inner {
    clock: Clock,
    kept: Mutex<LruCache<Key, Kept>>,
    others: Option<share::Others>,
}

impl Buckets {
    pub(super) fn open(redis: Option<Remote>, clock: Clock, tasks: &Tasks) -> Self {
        let others = redis.map(share::Others::new);
        let this = Self(Arc::new(Inner { clock, kept: Mutex::new(LruCache::new(KEPT)), others }));
        if this.0.others.is_some() {
            let sharing = this.clone();
            tasks.spawn_until_stop(async move { sharing.keep_sharing().await });
        }
        this
    }

    /// Takes `weight` out of a bucket, and gives how full it is then. What weighs more than the bucket holds counts as all of it.
    ///
    /// # Errors
    /// How full it is, and when there will be enough. Nothing was taken.
    pub fn take(&self, bucket: &Bucket, weight: u32) -> Result<Level, Level> {
        let now = self.now();
        let mut kept = self.kept();
        let mut entry = kept.get(&key(bucket)).copied().unwrap_or_default();
        let taken = entry.full_at.take(now, bucket.rate, weight);
        let (remaining, full_in) = entry.full_at.level(now, bucket.rate);
        let level = Level { name: bucket.name, rate: bucket.rate, remaining, full_in, wait: Duration::ZERO };
        match taken {
            Ok(share) => {
                self.note(bucket, &mut entry, share);
                kept.insert(key(bucket), entry);
                Ok(level)
            }
            Err(wait) => Err(Level { wait, ..level }),
        }
    }

    /// Puts back what was taken for something that was refused elsewhere.
    pub fn give_back(&self, bucket: &Bucket, weight: u32) {
        if let Some(entry) = self.kept().get_mut(&key(bucket)) {
            let share = share_of(bucket.rate, weight);
            entry.full_at.0 -= share;
            self.note(bucket, entry, -share);
        }
    }

    /// Buckets kept now.
    pub fn len(&self) -> usize {
        self.kept().len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn kept(&self) -> MutexGuard<'_, LruCache<Key, Kept>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        self.0.clock.now().timestamp_micros()
    }

    /// Remembers what the others have to be told.
    fn note(&self, bucket: &Bucket, entry: &mut Kept, share: i64) {
        // The bucket of everybody is about what this process can bear.
        if let Some(others) = self.0.others.as_ref().filter(|_| bucket.whose != Whose::Everybody) {
            if entry.untold == 0 {
                others.has_news(key(bucket));
            }
            entry.untold += share;
        }
    }
}

fn key(bucket: &Bucket) -> Key {
    (bucket.name, bucket.whose)
}

impl std::fmt::Debug for Buckets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.others.is_some() { "Buckets(shared)" } else { "Buckets(in process)" })
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn buckets() -> (Buckets, Clock) {
        let clock = Clock::standing("2026-11-21T09:00:00Z".parse().unwrap());
        (Buckets::open(None, clock.clone(), &Tasks::default()), clock)
    }

    fn bucket(count: u32, seconds: u64) -> Bucket {
        Bucket { name: "test", whose: Whose::Everybody, rate: Rate::new(count, seconds) }
    }

    #[test]
    fn a_bucket_empties_and_fills_evenly() {
        let (buckets, clock) = buckets();
        for (count, seconds) in [(3, 60), (7, 1), (100, 60), (1000, 1), (1, 3600), (1_000_000, 1)] {
            let bucket =
                Bucket { whose: Whose::Address(Some([0, 0, 0, count as u8].into())), ..bucket(count, seconds) };
            for taken in 1..=count.min(1000) {
                let level = buckets.take(&bucket, 1).unwrap();
                assert_eq!((level.remaining, level.wait), (count - taken, Duration::ZERO), "{count}/{seconds}");
            }
            if count > 1000 {
                continue;
            }
            let level = buckets.take(&bucket, 1).unwrap_err();
            let each = Duration::from_secs(seconds) / count;
            assert_eq!(level.remaining, 0);
            assert!(level.wait <= each && level.wait + Duration::from_micros(count.into()) >= each, "{level:?}");
            assert_eq!(buckets.take(&bucket, 1), Err(level), "a refusal takes nothing");
            clock.advance(TimeDelta::from_std(level.wait).unwrap());
            assert_eq!(buckets.take(&bucket, 1).unwrap().remaining, 0);
            buckets.take(&bucket, 1).unwrap_err();
            clock.advance(TimeDelta::seconds(i64::try_from(seconds).unwrap()));
            assert_eq!(buckets.take(&bucket, 1).unwrap().remaining, count - 1, "full again");
        }
    }

    #[test]
    fn what_is_dear_takes_more() {
        let (buckets, clock) = buckets();
        let bucket = bucket(30, 60);
        assert_eq!(buckets.take(&bucket, 10).unwrap().remaining, 20);
        assert_eq!(buckets.take(&bucket, 15).unwrap().remaining, 5);
        let level = buckets.take(&bucket, 6).unwrap_err();
        assert_eq!((level.remaining, level.wait, level.full_in), (5, Duration::from_secs(2), Duration::from_secs(50)));
        buckets.give_back(&bucket, 15);
        assert_eq!(buckets.take(&bucket, 6).unwrap().remaining, 14);
        // What is dearer than the bucket holds runs when it is full.
        buckets.take(&bucket, 1000).unwrap_err();
        clock.advance(TimeDelta::seconds(60));
        assert_eq!(buckets.take(&bucket, 1000).unwrap().remaining, 0);
    }

    #[test]
    fn one_bucket_does_not_touch_another() {
        let (buckets, _) = buckets();
        let of = |name, whose| Bucket { name, whose, rate: Rate::new(1, 60) };
        let address = |text: &str| Whose::Address(Some(network(text.parse().unwrap())));
        buckets.take(&of("one", address("192.0.2.1")), 1).unwrap();
        buckets.take(&of("two", address("192.0.2.1")), 1).unwrap();
        buckets.take(&of("one", address("192.0.2.2")), 1).unwrap();
        // A household is one address, and so is an IPv4 address however it is written.
        buckets.take(&of("one", address("::ffff:192.0.2.1")), 1).unwrap_err();
        buckets.take(&of("one", address("2001:db8:0:1::1")), 1).unwrap();
        buckets.take(&of("one", address("2001:db8:0:1:ffff::2")), 1).unwrap_err();
        buckets.take(&of("one", address("2001:db8:0:2::1")), 1).unwrap();
    }

    #[test]
    fn memory_is_bounded() {
        let (buckets, _) = buckets();
        let of = |number: u32| Bucket { whose: Whose::Address(Some(number.to_be_bytes().into())), ..bucket(1, 60) };
        let busy = of(u32::MAX);
        for number in 0..u32::try_from(KEPT * 2).unwrap() {
            buckets.take(&of(number), 1).unwrap();
            if number % 1000 == 0 {
                let _ = buckets.take(&busy, 1);
            }
        }
        assert_eq!(buckets.len(), KEPT);
        buckets.take(&busy, 1).expect_err("what is used is not forgotten");
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let level = Level {
            name: "person",
            rate: Rate::new(100, 60),
            remaining: 0,
            full_in: Duration::from_millis(59_500),
            wait: Duration::from_millis(100),
        };
        let error = level.refusal();
        assert_eq!((error.code(), error.retry_after()), (Code::RateLimitExceeded, Some(Duration::from_secs(1))));
        let details = json!({ "limit": "person", "count": 100, "seconds": 60, "remaining": 0, "reset": 60 });
        assert_eq!(error.details(), Some(&details));
    }
}
