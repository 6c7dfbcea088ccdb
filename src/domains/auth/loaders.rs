//! Grants and permissions, in batches.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{
    ids::{RoleId, SessionId, UserId},
    permission, role, session, user_role,
};

use crate::{base::error::Error, domains::auth::store, graphql::loader::Rows};

/// The roles a person holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GrantsByUser(pub UserId);

impl Loader<GrantsByUser> for Rows {
    type Value = Vec<(user_role::Model, role::Model)>;
    type Error = Error;

    async fn load(&self, keys: &[GrantsByUser]) -> Result<HashMap<GrantsByUser, Self::Value>, Error> {
        self.asked_for(keys);
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let mut found: HashMap<_, Self::Value> = HashMap::new();
        for (grant, role) in store::grants_of(self.0.read(), &ids, self.0.platform.clock.now()).await? {
            found.entry(GrantsByUser(grant.user_id)).or_default().push((grant, role));
        }
        Ok(found)
    }
}

/// What a role allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PermissionsByRole(pub RoleId);

impl Loader<PermissionsByRole> for Rows {
    type Value = Vec<permission::Model>;
    type Error = Error;

    async fn load(&self, keys: &[PermissionsByRole]) -> Result<HashMap<PermissionsByRole, Self::Value>, Error> {
        self.asked_for(keys);
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let mut found: HashMap<_, Self::Value> = HashMap::new();
        for (role, permission) in store::permissions_of(self.0.read(), &ids).await? {
            found.entry(PermissionsByRole(role)).or_default().push(permission);
        }
        Ok(found)
    }
}

/// A session of the viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionById(pub SessionId);

impl Loader<SessionById> for Rows {
    type Value = session::Model;
    type Error = Error;

    async fn load(&self, keys: &[SessionById]) -> Result<HashMap<SessionById, Self::Value>, Error> {
        self.asked_for(keys);
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let Some(me) = self.0.viewer.id() else { return Ok(HashMap::new()) };
        let rows = store::sessions_by_ids(self.0.read(), me, &ids).await?;
        Ok(rows.into_iter().map(|row| (SessionById(row.id), row)).collect())
    }
}

/// A role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoleById(pub RoleId);

impl Loader<RoleById> for Rows {
    type Value = role::Model;
    type Error = Error;

    async fn load(&self, keys: &[RoleById]) -> Result<HashMap<RoleById, Self::Value>, Error> {
        self.asked_for(keys);
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let rows = store::roles_by_ids(self.0.read(), &ids).await?;
        Ok(rows.into_iter().map(|row| (RoleById(row.id), row)).collect())
    }
}
