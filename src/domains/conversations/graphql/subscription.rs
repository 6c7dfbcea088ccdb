//! Following conversations.

use async_graphql::{Context, Subscription};
use entity::ids::ConversationId;
use futures_util::{Stream, StreamExt};

use super::live::{ConversationEvent, MessageEvent, TypingEvent, conversation_events, message_events};
use crate::{
    access::Rights,
    base::error::Result,
    domains::conversations::{events::topic, listen},
    graphql::{
        access::{Requires, access},
        live::{Source, hear, tell},
        loader::{ContextExt, Rows},
        node::{self, GlobalId},
        scalars::DateTime,
    },
};

/// Following conversations.
#[derive(Default)]
pub struct ConversationsSubscription;

#[Subscription]
impl ConversationsSubscription {
    /// Messages, their changes, reactions and receipts of a conversation, as they happen and in order. After a broken line, give the
    /// last cursor as `after` and nothing is missed; a cursor older than the log is CURSOR_EXPIRED. Ends with PERMISSION_DENIED when
    /// the viewer is no longer a member, with ROOM_NOT_FOUND when the conversation is deleted, and with SERVICE_UNAVAILABLE before an
    /// event that cannot be read just now: follow again from the last cursor.
    #[graphql(directive = access::apply(Requires::Member))]
    async fn message_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The conversation.")] conversation_id: GlobalId<ConversationId>,
        #[graphql(desc = "The cursor of the last event seen, or the `eventCursor` of the list; without it, from now.")]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<MessageEvent>> + use<>> {
        let rows = Rows(ctx.op().clone());
        let (topic, rights) = (topic(*conversation_id).into(), Rights::MemberOf(*conversation_id));
        let source = Source { topic, rights, hears: listen::is_heard_in_room };
        let heard = hear(ctx, source, || listen::room(&rows.0, *conversation_id, after.as_deref())).await?;
        Ok(tell(heard, move |events| message_events(rows.clone(), events)))
    }

    /// Changes over all of the viewer's conversations: which they are, what they are called, who belongs to them, their newest message
    /// and what is unread. After a broken line, give the last cursor as `after`; a cursor older than the log is CURSOR_EXPIRED. Ends
    /// with SERVICE_UNAVAILABLE before an event that cannot be read just now: follow again from the last cursor.
    #[graphql(directive = access::apply(Requires::SignedIn))]
    async fn inbox_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The cursor of the last event seen, or the `eventCursor` of `conversations`; without it, from now."
        )]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<ConversationEvent>> + use<>> {
        let rows = Rows(ctx.op().clone());
        let heard = listen::inbox(&rows.0, after.as_deref()).await?;
        Ok(tell(heard, move |notices| conversation_events(rows.clone(), notices)))
    }

    /// Who is writing in a conversation, oneself left out. A signal of the moment: it has no cursor, may be lost, and ends by itself
    /// after six seconds without being said again. Ends like `messageEvents` when the viewer is no longer a member.
    #[graphql(directive = access::apply(Requires::Member))]
    async fn typing_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The conversation.")] conversation_id: GlobalId<ConversationId>,
    ) -> Result<impl Stream<Item = Result<TypingEvent>> + use<>> {
        let id = *conversation_id;
        let heard = listen::typing(ctx.op(), id).await?;
        Ok(heard.map(move |notice| {
            notice.map(|notice| TypingEvent {
                conversation_id: node::id(id),
                typing: notice.expires_at.is_some(),
                expires_at: notice.expires_at.map(DateTime),
                user_id: notice.user,
            })
        }))
    }
}
