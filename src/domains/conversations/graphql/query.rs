//! Reading conversations.

use std::sync::Arc;

use async_graphql::{Context, Object};
use entity::ids::ConversationId;
use futures_util::FutureExt;

use super::{
    Conversation,
    enums::{ConversationFilter, ConversationKind},
    live::{ConversationEvent, MessageEvent, conversation_event, conversations_of, message_event, messages_of},
};
use crate::{
    base::{
        error::{Error, Result},
        text::fold,
    },
    domains::conversations::{
        error::ConversationError,
        listen,
        store::{self, Listing, Recency},
    },
    graphql::{
        access::{Requires, access, signed_in},
        loader::{ContextExt, Rows},
        node::GlobalId,
        page::{LiveConnection, PageArgs, Scope},
        prefetch::{Selected, prefetch},
        ready::Now,
        replay::{EventConnection, EventEdge},
    },
    platform::events::Event,
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
            let row = conversation.row();
            serde_json::json!([row.last_activity_at, row.id])
        };
        let count = move || {
            let (op, listing) = (op.clone(), listing.clone());
            async move { store::count(op.read(), &op.viewer, &listing).await }.boxed()
        };
        let node = |conversation| conversation;
        Ok(Some(LiveConnection::new(page, &scope, key, node, Arc::new(count), event_cursor)))
    }

    /// What the subscription `messageEvents` has told by now behind a cursor, a page at a time and in the same order: the event log for
    /// who keeps no line open. `pageInfo.endCursor` goes on, with the next page or with the subscription, and nothing is missed in
    /// between; while `hasNextPage` holds there may be more, also behind a page that is not full. Every event shows the state as it is
    /// by now, and one whose message is out of the viewer's sight is left out. Without `after` the page is empty, and its `endCursor`
    /// is where the log ends now. ROOM_NOT_FOUND, PERMISSION_DENIED and CURSOR_EXPIRED as for the subscription.
    #[graphql(directive = access::apply(Requires::Member))]
    async fn message_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The conversation.")] conversation_id: GlobalId<ConversationId>,
        #[graphql(desc = "So many at the most; 0 to 100, 50 unless said.")] first: Option<i32>,
        #[graphql(
            desc = "The cursor of the last event seen, an `eventCursor`, or the `endCursor` of the page before."
        )]
        after: Option<String>,
    ) -> Result<Option<EventConnection<MessageEvent>>> {
        signed_in(ctx)?;
        let rows = Rows(ctx.op().clone());
        let count = at_most(first, &rows)?;
        let read = async {
            let heard = listen::room_page(&rows.0, *conversation_id, after.as_deref(), count).await?;
            let found = messages_of(&rows, &heard.notices).await?;
            if let Some(asked) = Selected::of(ctx).nodes().field("message") {
                prefetch(&found.values().collect::<Vec<_>>(), &asked, &rows).await;
            }
            let edge = |event: &Arc<Event>| {
                Some(EventEdge { cursor: event.cursor().to_string(), node: message_event(&found, event)? })
            };
            let edges = heard.notices.iter().filter_map(edge).collect();
            Ok::<_, Error>(EventConnection::new(edges, after.is_some(), heard.end, heard.has_more))
        };
        read.boxed().await.map(Some)
    }

    /// What the subscription `inboxChanged` has told by now behind a cursor, a page at a time and in the same order; see
    /// `messageEvents`. What has been superseded is left out: that a conversation was added which is out of sight by now, or that a
    /// message was corrected which is no longer the newest. CURSOR_EXPIRED as for the subscription.
    #[graphql(directive = access::apply(Requires::SignedIn))]
    async fn inbox_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many at the most; 0 to 100, 50 unless said.")] first: Option<i32>,
        #[graphql(
            desc = "The cursor of the last event seen, an `eventCursor`, or the `endCursor` of the page before."
        )]
        after: Option<String>,
    ) -> Result<Option<EventConnection<ConversationEvent>>> {
        signed_in(ctx)?;
        let rows = Rows(ctx.op().clone());
        let count = at_most(first, &rows)?;
        let read = async {
            let heard = listen::inbox_page(&rows.0, after.as_deref(), count).await?;
            let found = conversations_of(&rows, &heard.notices).await?;
            if let Some(asked) = Selected::of(ctx).nodes().field("conversation") {
                prefetch(&found.values().collect::<Vec<_>>(), &asked, &rows).await;
            }
            let edge = |notice: listen::InboxNotice| {
                let cursor = notice.cursor.clone();
                Some(EventEdge { cursor, node: conversation_event(&found, notice)? })
            };
            let edges = heard.notices.into_iter().filter_map(edge).collect();
            Ok::<_, Error>(EventConnection::new(edges, after.is_some(), heard.end, heard.has_more))
        };
        read.boxed().await.map(Some)
    }
}

/// How many events a page may have.
fn at_most(first: Option<i32>, rows: &Rows) -> Result<usize> {
    let args = PageArgs::new(first, None, None, None);
    Ok(args.window::<()>(rows.0.config.limits.long_page, &Scope::new("events", ()))?.limit)
}
