//! A conversation.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, Object};
use entity::{
    conversation, conversation_member,
    conversation_member::Role,
    ids::{ConversationId, UserId},
};
use futures_util::FutureExt;

use super::{
    ConversationMember, Message,
    enums::{ConversationKind, ConversationRole, ConversationVisibility},
    message::{Listed, list},
};
use crate::{
    access::{Personal, Viewer},
    base::error::{Error, Result},
    domains::{
        conversations::{
            error::ConversationError,
            loaders::{BlockedWith, ConversationById, LastMessageOf, MemberCount, MessageCount, OwnerOf},
            model::{Seen, other_of},
            store::{self, Joining, Of, Which},
        },
        users::graphql::User,
    },
    graphql::{
        access::{Requires, access, viewer_dependent},
        loader::{ContextExt, Rows},
        node,
        page::{Connection, Count, LiveConnection, Page, PageArgs, Scope},
        prefetch::{self, Selected, Slot, Slots},
        ready::{one, ready},
        scalars::{DateTime, Json},
    },
};

/// What hangs on conversations, loaded for whole lists.
mod ahead;

/// A room, direct conversation or assistant chat.
#[derive(Clone, Debug)]
pub struct Conversation(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    seen: Seen,
    is_member: bool,
    /// Whose the membership is.
    whose: Personal<()>,
    last_message: Slot<Option<Message>>,
    other_user: Slot<Option<User>>,
    owner: Slot<Option<User>>,
    is_blocked: Slot<bool>,
    messages: Slots<(Which, PageArgs), Listed>,
    members: Slots<(Option<Role>, PageArgs), Page<ConversationMember>>,
    message_totals: Slots<Which, i64>,
    member_totals: Slots<Role, i64>,
}

impl Conversation {
    /// From a conversation as the viewer sees it.
    pub fn new(seen: Seen) -> Self {
        let is_member = seen.member.is_some();
        Self::with(seen, is_member, Personal::known(()))
    }

    /// As an operation sees it that may be everybody's: an audience has memberships, and none that is its own.
    fn seen_by(viewer: &Viewer, seen: Seen) -> Self {
        let is_member = seen.member.is_some() || matches!(viewer, Viewer::Audience(_));
        Self::with(seen, is_member, Personal::of(viewer, ()))
    }

    fn with(seen: Seen, is_member: bool, whose: Personal<()>) -> Self {
        Self(Arc::new(Inner {
            seen,
            is_member,
            whose,
            last_message: Slot::new(),
            other_user: Slot::new(),
            owner: Slot::new(),
            is_blocked: Slot::new(),
            messages: Slots::default(),
            members: Slots::default(),
            message_totals: Slots::default(),
            member_totals: Slots::default(),
        }))
    }

    /// A conversation by id; `None` when there is none the viewer may know of.
    pub async fn find(ctx: &Context<'_>, id: ConversationId) -> Result<Option<Self>> {
        Ok(ctx.load(ConversationById(id)).await?.map(|seen| Self::seen_by(&ctx.op().viewer, seen)))
    }

    /// Several of them at once: those the viewer may know of.
    pub async fn load_many(rows: &Rows, ids: Vec<ConversationId>) -> Result<HashMap<ConversationId, Self>> {
        let found = store::by_ids(rows.0.read(), &rows.0.viewer, &ids).await?;
        Ok(found.into_iter().map(|(id, seen)| (id, Self::seen_by(&rows.0.viewer, seen))).collect())
    }

    /// The row.
    pub fn row(&self) -> &conversation::Model {
        &self.0.seen.row
    }

    /// The viewer's own membership.
    fn member(&self) -> Option<&conversation_member::Model> {
        self.0.whose.get();
        self.0.seen.member.as_ref()
    }

    fn key(&self) -> ConversationId {
        self.0.seen.row.id
    }

    /// The viewer belongs to it.
    pub fn is_member(&self) -> bool {
        self.0.is_member
    }

    fn members_only(&self) -> Result<()> {
        if self.is_member() { Ok(()) } else { Err(ConversationError::NotMember.into()) }
    }

    fn other(&self, me: Option<UserId>) -> Option<UserId> {
        other_of(&self.0.seen.row, me?)
    }

    fn messages_scope(id: ConversationId, which: Which) -> Scope {
        Scope::new("messages", (id, which))
    }

    fn members_scope(id: ConversationId, role: Option<Role>) -> Scope {
        Scope::new("members", (id, role))
    }

    /// How many messages the list has: the newest number when all are shown, else counted, for all conversations at once.
    fn count_messages(&self, ctx: &Context<'_>, which: Which) -> Count {
        let (id, all) = (self.key(), self.0.seen.row.last_seq);
        if which == (Which { with_replies: true, pinned_only: false }) {
            return Arc::new(move || std::future::ready(Ok(all)).boxed());
        }
        let (conversation, loaders) = (self.clone(), ctx.loaders().clone());
        Arc::new(move || {
            let (conversation, loaders) = (conversation.clone(), loaders.clone());
            async move {
                match conversation.0.message_totals.get(&which).await {
                    Some(total) => Ok(*total),
                    None => Ok(loaders.load_one(MessageCount(id, which)).await?.unwrap_or_default()),
                }
            }
            .boxed()
        })
    }

