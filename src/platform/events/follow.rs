//! What a listener holds: it catches up from the log, and goes live from the ring without a seam.

use std::{collections::VecDeque, sync::Arc};

use tokio::sync::Notify;

use super::{
    hub::{Hub, Taken},
    log::{self, Event, Position},
};
use crate::{
    base::error::Result,
    platform::{Database, patience::patiently},
};

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
    /// Which log it began with.
    generation: u64,
    ready: VecDeque<Arc<Event>>,
}

impl Follower {
    pub(super) fn new(
        hub: Arc<Hub>,
        database: Database,
        topics: impl IntoIterator<Item = Arc<str>>,
        position: Position,
        generation: u64,
    ) -> Self {
        let (woken, ready) = (Arc::default(), VecDeque::new());
        let mut follower = Self { hub, database, woken, topics: Vec::new(), position, generation, ready };
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
    /// CURSOR_EXPIRED when the log no longer goes back to the place the follower has reached, or has become another one;
    /// SERVICE_UNAVAILABLE when it cannot be read for a while. Calling again goes on from the same place.
    pub async fn next(&mut self) -> Result<Arc<Event>> {
        loop {
            if let Some(event) = self.now().await? {
                return Ok(event);
            }
            self.woken.notified().await;
        }
    }

    /// The next event, if there is one already.
    ///
    /// # Errors
    /// As those of [`Self::next`].
    pub async fn now(&mut self) -> Result<Option<Arc<Event>>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.position = event.position;
                return Ok(Some(event));
            }
            match self.hub.take(&self.topics, self.position, BATCH, self.generation, &mut self.ready) {
                Taken::Events => {}
                Taken::Nothing(head) => {
                    self.position = self.position.max(head);
                    return Ok(None);
                }
                Taken::Behind(floor) => self.catch_up(floor).await?,
                Taken::Another => return Err(log::expired()),
            }
        }
    }

    /// Reads what the ring no longer has.
    async fn catch_up(&mut self, floor: Position) -> Result<()> {
        self.hub.count_read();
        let events = patiently("catching up from the event log", || async {
            let reader = self.database.read();
            let events = log::after_in(&reader, &self.topics, self.position, BATCH as u64).await?;
            log::still_reaches(&reader, self.position).await?;
            Ok(events)
        })
        .await?;
        if events.is_empty() {
            // The log holds nothing further of these topics up to the floor as it was before the read.
            self.position = self.position.max(floor);
        }
        self.ready.extend(events.into_iter().map(Arc::new));
        Ok(())
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
