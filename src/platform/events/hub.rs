//! The newest events in memory, by topic, and who is woken by them.
//!
//! Nothing is pushed to a listener: it is woken and takes what it has not seen, at its own pace. So a slow one costs no memory,
//! and one that falls behind the ring reads the log.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use super::log::{Cursor, Event, Position};

/// The ring of this instance.
#[derive(Debug)]
pub(super) struct Hub {
    ring: Mutex<Ring>,
    capacity: usize,
    /// Reads of the log for somebody whose place the ring no longer had.
    reads: AtomicU64,
}

#[derive(Debug)]
struct Ring {
    /// All kept events, oldest first.
    events: VecDeque<Arc<Event>>,
    topics: HashMap<Arc<str>, Topic>,
    /// Everything after it is in the ring.
    floor: Position,
    head: Cursor,
    /// Counts how often the log turned out to be another one.
    generation: u64,
}

#[derive(Debug)]
struct Topic {
    events: VecDeque<Arc<Event>>,
    listeners: Vec<Arc<Notify>>,
    /// Everything of this topic after it is in the ring. A busy topic that pushes others' events out does not move theirs.
    floor: Position,
}

/// Makes ready what the listeners of a topic will ask for when they are woken.
pub trait Prepare: Send + Sync {
    /// What is to be done for these events of one topic; `None` when nobody would wait for anything.
    fn prepare(&self, events: &[Arc<Event>]) -> Option<BoxFuture<'static, ()>>;
}

/// The new events of a topic, and who is to be woken.
pub(super) struct News {
    pub(super) events: Vec<Arc<Event>>,
    pub(super) listeners: Vec<Arc<Notify>>,
}

impl News {
    /// Wakes who follows the topic.
    pub(super) fn wake(&self) {
        self.listeners.iter().for_each(|listener| listener.notify_one());
    }
}

/// What a listener gets when it asks.
pub(super) enum Taken {
    /// They have been put behind what was there, in order.
    Events,
    /// None: everything up to this head has been seen.
    Nothing(Position),
    /// The ring no longer goes back that far: read the log up to here at least.
    Behind(Position),
    /// The log is no longer the one this listener began with.
    Another,
}

