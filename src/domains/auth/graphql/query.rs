//! Reading roles.

use std::sync::Arc;

use async_graphql::{Context, Object};
use entity::ids::RoleId;
use futures_util::FutureExt;

use super::{Permission, Role};
use crate::{
    base::error::Result,
    domains::auth::store,
    graphql::{
        access::{Requires, access, signed_in},
        loader::ContextExt,
        node::GlobalId,
        page::{Connection, PageArgs, Scope},
    },
};

/// Reading roles.
#[derive(Default)]
pub struct AuthQuery;

#[Object]
impl AuthQuery {
    /// The roles that can be granted, by name.
    #[graphql(directive = access::apply(Requires::SignedIn))]
    async fn roles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, or from `after`; 0 to 100, 20 unless said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind the row with this cursor.")] after: Option<String>,
        #[graphql(desc = "So many up to the end, or up to `before`; 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before the row with this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<Role>>> {
        signed_in(ctx)?;
        let op = ctx.op().clone();
        let scope = Scope::new("roles", ());
        let window = PageArgs::new(first, after, last, before).window(op.config.limits.page, &scope)?;
        let page = window.page(store::roles_page(op.read(), &window).await?);
        let count = move || {
            let op = op.clone();
            async move { store::roles_count(op.read()).await }.boxed()
        };
        Ok(Some(Connection::new(page, &scope, |row| row.name.clone().into(), Role::new, Arc::new(count))))
    }

    /// One role; `null` when there is none.
    #[graphql(directive = access::apply(Requires::SignedIn))]
    async fn role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global id.")] id: GlobalId<RoleId>,
    ) -> Result<Option<Role>> {
        signed_in(ctx)?;
        Role::find(ctx, *id).await
    }

    /// Everything a role can be given to allow, by name. The list is fixed and short.
    #[graphql(directive = access::apply(Requires::SignedIn))]
    async fn permissions(&self, ctx: &Context<'_>) -> Result<Option<Vec<Permission>>> {
        signed_in(ctx)?;
        Ok(Some(store::permissions(ctx.op().read()).await?.into_iter().map(Permission::from).collect()))
    }
}
