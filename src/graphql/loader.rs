//! The loaders of one operation, and how a resolver reaches them.
//!
//! Made anew for every operation (in a subscription they keep nothing between events), so that nothing one viewer may see reaches
//! another. A room adds a loader by implementing `Loader<Key>` for [`Rows`], in its `loaders.rs`.

use std::{hash::Hash, sync::Arc};

use async_graphql::{
    Context,
    dataloader::{DataLoader, Loader},
    runtime::{TokioSpawner, TokioTimer},
};
use futures_util::{FutureExt, future::BoxFuture};

use crate::{
    access::Op,
    base::error::{Error, Result},
    platform::metrics,
};

/// What loaders load with: the operation, and so its viewer.
#[derive(Clone, Debug)]
pub struct Rows(pub Arc<Op>);

impl Rows {
    /// Counts a batch for the metrics: the first line of every loader.
    pub fn asked_for<Key>(&self, keys: &[Key]) {
        let path = std::any::type_name::<Key>();
        metrics::loader_batch(path.rsplit("::").next().unwrap_or(path), keys.len());
    }
}

/// The loaders of one operation. Shared, so that what a list counts later can go through them too.
pub type Loaders = Arc<DataLoader<Rows>>;

/// New loaders for an operation.
pub fn loaders(op: Arc<Op>) -> Loaders {
    Arc::new(DataLoader::new(Rows(op), TokioSpawner::current(), TokioTimer::default()))
}

/// What every resolver asks of its context.
pub trait ContextExt {
    /// The operation.
    fn op(&self) -> &Arc<Op>;
    /// Its loaders.
    fn loaders(&self) -> &Loaders;

    /// Loads one row. Boxed, as everything long in a field ought to be: each field of each row makes a future as large as the largest
    /// field of its object.
    fn load<K, V>(&self, key: K) -> BoxFuture<'_, Result<Option<V>>>
    where
        K: Clone + Eq + Hash + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
        Rows: Loader<K, Value = V, Error = Error>,
    {
        self.loaders().load_one(key).boxed()
    }
}

impl ContextExt for Context<'_> {
    fn op(&self) -> &Arc<Op> {
        self.data_unchecked()
    }

    fn loaders(&self) -> &Loaders {
        self.data_unchecked()
    }
}
