//! Floor 2: the doors to the outside, each with a real side and one that lives in this process.

use std::sync::Arc;

use crate::{
    base::{
        clock::Clock,
        error::{Error, Result},
        ids::Ids,
        random::Random,
        vault::Vault,
    },
    config::Config,
};

/// The databases, and the one way to write.
pub mod database;
/// One process at a time.
pub mod exclusive;
/// Folders and files that are nobody else's business.
mod private;
/// Reads that nearly every operation makes.
pub mod lean;
/// The event log: append, follow, resume.
pub mod events;
/// Hints and signals between instances. Lossy by design.
pub mod bus;
/// Background jobs, enqueued in the write that causes them.
pub mod jobs;
/// Where the log is written.
pub mod logging;
/// Figures for Prometheus.
pub mod metrics;
/// Short-lived counters and values.
pub mod cache;
/// What every request has to pass.
pub mod buckets;
/// Who is here just now.
pub mod presence;
/// How often subscriptions were executed.
pub mod sharing;
/// Mail.
pub mod mail;
/// Values a room keeps in this process for a while.
pub mod memo;
/// Password hashing, bounded.
pub mod passwords;
/// When the database fails.
mod failure;
/// Trying again what a blip broke.
pub mod patience;
/// Tasks that a shutdown waits for.
pub mod tasks;

pub use database::{Database, Reader, Tx};

/// Everything outside, opened once and shared.
#[derive(Clone, Debug)]
pub struct Platform(Arc<Doors>);

/// The doors.
#[derive(Debug)]
pub struct Doors {
    /// The time.
    pub clock: Clock,
    /// Chance.
    pub random: Random,
    /// New ids.
    pub ids: Ids,
    /// Secrets at rest.
    pub vault: Vault,
    /// The databases.
    pub database: Database,
    /// The event log as this instance follows it.
    pub events: events::Events,
    /// Hints and signals between instances.
    pub bus: bus::Bus,
    /// Wakes the job runner.
    pub jobs: jobs::Bell,
    /// Short-lived counters and values.
    pub cache: cache::Cache,
    /// What every request has to pass.
    pub buckets: buckets::Buckets,
    /// Who is here just now.
    pub presence: presence::Presence,
    /// How often subscriptions were executed.
    pub sharing: sharing::Sharing,
    /// Mail.
    pub mail: mail::Mailer,
    /// Values a room keeps in this process for a while.
    pub memo: memo::Memo,
    /// Password hashing.
    pub passwords: passwords::Passwords,
    /// Tasks that a shutdown waits for.
    pub tasks: tasks::Tasks,
}

/// What a test may choose; everything else comes from the configuration.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// The clock; the machine's unless chosen.
    pub clock: Option<Clock>,
    /// Chance; the operating system's unless chosen.
    pub random: Option<Random>,
}

impl Platform {
    /// Opens every door.
    ///
    /// # Errors
    /// That the database has not been migrated, or what could not be reached, with its address and without its password.
    pub async fn open(config: &Config, chosen: Chosen) -> Result<Self> {
        let clock = chosen.clock.unwrap_or_else(Clock::system);
        let random = chosen.random.unwrap_or_else(Random::system);
        let tasks = tasks::Tasks::default();
        let opened = Self::open_doors(config, clock, random, &tasks).await;
        if opened.is_err() {
            tasks.stop().await;
        }
        opened
    }

    async fn open_doors(config: &Config, clock: Clock, random: Random, tasks: &tasks::Tasks) -> Result<Self> {
        let ids = Ids::new(clock.clone(), random.clone());
        let tasks = tasks.clone();
        let database = Database::open(&config.database).await?;
        database.require_migrated(&config.database).await?;
        let bus = bus::Bus::open(&config.cache, &database, &tasks).await?;
        let events = events::Events::open(&config.database, &database, &bus, &tasks).await?;
        let cache = cache::Cache::open(&config.cache, &database, clock.clone(), &tasks)?;
        let presence = presence::Presence::new(cache.clone(), clock.clone(), tasks.clone(), &config.limits);
        Ok(Self(Arc::new(Doors {
            vault: Vault::new(&vault_keys(config)?, random.clone()),
            buckets: buckets::Buckets::open(cache.remote(), clock.clone(), &tasks),
            cache,
            presence,
            sharing: sharing::Sharing::default(),
            mail: mail::Mailer::open(&config.mail)?,
            passwords: passwords::Passwords::new(&config.auth, random.clone())?,
            jobs: jobs::Bell::new(bus.clone()),
            memo: memo::Memo::new(clock.clone()),
            clock,
            random,
            ids,
            database,
            events,
            bus,
            tasks,
        })))
    }

    /// Commits what `work` wrote, with its events and jobs, or nothing.
    ///
    /// Inside, read through `tx`, and do nothing that waits for anything but the database: on SQLite every other writer waits
    /// meanwhile. On PostgreSQL the first statement locks the one aggregate whose events must stay in order (see [`Tx::lock`]).
    pub async fn write<T>(&self, work: impl AsyncFnOnce(&Tx) -> Result<T>) -> Result<T> {
        let tx = self.database.begin(&self.tasks, self.clock.now(), self.ids.clone()).await?;
        let saved_now = entity::moment::during(tx.now(), work(&tx));
        let result = database::guard_against_nesting(saved_now).await;
        let (value, left) = match result {
            Ok(value) => (value, tx.commit().await?),
            Err(error) => {
                tx.rollback().await;
                return Err(error);
            }
        };
        if left.events {
            self.events.hint();
        }
        for (signal, topic) in &left.urgent {
            self.events.announce(signal, topic);
        }
        if left.jobs {
            self.jobs.ring();
        }
        Ok(value)
    }

    /// Stops every task and closes the databases.
    pub async fn close(&self) {
        self.tasks.stop().await;
        self.database.close().await;
    }
}

impl std::ops::Deref for Platform {
    type Target = Doors;

    fn deref(&self) -> &Doors {
        &self.0
    }
}

/// The configured keys, or on a laptop the one in `vault.key`, made on first use and readable by its owner only.
fn vault_keys(config: &Config) -> Result<Vec<[u8; 32]>> {
    if !config.auth.vault_keys.is_empty() {
        return Ok(config.auth.vault_keys.clone());
    }
    let path = config.app.data_dir.join("vault.key");
    let explain = |error: std::io::Error| private::unusable(&path, &error);
    private::folder(&config.app.data_dir).map_err(explain)?;
    let text = private::read_or_write_once(&path, || {
        // Never from a seeded source: demo data and tests are seeded, and this key outlives them.
        Random::system().bytes::<32>().iter().map(|byte| format!("{byte:02x}")).collect()
    });
    let key = crate::config::auth::key(&text.map_err(explain)?);
    key.map(|key| vec![key]).ok_or_else(|| {
        Error::internal(format!(
            "{} does not hold 64 hexadecimal characters; put its backup back, or delete it and everybody signs in again",
            path.display()
        ))
    })
}
