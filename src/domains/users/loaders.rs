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
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let seen = store::seen_by_ids(self.0.read(), &self.0.viewer, &ids).await?;
        Ok(seen.into_iter().map(|(id, seen)| (UserById(id), seen)).collect())
    }
}
