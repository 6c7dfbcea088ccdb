//! What a listener holds: it catches up from the log, and goes live from the ring without a seam.

use std::{collections::VecDeque, sync::Arc};

use tokio::sync::Notify;

use super::{
    hub::{Hub, Taken},
    log::{self, Event, Position},
};
use crate::{base::error::Result, platform::Database};

/// Events taken at once: enough to be quick, few enough that a listener holds little.
const BATCH: usize = 256;

/// Follows topics in the order of the log.
#[derive(Debug)]
pub struct Follower {
    hub: Arc<Hub>,
    database: Database,
    woken: Arc<Notify>,
    topics: Vec<Arc<str>>,
    position: Position,
    ready: VecDeque<Arc<Event>>,
}

impl Follower {
    pub(super) fn new(
        hub: Arc<Hub>,
        database: Database,
        topics: impl IntoIterator<Item = Arc<str>>,
        position: Position,
    ) -> Self {
        let mut follower =
            Self { hub, database, woken: Arc::default(), topics: Vec::new(), position, ready: VecDeque::new() };
        for topic in topics {
            follower.add(topic);
        }
        follower
    }

    /// Follows a further topic, from the place the follower has reached.
    pub fn add(&mut self, topic: Arc<str>) {
        if !self.topics.contains(&topic) {
            self.hub.listen(&topic, &self.woken);
            self.topics.push(topic);
            self.give_back();
        }
    }

    /// Follows a topic no longer; what was taken of it and not yet given is dropped.
    pub fn remove(&mut self, topic: &str) {
        if let Some(found) = self.topics.iter().position(|other| &**other == topic) {
            let topic = self.topics.swap_remove(found);
            self.hub.forget(&topic, &self.woken);
            self.ready.retain(|event| event.topic != topic);
        }
    }

    /// The next event. Waits for as long as it takes.
    ///
    /// # Errors
    /// When the log cannot be read; calling again goes on from the same place.
    pub async fn next(&mut self) -> Result<Arc<Event>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.position = event.position;
                return Ok(event);
            }
            match self.hub.take(&self.topics, self.position, BATCH) {
                Taken::Events(events) if events.is_empty() => self.woken.notified().await,
                Taken::Events(events) => self.ready.extend(events),
                Taken::Behind(floor) => {
                    let events =
                        log::after_in(&self.database.read(), &self.topics, self.position, BATCH as u64).await?;
                    if events.len() < BATCH {
                        // The log holds nothing further of these topics up to the floor as it was before the read.
                        let last = events.last().map_or(self.position, |event| event.position);
                        if last < floor && events.is_empty() {
                            self.position = floor;
                        }
                    }
                    self.ready.extend(events.into_iter().map(Arc::new));
                }
            }
        }
    }

    /// Takes back what was fetched but not given, because a new topic may have events between.
    fn give_back(&mut self) {
        self.ready.clear();
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        for topic in &self.topics {
            self.hub.forget(topic, &self.woken);
        }
    }
}
