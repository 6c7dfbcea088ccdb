//! Reading people.

use std::sync::Arc;

use async_graphql::{Context, Enum, Object};
use entity::{ids::UserId, user};
use futures_util::FutureExt;

use super::{User, availability::UsernameAvailability, inputs::UserFilter};
use crate::{
    base::{
        error::{Error, Result},
        text::fold,
    },
    domains::users::{
        actions::availability::username_availability,
        model::Seen,
        store::{self, Order},
    },
    graphql::{
        loader::{ContextExt, Rows},
        node::GlobalId,
        page::{Connection, PageArgs, Scope},
        prefetch::{Selected, prefetch},
        ready::Now,
    },
};

/// The order of a list of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum UserOrder {
    /// Newest account first.
    Newest,
    /// By username.
    Username,
}

/// Reading people.
#[derive(Default)]
pub struct UsersQuery;

#[Object]
impl UsersQuery {
    /// The signed-in person; `null` when nobody is.
    async fn me(&self, ctx: &Context<'_>) -> Result<Option<Now<User>>> {
        let op = ctx.op();
        let Some(me) = op.viewer.id() else { return Ok(None) };
        Ok(store::find(op.read(), &op.viewer, me).await?.map(User::new).map(Now))
    }

    /// One person, by id or by username: give exactly one. `null` when there is none the viewer may know of.
    async fn user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global id.")] id: Option<GlobalId<UserId>>,
        #[graphql(desc = "The username, in any case.")] username: Option<String>,
    ) -> Result<Option<Now<User>>> {
        let op = ctx.op();
        let seen = match (id, username) {
            (Some(id), None) => store::find(op.read(), &op.viewer, *id).await?,
            (None, Some(username)) => store::find_by_username(op.read(), &op.viewer, &fold(&username)).await?,
            (Some(_), Some(_)) => {
                return Err(Error::invalid("username", "goes without id: give exactly one of the two"));
            }
            (None, None) => {
                return Err(Error::invalid("id", "is required, or else username: give exactly one of the two"));
            }
        };
        Ok(seen.map(User::new).map(Now))
    }

    /// Whether a username can be had, and others like it if not. Tightly limited by address: RATE_LIMIT_EXCEEDED with `retryAfter`.
    async fn username_availability(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The username somebody would like to have.")] username: String,
    ) -> Result<Option<UsernameAvailability>> {
        Ok(Some(UsernameAvailability(username_availability(ctx.op(), &username).await?)))
    }

    /// The people whose profiles are public.
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Part of a username or display name, in any case; at most 100 characters.")] search: Option<
            String,
        >,
        #[graphql(desc = "Which people; all unless said.")] filter: Option<UserFilter>,
        #[graphql(desc = "The order of the list.", default_with = "Some(UserOrder::Newest)")] order_by: Option<
            UserOrder,
        >,
        #[graphql(desc = "So many from the start, or from `after`; 0 to 100. Unless said 20, and 10 of a search.")]
        first: Option<i32>,
        #[graphql(desc = "Begin behind the row with this cursor.")] after: Option<String>,
        #[graphql(desc = "So many up to the end, or up to `before`; 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before the row with this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<User>>> {
        let op = ctx.op().clone();
        let search = search.map(|text| fold(&text)).filter(|text| !text.is_empty());
        if search.as_ref().is_some_and(|text| text.chars().count() > 100) {
            return Err(Error::invalid("search", "takes at most 100 characters"));
        }
        let order = match order_by {
            None | Some(UserOrder::Newest) => Order::Newest,
            Some(UserOrder::Username) => Order::Username,
        };
        let limits = if search.is_some() { op.config.limits.search_page } else { op.config.limits.page };
        let filter = UserFilter::with(filter, search);
        let scope = Scope::new("users", (&filter, order));
        let window = PageArgs::new(first, after, last, before).window(limits, &scope)?;
        let page = window.page(store::page(op.read(), &op.viewer, &filter, order, &window).await?);
        let key = |row: &user::Model| match order {
            Order::Newest => row.id.to_string().into(),
            Order::Username => row.username_key.clone().into(),
        };
        let viewer = op.viewer.clone();
        let count = move || {
            let (op, filter) = (op.clone(), filter.clone());
            async move { store::count(op.read(), &op.viewer, &filter).await }.boxed()
        };
        let node = |row: user::Model| User::new(Seen::by(&viewer, row, false));
        let people = Connection::new(page, &scope, key, node, Arc::new(count));
        prefetch(&people.nodes(), &Selected::of(ctx).nodes(), &Rows(ctx.op().clone())).boxed().await;
        Ok(Some(people))
    }
}
