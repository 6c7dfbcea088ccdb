//! A member of a conversation.

use std::sync::Arc;

use async_graphql::{Context, Object};
use entity::conversation_member;
use futures_util::{FutureExt, future::BoxFuture};

use super::enums::ConversationRole;
use crate::{
    base::error::Result,
    domains::users::graphql::User,
    graphql::{
        loader::{ContextExt, Rows},
        prefetch::{Edges, Selected, Slot, to_one},
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
}

/// A member of a conversation.
#[Object]
impl ConversationMember {
    /// The person; `null` when the account is gone.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.user.get() {
            Some(user) => Ok(user.clone()),
            None => User::load(ctx, self.0.row.user_id).await,
        }
    }

    /// Their standing.
    async fn role(&self) -> ConversationRole {
        self.0.row.role.into()
    }

    /// When they came in.
    async fn joined_at(&self) -> DateTime {
        self.0.row.joined_at.into()
    }

    /// The number of the newest message they have read; 0 when none.
    async fn last_read_seq(&self) -> i64 {
        self.0.row.last_read_seq
    }

    /// The number of the newest message that has reached them; never behind `lastReadSeq`.
    async fn last_delivered_seq(&self) -> i64 {
        self.0.row.last_delivered_seq
    }

    /// Until when the conversation is silent for them; `null` when it is not, and always `null` for other people.
    async fn muted_until(&self, ctx: &Context<'_>) -> Option<DateTime> {
        let muted = self.0.row.muted_until.filter(|until| *until > ctx.op().platform.clock.now());
        muted.filter(|_| ctx.op().viewer.is(self.0.row.user_id)).map(DateTime)
    }
}

impl Edges for ConversationMember {
    fn prefetch<'a>(members: &'a [&'a Self], selected: &'a Selected<'a>, rows: &'a Rows) -> BoxFuture<'a, ()> {
        let key = |member: &Self| Some(member.0.row.user_id);
        let load = async |ids| User::load_many(rows, ids).await;
        to_one(members, selected.field("user"), rows, key, |member| &member.0.user, load).boxed()
    }
}