impl Hub {
    pub(super) fn new(head: Cursor, capacity: usize) -> Self {
        let ring = Ring { events: VecDeque::new(), topics: HashMap::new(), floor: head.position, head, generation: 0 };
        Self { ring: Mutex::new(ring), capacity: capacity.max(1), reads: AtomicU64::new(0) }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn head(&self) -> Cursor {
        self.ring().head
    }

    /// Which log this is: another number is another log.
    pub(super) fn generation(&self) -> u64 {
        self.ring().generation
    }

    /// The log turned out to be another one: begins anew at its head, and wakes every listener to be told so.
    pub(super) fn begin_anew(&self, head: Cursor) {
        let mut ring = self.ring();
        let ring = &mut *ring;
        ring.events.clear();
        ring.floor = head.position;
        ring.head = head;
        ring.generation += 1;
        ring.topics.retain(|_, topic| !topic.listeners.is_empty());
        for topic in ring.topics.values_mut() {
            topic.events.clear();
            topic.floor = head.position;
            for listener in &topic.listeners {
                listener.notify_one();
            }
        }
    }

    /// Takes in what the tailer read, in order. Who follows it is woken by the caller, outside of the lock: they take it at once.
    pub(super) fn append(&self, events: impl IntoIterator<Item = Event>) -> Vec<News> {
        let mut ring = self.ring();
        let ring = &mut *ring;
        let mut news: Vec<News> = Vec::new();
        let mut places: HashMap<Arc<str>, usize> = HashMap::new();
        for event in events {
            let event = Arc::new(event);
            ring.head = event.cursor();
            let floor = ring.floor;
            let topic = ring.topics.entry(event.topic.clone()).or_insert_with(|| Topic::new(floor));
            topic.events.push_back(event.clone());
            if !topic.listeners.is_empty() {
                let place = *places.entry(event.topic.clone()).or_insert(news.len());
                match news.get_mut(place) {
                    Some(known) => known.events.push(event.clone()),
                    None => news.push(News { events: vec![event.clone()], listeners: topic.listeners.clone() }),
                }
            }
            ring.events.push_back(event);
            if ring.events.len() > self.capacity {
                ring.drop_oldest();
            }
        }
        news
    }

    /// True when the cursor is in the ring, so that no statement is needed to trust it.
    pub(super) fn vouches_for(&self, cursor: Cursor) -> bool {
        let ring = self.ring();
        // The cursor of an empty log is the log's to judge: it may have been filled and cleared since.
        cursor != Cursor::default() && cursor == ring.head
            || ring
                .events
                .binary_search_by(|event| event.position.cmp(&cursor.position))
                .is_ok_and(|found| ring.events.get(found).is_some_and(|event| event.cursor() == cursor))
    }

    /// Gives a listener that began with the log of `generation` the events of some topics after a position, at most `limit`.
    pub(super) fn take(
        &self,
        topics: &[Arc<str>],
        after: Position,
        limit: usize,
        generation: u64,
        taken: &mut VecDeque<Arc<Event>>,
    ) -> Taken {
        let ring = self.ring();
        if generation != ring.generation {
            return Taken::Another;
        }
        let floor = topics.iter().map(|topic| ring.topics.get(topic).map_or(ring.floor, |topic| topic.floor)).max();
        if let Some(floor) = floor.filter(|floor| after < *floor) {
            return Taken::Behind(floor);
        }
        let before = taken.len();
        for topic in topics.iter().filter_map(|topic| ring.topics.get(topic)) {
            let from = topic.events.partition_point(|event| event.position <= after);
            taken.extend(topic.events.range(from..).take(limit).cloned());
        }
        if topics.len() > 1 {
            taken.make_contiguous()[before..].sort_unstable_by_key(|event| event.position);
            taken.truncate(before + limit);
        }
        if taken.len() == before { Taken::Nothing(ring.head.position) } else { Taken::Events }
    }

    pub(super) fn listen(&self, topic: &Arc<str>, listener: &Arc<Notify>) {
        let mut ring = self.ring();
        let floor = ring.floor;
        let entry = ring.topics.entry(topic.clone()).or_insert_with(|| Topic::new(floor));
        entry.listeners.push(listener.clone());
    }

    pub(super) fn forget(&self, topic: &Arc<str>, listener: &Arc<Notify>) {
        let mut ring = self.ring();
        if let Some(entry) = ring.topics.get_mut(topic) {
            if let Some(found) = entry.listeners.iter().position(|other| Arc::ptr_eq(other, listener)) {
                entry.listeners.swap_remove(found);
            }
            if entry.is_idle() {
                ring.topics.remove(topic);
            }
        }
    }

    /// The log is about to be read for somebody whom the ring does not serve.
    pub(super) fn count_read(&self) {
        self.reads.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    pub(super) fn listeners(&self) -> (usize, usize) {
        let ring = self.ring();
        let listening = ring.topics.values().filter(|topic| !topic.listeners.is_empty());
        listening.fold((0, 0), |(listeners, topics), topic| (listeners + topic.listeners.len(), topics + 1))
    }
}

impl Ring {
    fn drop_oldest(&mut self) {
        let Some(oldest) = self.events.pop_front() else { return };
        self.floor = oldest.position;
        if let Some(topic) = self.topics.get_mut(&oldest.topic) {
            topic.events.pop_front();
            topic.floor = oldest.position;
            if topic.is_idle() {
                self.topics.remove(&oldest.topic);
            }
        }
    }
}

impl Topic {
    fn new(floor: Position) -> Self {
        Self { events: VecDeque::new(), listeners: Vec::new(), floor }
    }

    fn is_idle(&self) -> bool {
        self.events.is_empty() && self.listeners.is_empty()
    }
}
