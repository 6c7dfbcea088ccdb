//! Edges loaded for whole lists by look-ahead: one statement an edge and level, whatever the page's size.
//!
//! The field that owns a list sees in the selection which edges are asked of its rows. It loads each such edge once for all of them
//! and puts the results into the rows' [`Slot`]s, level by level; the edge's own field finds its slot filled. A field whose slot is
//! empty (an odd path, an event of a subscription) loads through the loader. A prefetch that fails leaves its slots empty, so that
//! the error arises where the field stands.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use async_graphql::{Context, InputType, SelectionField};
use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, OnceCell};

use super::loader::Rows;
use crate::base::error::Result;

/// Where an edge without arguments keeps its result.
pub type Slot<T> = OnceCell<T>;

/// Where an edge with arguments keeps its results, one for each distinct set of them: two aliases may ask differently.
#[derive(Debug)]
pub struct Slots<A, T>(Mutex<Vec<(A, Arc<T>)>>);

impl<A, T> Default for Slots<A, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<A: PartialEq, T> Slots<A, T> {
    /// Keeps a result.
    pub async fn put(&self, arguments: A, value: T) {
        self.0.lock().await.push((arguments, Arc::new(value)));
    }

    /// The result for these arguments.
    pub async fn get(&self, arguments: &A) -> Option<Arc<T>> {
        self.0.lock().await.iter().find(|(known, _)| known == arguments).map(|(_, value)| value.clone())
    }
}

/// The fields asked of a set of rows, over all aliases and fragments.
#[derive(Clone)]
pub struct Selected<'a>(Vec<SelectionField<'a>>);

impl<'a> Selected<'a> {
    /// What the current field asks of its result.
    pub fn of(ctx: &'a Context<'_>) -> Self {
        Self(ctx.look_ahead().selection_fields())
    }

    /// What is asked of `name`'s result; `None` when it is not selected.
    pub fn field(&self, name: &str) -> Option<Self> {
        let found: Vec<_> =
            self.0.iter().flat_map(|field| field.selection_set()).filter(|field| field.name() == name).collect();
        (!found.is_empty()).then_some(Self(found))
    }

    /// Is asked for, at all.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().flat_map(|field| field.selection_set()).any(|field| field.name() == name)
    }

    /// What is asked of the rows of a connection, by way of `edges { node }` and of `nodes`.
    pub fn nodes(&self) -> Self {
        let mut all = self.field("edges").and_then(|edges| edges.field("node")).map(|node| node.0).unwrap_or_default();
        all.extend(self.field("nodes").map(|nodes| nodes.0).unwrap_or_default());
        Self(all)
    }

    /// True when nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every use of `name`, with its arguments still to be read: aliases may differ in them.
    pub fn uses(&self, name: &str) -> Vec<(Arguments, Self)> {
        let fields = self.0.iter().flat_map(|field| field.selection_set()).filter(|field| field.name() == name);
        fields.map(|field| (Arguments(field.arguments().unwrap_or_default()), Self(vec![field]))).collect()
    }
}

/// The arguments one use of a field gives.
pub struct Arguments(Vec<(async_graphql::Name, async_graphql::Value)>);

impl Arguments {
    /// An argument, read as the field itself would read it; `None` when it is malformed (the field will say so).
    pub fn get<T: InputType>(&self, name: &str) -> Option<T> {
        let value = self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        T::parse(value).ok()
    }
}

/// A GraphQL object whose edges can be loaded for many at once.
pub trait Edges: Sized + Send + Sync {
    /// Loads what is selected of these rows, and of what hangs on them.
    fn prefetch<'a>(parents: &'a [&'a Self], selected: &'a Selected<'a>, rows: &'a Rows) -> BoxFuture<'a, ()>;
}

/// Loads the edges of a list, unless look-ahead is switched off.
pub async fn prefetch<T: Edges>(parents: &[&T], selected: &Selected<'_>, rows: &Rows) {
    if rows.0.config.limits.prefetch && !parents.is_empty() && !selected.is_empty() {
        T::prefetch(parents, selected, rows).await;
    }
}

/// Loads one edge to at most one row for all parents, and what is asked of those rows.
pub async fn to_one<'a, P, K, V>(
    parents: &[&'a P],
    asked: Option<Selected<'_>>,
    rows: &Rows,
    key: impl Fn(&P) -> Option<K>,
    slot: impl Fn(&'a P) -> &'a Slot<Option<V>>,
    load: impl AsyncFnOnce(Vec<K>) -> Result<HashMap<K, V>>,
) where
    K: Eq + Hash + Clone + Ord,
    V: Edges + Clone + 'a,
{
    let Some(asked) = asked else { return };
    let parents: Vec<_> = parents.iter().filter(|parent| !slot(parent).initialized()).collect();
    let mut keys: Vec<K> = parents.iter().filter_map(|parent| key(parent)).collect();
    keys.sort_unstable();
    keys.dedup();
    let found = match keys.is_empty() {
        true => HashMap::new(),
        false => match load(keys).await {
            Ok(found) => found,
            Err(error) => return tracing::debug!(?error, "a prefetch failed; the loader will say so"),
        },
    };
    prefetch(&found.values().collect::<Vec<_>>(), &asked, rows).await;
    for parent in parents {
        let value = key(parent).and_then(|key| found.get(&key).cloned());
        let _ = slot(parent).set(value);
    }
}

/// Loads one edge to a value (such as a list that is short by nature) for all parents.
pub async fn to_value<'a, P, K, V>(
    parents: &[&'a P],
    is_asked: bool,
    key: impl Fn(&P) -> K,
    slot: impl Fn(&'a P) -> &'a Slot<V>,
    load: impl AsyncFnOnce(Vec<K>) -> Result<HashMap<K, V>>,
) where
    K: Eq + Hash + Clone,
    V: Clone + Default + 'a,
{
    if !is_asked {
        return;
    }
    let parents: Vec<_> = parents.iter().filter(|parent| !slot(parent).initialized()).collect();
    match load(parents.iter().map(|parent| key(parent)).collect()).await {
        Ok(found) => {
            // Several parents may have one key.
            for parent in parents {
                let _ = slot(parent).set(found.get(&key(parent)).cloned().unwrap_or_default());
            }
        }
        Err(error) => tracing::debug!(?error, "a prefetch failed; the loader will say so"),
    }
}