    fn count_members(&self, ctx: &Context<'_>, role: Option<Role>) -> Count {
        let (id, all) = (self.key(), i64::from(self.0.seen.row.member_count));
        let Some(role) = role else { return Arc::new(move || std::future::ready(Ok(all)).boxed()) };
        let (conversation, loaders) = (self.clone(), ctx.loaders().clone());
        Arc::new(move || {
            let (conversation, loaders) = (conversation.clone(), loaders.clone());
            async move {
                match conversation.0.member_totals.get(&role).await {
                    Some(total) => Ok(*total),
                    None => Ok(loaders.load_one(MemberCount(id, role)).await?.unwrap_or_default()),
                }
            }
            .boxed()
        })
    }
}

/// A room, direct conversation or assistant chat.
///
/// To people who are no members a public room shows its card: `id kind name description visibility maxMembers memberCount messageCount
/// lastActivityAt owner isArchived version createdAt`. What was said in it, who belongs to it and what is the viewer's own is for
/// members: those fields say so, are `null` with PERMISSION_DENIED for others, and leave the rest of the answer as it is.
#[Object]
impl Conversation {
    /// The global id.
    pub async fn id(&self) -> ID {
        node::id(self.key())
    }

    /// What kind it is.
    fn kind(&self) -> ConversationKind {
        self.0.seen.row.kind.into()
    }

    /// What it is called; `null` for a direct conversation, which is called after `otherUser`.
    fn name(&self) -> Option<&String> {
        self.0.seen.row.name.as_ref()
    }

    /// What it is for.
    fn description(&self) -> Option<&String> {
        self.0.seen.row.description.as_ref()
    }

    /// Who may find it.
    fn visibility(&self) -> ConversationVisibility {
        self.0.seen.row.visibility.into()
    }

    /// How many members it takes.
    fn max_members(&self) -> i32 {
        self.0.seen.row.max_members
    }

    /// How many members it has.
    fn member_count(&self) -> i32 {
        self.0.seen.row.member_count
    }

    /// How many messages it has had: the number of the newest, replies and deleted ones included. On the card of a public room too.
    fn message_count(&self) -> i64 {
        self.0.seen.row.last_seq
    }

    /// How many messages came after the newest one the viewer has read, replies and deleted ones included. What one sends oneself
    /// is read, with everything before it.
    #[graphql(directive = access::apply(Requires::Member), directive = viewer_dependent::apply())]
    async fn unread_count(&self) -> Result<Option<i64>> {
        self.members_only()?;
        let newest = self.row().last_seq;
        Ok(self.member().map(|member| (newest - member.last_read_seq).max(0)))
    }

    /// The viewer's standing; `null` for somebody who is no member.
    #[graphql(directive = viewer_dependent::apply())]
    fn viewer_role(&self) -> Option<ConversationRole> {
        self.member().map(|member| member.role.into())
    }

    /// The viewer's own membership, with their marks and `mutedUntil`; `null` for somebody who is no member.
    #[graphql(directive = viewer_dependent::apply())]
    async fn viewer_membership(&self) -> Option<ConversationMember> {
        self.member().cloned().map(ConversationMember::new)
    }

    /// When the latest message was accepted, or when it was made: the order of the list. It never goes back.
    fn last_activity_at(&self) -> DateTime {
        self.0.seen.row.last_activity_at.into()
    }

    /// The newest message, a reply or a deleted one included; `null` while there is none.
    #[graphql(directive = access::apply(Requires::Member))]
    async fn last_message(&self, ctx: &Context<'_>) -> Result<Option<Message>> {
        self.members_only()?;
        match self.0.last_message.get() {
            Some(message) => Ok(message.clone()),
            None => Ok(ctx.load(LastMessageOf(self.key())).await?.map(Message::new)),
        }
    }

