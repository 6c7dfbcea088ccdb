//! Reading conversations.

use std::sync::Arc;

use async_graphql::{Context, Object};
use entity::ids::ConversationId;
use futures_util::FutureExt;

use super::{
    Conversation,
    enums::{ConversationFilter, ConversationKind},
};
use crate::{
    base::{
        error::{Error, Result},
        text::fold,
    },
    domains::conversations::{
        error::ConversationError,
        store::{self, Listing, Recency},
    },
    graphql::{
        access::{Requires, access, signed_in},
        loader::{ContextExt, Rows},
        node::GlobalId,
        page::{LiveConnection, PageArgs, Scope},
        prefetch::{Selected, prefetch},
        ready::Now,
    },
};

/// Reading conversations.
#[derive(Default)]
pub struct ConversationsQuery;

#[Object]
impl ConversationsQuery {
    /// One conversation. ROOM_NOT_FOUND when there is none, and just so for a private one of others.
    #[graphql(directive = access::apply(Requires::SignedIn))]
    async fn conversation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global id.")] id: GlobalId<ConversationId>,
    ) -> Result<Option<Now<Conversation>>> {
        signed_in(ctx)?;
        Ok(Some(Now(Conversation::find(ctx, *id).await?.ok_or(ConversationError::NotFound)?)))
    }

    /// The viewer's conversations, most recently active first. With `eventCursor` as `after` of `inboxChanged`, nothing is missed
    /// in between.
    #[graphql(directive = access::apply(Requires::SignedIn))]
    async fn conversations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of this kind.")] kind: Option<ConversationKind>,
        #[graphql(desc = "Which of them.", default_with = "Some(ConversationFilter::Joined)")] filter: Option<
            ConversationFilter,
        >,
        #[graphql(desc = "Part of the name, in any case; at most 100 characters.")] search: Option<String>,
        #[graphql(desc = "Those put aside, rather than the others.", default_with = "Some(false)")] archived: Option<
            bool,
        >,
        #[graphql(desc = "So many from the start, or from `after`; 0 to 100, 50 unless said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind the row with this cursor.")] after: Option<String>,
        #[graphql(desc = "So many up to the end, or up to `before`; 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before the row with this cursor.")] before: Option<String>,
    ) -> Result<Option<LiveConnection<Conversation>>> {
        signed_in(ctx)?;
        let op = ctx.op().clone();
        let search = search.map(|text| fold(&text)).filter(|text| !text.is_empty());
        if search.as_ref().is_some_and(|text| text.chars().count() > 100) {
            return Err(Error::invalid("search", "takes at most 100 characters"));
        }
        let filter = filter.unwrap_or(ConversationFilter::Joined).into();
        let listing = Listing { kind: kind.map(Into::into), filter, search, archived: archived.unwrap_or_default() };
        let scope = Scope::new("conversations", (op.viewer.id(), &listing));
        let window = PageArgs::new(first, after, last, before).window::<Recency>(op.config.limits.long_page, &scope)?;
        let event_cursor = op.platform.events.head().to_string();
        let found = store::page(op.read(), &op.viewer, &listing, &window).await?;
        let page = window.page(found.into_iter().map(Conversation::new).collect());
        prefetch(&page.rows.iter().collect::<Vec<_>>(), &Selected::of(ctx).nodes(), &Rows(op.clone())).await;
        let key = |conversation: &Conversation| {
            let row = &conversation.seen().row;
            serde_json::json!([row.last_activity_at, row.id])
        };
        let count = move || {
            let (op, listing) = (op.clone(), listing.clone());
            async move { store::count(op.read(), &op.viewer, &listing).await }.boxed()
        };
        let node = |conversation| conversation;
        Ok(Some(LiveConnection::new(page, &scope, key, node, Arc::new(count), event_cursor)))
    }
}
