//! Executions shared by everybody who listens to the same with the same rights.
//!
//! What is shared is only what is told: each listener goes on following the log for their own rights, and comes here with an event that
//! they may hear. The first to come with it executes the selection, for an [`Audience`](crate::access::Audience); the others wait for
//! it and get the same bytes. What turns out to depend on who listens, each executes for themselves, from then on for every event of
//! that kind.
//!
//! What is told is the state as it is, so it is told again for a moment only: long enough for a thousand who come back at once, and
//! no longer than an answer may be under way.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use async_graphql::{Response, Value};
use entity::ids::EventId;
use futures_util::future::BoxFuture;
use serde::Serialize;
use tokio::{sync::OnceCell, time::Instant};

use crate::{
    access::{Asked, Rights, Viewer},
    base::locale::Locale,
    graphql::live::Source,
    platform::events::Event,
};

/// How long something may be told again.
const FRESH: Duration = Duration::from_secs(2);
/// Events kept for that, at the most.
const KEPT: usize = 256;
/// Listeners who are a crowd.
const CROWD: usize = 4;

/// What subscriptions have in common that are told the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The document, without what makes no difference.
    pub document: String,
    /// Which of its operations.
    pub operation: Option<String>,
    /// The variables as JSON, but for the one that says where to begin.
    pub variables: String,
    /// The language.
    pub locale: Locale,
    /// What the listeners may.
    pub rights: Rights,
}

/// The shares of one schema, by the topic they follow; `T` is what an execution needs.
pub struct Shares<T>(Arc<Mutex<Topics<T>>>);

type Topics<T> = HashMap<Arc<str>, HashMap<Arc<Key>, Weak<Share<T>>>>;

impl<T> Default for Shares<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(HashMap::new())))
    }
}

impl<T> Shares<T> {
    /// The share of those who listen like this, for as long as somebody keeps it.
    pub fn join(&self, key: Key, source: &Source, of: impl FnOnce() -> T) -> Arc<Share<T>> {
        let mut topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shares = topics.entry(source.topic.clone()).or_default();
        if let Some(share) = shares.get(&key).and_then(Weak::upgrade) {
            return share;
        }
        let (key, source, telling) = (Arc::new(key), source.clone(), Mutex::default());
        let home = Arc::downgrade(&self.0);
        let share = Arc::new(Share { of: of(), source, key: key.clone(), home, telling });
        shares.insert(key, Arc::downgrade(&share));
        share
    }

    /// The shares of a topic with so many listeners that it is worth having ready what they will be told.
    pub fn crowded(&self, topic: &str) -> Vec<Arc<Share<T>>> {
        let topics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shares = topics.get(topic).into_iter().flat_map(HashMap::values);
        shares.filter(|share| share.strong_count() >= CROWD).filter_map(Weak::upgrade).collect()
    }
}

/// What identical subscriptions share.
pub struct Share<T> {
    /// What an execution needs.
    pub of: T,
    /// What they listen to.
    pub source: Source,
    key: Arc<Key>,
    home: Weak<Mutex<Topics<T>>>,
    telling: Mutex<Telling>,
}

impl<T> Drop for Share<T> {
    fn drop(&mut self) {
        let Some(home) = self.home.upgrade() else { return };
        let mut topics = home.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(shares) = topics.get_mut(&self.source.topic) else { return };
        // Somebody may have joined anew meanwhile.
        if shares.get(&self.key).is_some_and(|share| share.strong_count() == 0) {
            shares.remove(&self.key);
        }
        if shares.is_empty() {
            topics.remove(&self.source.topic);
        }
    }
}

/// Where the first who comes leaves what came of it.
type Cell = OnceCell<Arc<Shared>>;

#[derive(Debug, Default)]
struct Telling {
    /// The newest last.
    told: VecDeque<(EventId, Instant, Arc<Cell>)>,
    /// The kinds of events of which each listener is told something else.
    personal: HashSet<Box<str>>,
}

/// What came of an execution.
#[derive(Debug)]
pub enum Outcome {
    /// This is told.
    Told(Arc<Payload>),
    /// None of them is told anything.
    Nothing,
    /// It failed, or a part of it did.
    Failed(Box<Response>),
}

/// The outcome, and for whom it is good.
#[derive(Debug)]
pub struct Shared {
    /// What came of it.
    pub outcome: Outcome,
    asked: Asked,
}

impl Shared {
    /// The answer of an execution during which this was asked about the listeners.
    pub fn new(answer: Option<Response>, asked: Asked) -> Self {
        let outcome = match answer {
            None => Outcome::Nothing,
            Some(answer) => match Payload::of(&answer) {
                Some(payload) => Outcome::Told(Arc::new(payload)),
                None => Outcome::Failed(Box::new(answer)),
            },
        };
        Self { outcome, asked }
    }

