//! A member of a conversation.

use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use entity::conversation_member;
use futures_util::{FutureExt, future::BoxFuture};

use super::enums::ConversationRole;
use crate::{
    base::error::Result,
    domains::{
        conversations::loaders::{BlockedWith, LastSeen},
        users::graphql::User,
    },
    graphql::{
        access::viewer_dependent,
        loader::{ContextExt, Rows},
        node,
        prefetch::{Edges, Selected, Slot, to_one},
        ready::{one, ready},
        scalars::DateTime,
    },
};

/// A member of a conversation.
#[derive(Clone, Debug)]
pub struct ConversationMember(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    row: conversation_member::Model,
    user: Slot<Option<User>>,
}

impl ConversationMember {
    /// From a membership.
    pub fn new(row: conversation_member::Model) -> Self {
        Self(Arc::new(Inner { row, user: Slot::new() }))
    }

    /// The membership.
    pub fn row(&self) -> &conversation_member::Model {
        &self.0.row
    }

    async fn last_seen(&self, ctx: &Context<'_>) -> Result<Option<chrono::DateTime<chrono::Utc>>> {
        let user = self.0.row.user_id;
        if ctx.load(BlockedWith(user)).await?.is_some() {
            return Ok(None);
        }
        ctx.load(LastSeen(user)).await
    }
}

/// A member of a conversation: the tie between a person and a conversation, with what belongs to the two together.
///
/// It has no global id and is not refetched by `node`: its two ends are the nodes, and `conversation(id:) { members }` reads it anew. A
/// client that normalises keys it by the ids of both (`conversationId` and `userId`).
#[Object]
impl ConversationMember {
    /// The global id of the conversation.
    fn conversation_id(&self) -> ID {
        node::id(self.0.row.conversation_id)
    }

    /// The global id of the person.
    fn user_id(&self) -> ID {
        node::id(self.0.row.user_id)
    }

    /// The person; `null` when the account is gone.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.user.get() {
            Some(user) => Ok(user.clone()),
            None => User::load(ctx, self.0.row.user_id).await,
        }
    }

    /// Their standing.
    fn role(&self) -> ConversationRole {
        self.0.row.role.into()
    }

    /// When they came in.
    fn joined_at(&self) -> DateTime {
        self.0.row.joined_at.into()
    }

    /// The number of the newest message they have read; 0 when none.
    fn last_read_seq(&self) -> i64 {
        self.0.row.last_read_seq
    }

    /// The number of the newest message that has reached them; never behind `lastReadSeq`.
    fn last_delivered_seq(&self) -> i64 {
        self.0.row.last_delivered_seq
    }

    /// They are here: a request or a running subscription of theirs within the last minute. Shown to members only, and `false` between
    /// people of whom one has blocked the other.
    #[graphql(directive = viewer_dependent::apply())]
    async fn is_online(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(self.last_seen(ctx).await?.is_some_and(|at| ctx.op().platform.presence.is_online(at)))
    }

    /// When they were last here, to within twenty seconds; `null` when that is more than 30 days ago or not known, and between people of
    /// whom one has blocked the other. Shown to members only.
    #[graphql(directive = viewer_dependent::apply())]
    async fn last_seen_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime>> {
        Ok(self.last_seen(ctx).await?.map(DateTime))
    }

    /// Until when the conversation is silent for them; `null` when it is not, and always `null` for other people.
    #[graphql(directive = viewer_dependent::apply())]
    async fn muted_until(&self, ctx: &Context<'_>) -> Option<DateTime> {
        let muted = self.0.row.muted_until.filter(|until| *until > ctx.op().platform.clock.now());
        muted.filter(|_| ctx.op().viewer.is(self.0.row.user_id)).map(DateTime)
    }
}

ready!(ConversationMember {
    "conversationId": conversation_id, "userId": user_id, "role": role, "joinedAt": joined_at, "lastReadSeq": last_read_seq, "lastDeliveredSeq": last_delivered_seq
} edges {
    "user": |member| member.0.user.get().map(one),
});

impl Edges for ConversationMember {
    fn prefetch<'a>(members: &'a [&'a Self], selected: &'a Selected<'a>, rows: &'a Rows) -> BoxFuture<'a, ()> {
        let key = |member: &Self| Some(member.0.row.user_id);
        let load = async |ids| User::load_many(rows, ids).await;
        to_one(members, selected.field("user"), rows, key, |member| &member.0.user, load).boxed()
    }
}
