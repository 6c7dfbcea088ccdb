//! The loaders of one operation, and how a resolver reaches them.
//!
//! Made anew for every operation (in a subscription they keep nothing between events), so that nothing one viewer may see reaches
//! another. A room adds a loader by implementing `Loader<Key>` for [`Rows`], in its `loaders.rs`.

use std::sync::Arc;

use async_graphql::{
    Context,
    dataloader::DataLoader,
    runtime::{TokioSpawner, TokioTimer},
};

use crate::{access::Op, platform::metrics};

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
}

impl ContextExt for Context<'_> {
    fn op(&self) -> &Arc<Op> {
        self.data_unchecked()
    }

    fn loaders(&self) -> &Loaders {
        self.data_unchecked()
    }
}