    /// It is what this viewer is to be told.
    pub fn is_good_for(&self, viewer: &Viewer) -> bool {
        self.asked.is_good_for(viewer)
    }
}

impl<T> Share<T> {
    fn telling(&self) -> MutexGuard<'_, Telling> {
        self.telling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What they are told of an event: found out by the first who comes with it. `None` when each is told something else.
    pub async fn told<'a>(
        &self,
        event: &Event,
        execute: impl FnOnce() -> BoxFuture<'a, Shared>,
    ) -> Option<Arc<Shared>> {
        let cell = self.telling().cell(event)?;
        if let Some(shared) = cell.get() {
            return (!shared.asked.is_personal()).then(|| shared.clone());
        }
        let first = async || {
            let shared = execute().await;
            if shared.asked.is_personal() {
                self.telling().personal.insert(event.kind.clone());
            } else if matches!(shared.outcome, Outcome::Failed(_)) {
                // Whoever comes later tries again.
                self.telling().told.retain(|(id, ..)| *id != event.id);
            }
            Arc::new(shared)
        };
        let shared = cell.get_or_init(first).await;
        (!shared.asked.is_personal()).then(|| shared.clone())
    }
}

impl Telling {
    fn cell(&mut self, event: &Event) -> Option<Arc<Cell>> {
        if self.personal.contains(&event.kind) {
            return None;
        }
        let now = Instant::now();
        let is_fresh = |since: &Instant| now.duration_since(*since) < FRESH;
        if let Some((_, _, cell)) = self.told.iter().rev().find(|(id, since, _)| *id == event.id && is_fresh(since)) {
            return Some(cell.clone());
        }
        while self.told.front().is_some_and(|(_, since, _)| self.told.len() >= KEPT || !is_fresh(since)) {
            self.told.pop_front();
        }
        let cell = Arc::<Cell>::default();
        self.told.push_back((event.id, now, cell.clone()));
        Some(cell)
    }
}

/// An answer without errors, written once for all who get it.
#[derive(Debug)]
pub struct Payload {
    /// The answer as JSON.
    pub json: String,
    /// The cursor it carries; see [`cursor`].
    pub cursor: Option<String>,
}

#[derive(Serialize)]
struct Wire<'a> {
    data: &'a Value,
}

impl Payload {
    /// Writes an answer; `None` when it has errors, which name the request of each listener.
    fn of(answer: &Response) -> Option<Self> {
        if !answer.errors.is_empty() {
            return None;
        }
        let json = serde_json::to_string(&Wire { data: &answer.data }).ok()?;
        Some(Self { json, cursor: cursor(&answer.data).map(str::to_owned) })
    }
}

/// The cursor of a result: that of its root field. Only what can stand in a header comes back from a browser.
pub fn cursor(data: &Value) -> Option<&str> {
    let Value::Object(fields) = data else { return None };
    fields.values().find_map(|field| match field {
        Value::Object(event) => match event.get("cursor") {
            Some(Value::String(cursor)) if cursor.bytes().all(|byte| byte.is_ascii_graphic()) => Some(cursor.as_str()),
            _ => None,
        },
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::value;
    use entity::ids::ConversationId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_share_ends_with_its_last_listener() {
        let shares = Shares::<u8>::default();
        let rights = Rights::MemberOf(ConversationId(Uuid::nil()));
        let source = Source { topic: "hall".into(), rights, hears: |_| true };
        let key = |document: &str| {
            let (document, variables) = (document.to_owned(), "{}".to_owned());
            Key { document, operation: None, variables, locale: Locale::En, rights }
        };
        let one = shares.join(key("a"), &source, || 1);
        let others: Vec<_> = (0..CROWD).map(|_| shares.join(key("a"), &source, || 2)).collect();
        let alone = shares.join(key("b"), &source, || 3);
        assert!(others.iter().all(|other| Arc::ptr_eq(&one, other)) && alone.of == 3);
        assert_eq!(shares.crowded("hall").iter().map(|share| share.of).collect::<Vec<_>>(), [1]);
        assert!(shares.crowded("another hall").is_empty());
        drop((one, others));
        assert_eq!(shares.join(key("a"), &source, || 4).of, 4, "it began anew");
        drop(alone);
        assert!(shares.0.lock().unwrap().is_empty(), "nothing is kept of what nobody shares");
    }

    #[test]
    fn the_cursor_of_an_event_is_its_id() {
        assert_eq!(cursor(&value!({ "messageEvents": { "cursor": "e1.42" } })), Some("e1.42"));
        assert_eq!(cursor(&value!({ "messageEvents": { "cursor": "a\nb" } })), None);
        assert_eq!(cursor(&value!({ "typing": { "user": { "cursor": "no" } } })), None);
        assert_eq!(cursor(&value!({ "version": "1" })), None);
        assert_eq!(cursor(&Value::Null), None);
    }
}
