//! How often: what every request has to pass, with a reason for each number.
//!
//! A rate is written as `count/seconds`, such as `RATE_LIMIT_PERSON=100/60`. In development every rate is a hundred times what is
//! written here: laptops and playgrounds share one address among everybody.

use std::{fmt, str::FromStr, time::Duration};

use super::Env;

/// The most that a rate may count: raised so far, it limits nothing that a machine could do.
const MOST: u32 = 1_000_000_000;
/// The longest time of a rate, in seconds: a day.
const LONGEST: u64 = 86_400;

/// So many in such a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In what time.
    pub per: Duration,
}

impl Rate {
    /// So many in so many seconds.
    pub const fn new(count: u32, seconds: u64) -> Self {
        Self { count, per: Duration::from_secs(seconds) }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.count, self.per.as_secs())
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('/').and_then(|(count, seconds)| {
            let (count, seconds) = (count.trim().parse().ok()?, seconds.trim().parse().ok()?);
            ((1..=MOST).contains(&count) && (1..=LONGEST).contains(&seconds)).then(|| Self::new(count, seconds))
        });
        parsed.ok_or_else(|| format!("takes how many in how many seconds, such as 100/60, this is {text:?}"))
    }
}

/// What one viewer may do. The kinds of operations are counted within the first, so that one of them alone cannot use it up.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Operations of any kind. One counts as one, or as more when it is dear: the dearest that is run at all counts as ten.
    pub operations: Rate,
    /// Mutations among them: who writes as much as they may can still read what came of it.
    pub mutations: Rate,
    /// Subscriptions begun among them. A page follows a handful, and after a blip the pages of a person all come back at once.
    pub subscriptions: Rate,
}

/// What every request and every message of a socket has to pass, whatever it asks for.
#[derive(Clone, Copy, Debug)]
pub struct Requests {
    /// `RATE_LIMIT_OVERALL`: of everybody together, to one process. More than a small machine can do, and less than would take its
    /// memory. A second process brings a second thousand.
    pub overall: Rate,
    /// `RATE_LIMIT_ADDRESS`: of one address (IPv6: one /64), which may be an office or a mobile network.
    pub by_address: Rate,
    /// `RATE_LIMIT_PERSON`, `…_MUTATIONS`, `…_SUBSCRIPTIONS`: of one signed-in person, on all their devices.
    pub person: Allowance,
    /// `RATE_LIMIT_ANONYMOUS`, `…_MUTATIONS`, `…_SUBSCRIPTIONS`: of all at one address who are not signed in. They sign in, sign up or
    /// look at what is public.
    pub anonymous: Allowance,
    /// `RATE_LIMIT_SOCKET`: messages of any kind that one socket sends. A hundred operations may be begun and completed at once; who goes
    /// on like that for longer floods, and is closed with 4429.
    pub socket: Rate,
}

/// Reads rates, and keeps them for [`describe`](super::limits::Limits::describe).
pub(super) struct Rates<'a> {
    env: &'a mut Env,
    times: u32,
    read: Vec<(&'static str, Rate)>,
}

impl<'a> Rates<'a> {
    /// Defaults are multiplied by `times`; what is set counts as it is.
    pub(super) fn new(env: &'a mut Env, times: u32) -> Self {
        Self { env, times, read: Vec::new() }
    }

    /// The rate called `name`: `count` in `seconds` unless it is set.
    pub(super) fn read(&mut self, name: &'static str, count: u32, seconds: u64) -> Rate {
        let rate = self.env.parse(name, Rate::new(count * self.times, seconds));
        self.read.push((name, rate));
        rate
    }

    /// All that were read.
    pub(super) fn finish(self) -> Vec<(&'static str, Rate)> {
        self.read
    }
}

impl Requests {
    pub(super) fn read(rates: &mut Rates<'_>) -> Self {
        Self {
            overall: rates.read("RATE_LIMIT_OVERALL", 1000, 1),
            by_address: rates.read("RATE_LIMIT_ADDRESS", 100, 1),
            person: Allowance {
                operations: rates.read("RATE_LIMIT_PERSON", 100, 60),
                mutations: rates.read("RATE_LIMIT_PERSON_MUTATIONS", 80, 60),
                subscriptions: rates.read("RATE_LIMIT_PERSON_SUBSCRIPTIONS", 60, 60),
            },
            anonymous: Allowance {
                operations: rates.read("RATE_LIMIT_ANONYMOUS", 30, 60),
                mutations: rates.read("RATE_LIMIT_ANONYMOUS_MUTATIONS", 20, 60),
                subscriptions: rates.read("RATE_LIMIT_ANONYMOUS_SUBSCRIPTIONS", 15, 60),
            },
            socket: rates.read("RATE_LIMIT_SOCKET", 600, 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_rate_is_read_and_written() {
        for text in ["100/60", "1/1", "1000000000/86400"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        for text in ["", "100", "0/60", "100/0", "-1/60", "100/86401", "1000000001/1", "a/b", "100/60/1", "1.5/60"] {
            assert!(text.parse::<Rate>().is_err(), "{text:?}");
        }
        let error = Config::read(&mut Env::of([("RATE_LIMIT_PERSON", "many")])).unwrap_err();
        assert!(error.starts_with("RATE_LIMIT_PERSON: takes how many"), "{error}");
    }

    /// PLT-013: as strict as promised where it counts, and a hundred times as generous on a laptop; what is set counts as it is.
    #[test]
    fn strictness_follows_the_environment() {
        let key = "0123456789abcdef".repeat(4);
        for (environment, times) in [("development", 100), ("staging", 1)] {
            let given = [("APP_ENV", environment), ("VAULT_KEYS", &key), ("RATE_LIMIT_SOCKET", "7/8")];
            let limits = Config::read(&mut Env::of(given)).unwrap().limits;
            let requests = limits.requests;
            for (rate, count, seconds) in [
                (requests.overall, 1000, 1),
                (requests.by_address, 100, 1),
                (requests.person.operations, 100, 60),
                (requests.anonymous.operations, 30, 60),
                (limits.sign_up, 5, 3600),
            ] {
                assert_eq!(rate, Rate::new(count * times, seconds), "{environment}");
            }
            assert_eq!(requests.socket, Rate::new(7, 8));
            assert!(limits.describe().contains(&("RATE_LIMIT_SOCKET", "7/8".to_owned())));
        }
    }
}
