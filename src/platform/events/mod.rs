//! The event log: what happened, in one total order that every reader sees alike.
//!
//! - `log` writes and reads it: positions, cursors, the horizon below which nothing can still appear.
//! - `hub` keeps the newest events in memory by topic and wakes who follows them.
//! - `tailer` reads the log once for this instance and feeds the hub.
//! - `follow` is what a listener holds: it resumes from a cursor, catches up, and goes live without a seam.

use std::sync::{Arc, OnceLock};

use tokio::sync::broadcast;

use super::{Database, bus::Bus, patience::patiently, tasks::Tasks};
use crate::{base::error::Result, config};

/// Positions, cursors, appending and reading.
pub mod log;
mod follow;
mod hub;
mod pace;
mod tailer;

pub use follow::Follower;
pub use hub::Prepare;
pub use log::{Cursor, Event, IntoEvent, NewEvent, Position};

/// The signal of what cannot wait for the log's order and concerns an account; it carries the topic.
pub const URGENT: &str = "urgent";

/// Who makes ready what listeners will ask for; set once the server is wired.
type Preparer = Arc<OnceLock<Arc<dyn Prepare>>>;

/// The log as this instance follows it.
#[derive(Clone)]
pub struct Events {
    hub: Arc<hub::Hub>,
    database: Database,
    bus: Bus,
    preparer: Preparer,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("head", &self.head()).finish_non_exhaustive()
    }
}

impl Events {
    pub(super) async fn open(
        config: &config::database::Database,
        database: &Database,
        bus: &Bus,
        tasks: &Tasks,
    ) -> Result<Self> {
        log::ensure_epoch(database).await?;
        let reader = database.read();
        // Before the head: whatever the log becomes after this is noticed.
        let state = log::state(&reader).await?;
        let head = log::head(&reader).await?;
        let hub = Arc::new(hub::Hub::new(head, config.ring));
        let preparer = Preparer::default();
        tailer::start(hub.clone(), preparer.clone(), database, bus, tasks, config, state);
        Ok(Self { hub, database: database.clone(), bus: bus.clone(), preparer })
    }

    /// Has something made ready for the listeners of new events before they are woken. Only the first to ask for it gets it.
    pub fn prepare_by(&self, preparer: Arc<dyn Prepare>) {
        let _ = self.preparer.set(preparer);
    }

    /// The newest position this instance has seen: take it before the first read of a snapshot, and whatever the snapshot misses
    /// comes after it.
    pub fn head(&self) -> Cursor {
        self.hub.head()
    }

    /// Follows topics from a cursor, or from now.
    ///
    /// # Errors
    /// `CURSOR_EXPIRED` when the log no longer goes back that far or is not the one the cursor came from.
    pub async fn follow(&self, topics: impl IntoIterator<Item = Arc<str>>, after: Option<Cursor>) -> Result<Follower> {
        let generation = self.hub.generation();
        let position = match after {
            Some(cursor) => self.resolve(cursor).await?,
            None => self.head().position,
        };
        Ok(Follower::new(self.hub.clone(), self.database.clone(), topics, position, generation))
    }

    /// Follows topics from now.
    pub fn follow_from_now(&self, topics: impl IntoIterator<Item = Arc<str>>) -> Follower {
        let generation = self.hub.generation();
        Follower::new(self.hub.clone(), self.database.clone(), topics, self.head().position, generation)
    }

    /// What was committed on a topic after a cursor, of some kinds: also what is still above the horizon, and so comes to a follower
    /// later. In no order to rely on.
    pub async fn committed_after(&self, topic: &str, kinds: &[&str], after: Cursor) -> Result<Vec<Event>> {
        log::committed_after(&self.database.read(), topic, kinds, after.position).await
    }

    /// Tells every instance at once that something urgent happened on a topic. See [`IntoEvent::signal`].
    pub(super) fn announce(&self, signal: &str, topic: &str) {
        self.bus.signal(signal, topic.into());
    }

    /// The topics on which something urgent happens from now on, as texts. Lossy: the log has it too.
    pub fn urgent(&self) -> broadcast::Receiver<Arc<serde_json::Value>> {
        self.bus.signals(URGENT)
    }

    /// Grows with everything urgent this process hears of. What was read while it stood still was not overtaken by a write of this
    /// process, nor by one elsewhere whose signal has come.
    pub fn urgent_heard(&self) -> u64 {
        self.bus.urgent_heard()
    }

    /// Says that something was committed: this instance looks at once, the others are told.
    pub fn hint(&self) {
        self.bus.hint_events();
    }

    /// How many listeners follow how many topics, for the metrics.
    pub fn listeners(&self) -> (usize, usize) {
        self.hub.listeners()
    }

    /// How often the log was read for a listener whose place was no longer in memory.
    pub fn reads(&self) -> u64 {
        self.hub.reads()
    }

    /// Events that are committed and not yet below the horizon or not yet read by this instance.
    pub async fn lag(&self) -> Result<u64> {
        log::count_after(&self.database.read(), self.head().position).await
    }

    async fn resolve(&self, cursor: Cursor) -> Result<Position> {
        if self.hub.vouches_for(cursor) {
            return Ok(cursor.position);
        }
        self.hub.count_read();
        patiently("looking up a cursor", || async { log::resolve(&self.database.read(), cursor).await }).await
    }
}
