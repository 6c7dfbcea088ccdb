//! People by id, in batches.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::ids::UserId;

use super::{model::Seen, store};
use crate::{base::error::Error, graphql::loader::Rows};

/// A person met by way of shared content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UserById(pub UserId);

impl Loader<UserById> for Rows {
    type Value = Seen;
    type Error = Error;

    async fn load(&self, keys: &[UserById]) -> Result<HashMap<UserById, Seen>, Error> {
        self.asked_for(keys);
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let seen = store::seen_by_ids(self.0.read(), &self.0.viewer, &ids).await?;
        Ok(seen.into_iter().map(|(id, seen)| (UserById(id), seen)).collect())
    }
}

/// A person as the directory would show them: nobody who keeps the viewer away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VisibleUserById(pub UserId);

impl Loader<VisibleUserById> for Rows {
    type Value = Seen;
    type Error = Error;

    async fn load(&self, keys: &[VisibleUserById]) -> Result<HashMap<VisibleUserById, Seen>, Error> {
        self.asked_for(keys);
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let seen = store::find_all(self.0.read(), &self.0.viewer, &ids).await?;
        Ok(seen.into_iter().map(|seen| (VisibleUserById(seen.row.id), seen)).collect())
    }
}

/// The viewer keeps this person away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockedByViewer(pub UserId);

impl Loader<BlockedByViewer> for Rows {
    type Value = ();
    type Error = Error;

    async fn load(&self, keys: &[BlockedByViewer]) -> Result<HashMap<BlockedByViewer, ()>, Error> {
        let Some(me) = self.0.viewer.id() else { return Ok(HashMap::new()) };
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let blocked = store::blocked_by(self.0.read(), me, &ids).await?;
        Ok(blocked.into_iter().map(|id| (BlockedByViewer(id), ())).collect())
    }
}