    /// The other person of a direct conversation; `null` for every other kind, and when the account is gone.
    #[graphql(directive = viewer_dependent::apply())]
    async fn other_user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match (self.0.other_user.get(), self.other(ctx.op().viewer.id())) {
            (Some(user), _) => Ok(user.clone()),
            (None, Some(id)) => User::load(ctx, id).await,
            (None, None) => Ok(None),
        }
    }

    /// The longest-standing owner; `null` for a direct conversation.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        if let Some(owner) = self.0.owner.get() {
            return Ok(owner.clone());
        }
        match ctx.load(OwnerOf(self.key())).await? {
            Some(id) => User::load(ctx, id).await,
            None => Ok(None),
        }
    }

    /// The members, longest-standing first.
    #[graphql(directive = access::apply(Requires::Member))]
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only members with this role.")] role: Option<ConversationRole>,
        #[graphql(desc = "So many from the start, or from `after`; 0 to 100, 50 unless said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind the row with this cursor.")] after: Option<String>,
        #[graphql(desc = "So many up to the end, or up to `before`; 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before the row with this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<ConversationMember>>> {
        self.members_only()?;
        let rows = Rows(ctx.op().clone());
        let role = role.map(Role::from);
        let args = PageArgs::new(first, after, last, before);
        let scope = Self::members_scope(self.key(), role);
        let asked = (role, args);
        let page = match self.0.members.get(&asked).await {
            Some(page) => Page::clone(&page),
            None => {
                let load = async {
                    let window = asked.1.window::<Joining>(rows.0.config.limits.long_page, &scope)?;
                    let found = store::members_page(rows.0.read(), self.key(), role, &window).await?;
                    let page = window.page(found.into_iter().map(ConversationMember::new).collect());
                    prefetch::prefetch(&page.rows.iter().collect::<Vec<_>>(), &Selected::of(ctx).nodes(), &rows).await;
                    Ok::<_, Error>(page)
                };
                load.boxed().await?
            }
        };
        let key = |member: &ConversationMember| serde_json::json!([member.row().joined_at, member.row().user_id]);
        Ok(Some(Connection::new(page, &scope, key, |member| member, self.count_members(ctx, role))))
    }

    /// The messages, oldest to newest; without `first` and `last`, the newest page. With `eventCursor` as `after` of
    /// `messageEvents`, nothing is missed in between.
    #[graphql(directive = access::apply(Requires::Member))]
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, or from `after`; 0 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin behind the row with this cursor.")] after: Option<String>,
        #[graphql(desc = "So many up to the end, or up to `before`; 0 to 100, 50 unless said.")] last: Option<i32>,
        #[graphql(desc = "End before the row with this cursor.")] before: Option<String>,
        #[graphql(
            desc = "Show replies among the other messages, rather than under the message they reply to only.",
            default_with = "Some(false)"
        )]
        include_threads: Option<bool>,
        #[graphql(
            desc = "Only pinned messages; pinned replies too with `includeThreads`.",
            default_with = "Some(false)"
        )]
        pinned_only: Option<bool>,
    ) -> Result<Option<LiveConnection<Message>>> {
        self.members_only()?;
        let rows = Rows(ctx.op().clone());
        let which =
            Which { with_replies: include_threads.unwrap_or_default(), pinned_only: pinned_only.unwrap_or_default() };
        let args = PageArgs::new(first, after, last, before).or_last(rows.0.config.limits.long_page.default);
        let scope = Self::messages_scope(self.key(), which);
        let asked = (which, args);
        let listed = match self.0.messages.get(&asked).await {
            Some(listed) => Listed::clone(&listed),
            None => {
                let load = async {
                    let listed = list(&rows, Of::Conversation(self.key()), which, &asked.1, &scope).await?;
                    let all: Vec<&Message> = listed.page.rows.iter().collect();
                    prefetch::prefetch(&all, &Selected::of(ctx).nodes(), &rows).await;
                    Ok::<_, Error>(listed)
                };
                load.boxed().await?
            }
        };
        let key = |message: &Message| message.row().seq.into();
        let count = self.count_messages(ctx, which);
        Ok(Some(LiveConnection::new(listed.page, &scope, key, |message| message, count, listed.event_cursor)))
    }

    /// In a direct conversation, one of the two has blocked the other: new messages are USER_BLOCKED. `false` for every other kind.
    #[graphql(directive = viewer_dependent::apply())]
    async fn is_blocked(&self, ctx: &Context<'_>) -> Result<bool> {
        match (self.0.is_blocked.get(), self.other(ctx.op().viewer.id())) {
            (Some(is_blocked), _) => Ok(*is_blocked),
            (None, Some(other)) => Ok(ctx.load(BlockedWith(other)).await?.is_some()),
            (None, None) => Ok(false),
        }
    }

    /// It has been put aside by an owner: it can be read and left, and nothing is added to it.
    fn is_archived(&self) -> bool {
        self.0.seen.row.archived_at.is_some()
    }

    /// What a front end kept with it: a JSON object.
    #[graphql(directive = access::apply(Requires::Member))]
    async fn metadata(&self) -> Result<Option<Json>> {
        self.members_only()?;
        Ok(Some(Json(self.0.seen.row.metadata.clone())))
    }

    /// Grows by one with every change of name, description, ceiling, visibility or metadata, and when it is archived or taken out
    /// again; for `expectedVersion`.
    fn version(&self) -> i32 {
        self.0.seen.row.version
    }

    /// When it was made.
    fn created_at(&self) -> DateTime {
        self.0.seen.row.created_at.into()
    }
}

ready!(Conversation {
    id: |conversation| conversation.key();
    "kind": kind, "name": name, "description": description, "visibility": visibility, "maxMembers": max_members, "memberCount": member_count, "messageCount": message_count, "viewerRole": viewer_role, "lastActivityAt": last_activity_at, "isArchived": is_archived, "version": version, "createdAt": created_at
} edges {
    "lastMessage": |conversation| conversation.0.last_message.get().filter(|_| conversation.is_member()).map(one),
    "otherUser": |conversation| conversation.0.other_user.get().map(one),
    "owner": |conversation| conversation.0.owner.get().map(one),
});
