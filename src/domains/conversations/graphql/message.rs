//! A message.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, Object};
use entity::{
    ids::{MessageEditId, MessageId},
    message,
};
use futures_util::FutureExt;

use super::{
    Conversation,
    enums::{MessageRole, MessageType},
    parts::{MessageEdit, MessageReceipt},
    reaction::ReactionGroup,
};
use crate::{
    base::error::{Error, Result},
    domains::{
        conversations::{
            loaders::{ConversationById, EmojiOf, MessageById, ReachOf, ReplyCount},
            model::mentions_of,
            policy::may_know_why,
            store::{self, Joining, Of, Reach, Which},
        },
        users::{UserById, graphql::User},
    },
    graphql::{
        access::{Requires, access, viewer_dependent},
        loader::{ContextExt, Loaders, Rows},
        node,
        page::{Connection, LiveConnection, Page, PageArgs, Scope},
        prefetch::{self, Selected, Slot, Slots},
        ready::{many, one, ready},
        scalars::{DateTime, Json},
    },
};

/// What hangs on messages, loaded for whole lists.
mod ahead;
pub(super) use ahead::list_each;
use ahead::{edits_each, receipts_each};

/// A message of a conversation the viewer belongs to.
#[derive(Clone, Debug)]
pub struct Message(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    row: message::Model,
    sender: Slot<Option<User>>,
    conversation: Slot<Option<Conversation>>,
    reply_to: Slot<Option<Message>>,
    mentions: Slot<Vec<User>>,
    reactions: Slot<Vec<ReactionGroup>>,
    reach: Slot<Reach>,
    receipts: Slots<PageArgs, Page<MessageReceipt>>,
    edits: Slots<PageArgs, Page<MessageEdit>>,
    replies: Slots<PageArgs, Listed>,
    reply_total: Slot<i64>,
}

/// A page of messages with the place in the event log before it was read.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) page: Page<Message>,
    pub(super) event_cursor: String,
}

impl Message {
    /// From a row the viewer may read.
    pub fn new(row: message::Model) -> Self {
        Self(Arc::new(Inner {
            row,
            sender: Slot::new(),
            conversation: Slot::new(),
            reply_to: Slot::new(),
            mentions: Slot::new(),
            reactions: Slot::new(),
            reach: Slot::new(),
            receipts: Slots::default(),
            edits: Slots::default(),
            replies: Slots::default(),
            reply_total: Slot::new(),
        }))
    }

    /// A message by id; `None` when there is none the viewer may read.
    pub async fn find(ctx: &Context<'_>, id: MessageId) -> Result<Option<Self>> {
        Ok(ctx.load(MessageById(id)).await?.map(Self::new))
    }

    /// Several of them at once: those the viewer may read.
    pub async fn load_many(rows: &Rows, ids: Vec<MessageId>) -> Result<HashMap<MessageId, Self>> {
        let found = store::messages_by_ids(rows.0.read(), &rows.0.viewer, &ids).await?;
        Ok(found.into_iter().map(|(id, row)| (id, Self::new(row))).collect())
    }

    /// The row.
    pub fn row(&self) -> &message::Model {
        &self.0.row
    }

    async fn groups(&self, ctx: &Context<'_>) -> Result<Vec<ReactionGroup>> {
        // The other field that asks for them waits for this: a loader that is filled slowly would go twice.
        let load = || async {
            let counts = ctx.load(EmojiOf(self.0.row.id)).await?.unwrap_or_default();
            Ok(counts.into_iter().map(ReactionGroup::new).collect())
        };
        self.0.reactions.get_or_try_init(load).boxed().await.cloned()
    }

    async fn reach(&self, loaders: &Loaders) -> Result<Reach> {
        let load = || async { Ok(loaders.load_one(ReachOf(self.0.row.id)).await?.unwrap_or_default()) };
        self.0.reach.get_or_try_init(load).boxed().await.copied()
    }

    /// The list of what hangs on this message.
    fn scope(&self, list: &str) -> Scope {
        Scope::new(list, self.0.row.id)
    }
}

/// Loads one page of a single list.
pub(super) async fn list(rows: &Rows, of: Of, which: Which, args: &PageArgs, scope: &Scope) -> Result<Listed> {
    let window = args.window(rows.0.config.limits.long_page, scope)?;
    let event_cursor = rows.0.platform.events.head().to_string();
    let found = store::messages_page(rows.0.read(), of, which, &window).await?;
    let page = window.page(found.into_iter().map(Message::new).collect());
    Ok(Listed { page, event_cursor })
}

/// A message of a conversation. Only members of the conversation can read it.
#[Object]
impl Message {
    /// The global id.
    pub async fn id(&self) -> ID {
        node::id(self.0.row.id)
    }

    /// Its number in the conversation, from 1, without gaps: the order of messages. A client that sees a gap has missed something.
    fn seq(&self) -> i64 {
        self.0.row.seq
    }

    /// Where it was said.
    async fn conversation(&self, ctx: &Context<'_>) -> Result<Option<Conversation>> {
        match self.0.conversation.get() {
            Some(conversation) => Ok(conversation.clone()),
            None => Conversation::find(ctx, self.0.row.conversation_id).await,
        }
    }

    /// Who wrote it; `null` for the assistant, the system, and an account that is gone.
    async fn sender(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match (self.0.sender.get(), self.0.row.sender_id) {
            (Some(sender), _) => Ok(sender.clone()),
            (None, Some(id)) => User::load(ctx, id).await,
            (None, None) => Ok(None),
        }
    }

    /// Who speaks: a person, the assistant or the system.
    fn role(&self) -> MessageRole {
        self.0.row.role.into()
    }

    /// What it carries.
    #[graphql(name = "type")]
    fn message_type(&self) -> MessageType {
        self.0.row.message_type.into()
    }

    /// The text, as it was sent; empty once the message is deleted.
    fn content(&self) -> &str {
        &self.0.row.content
    }

    /// The message it replies to. Threads have one level: a reply to a reply stands under the first message.
    async fn reply_to(&self, ctx: &Context<'_>) -> Result<Option<Self>> {
        match (self.0.reply_to.get(), self.0.row.reply_to_id) {
            (Some(message), _) => Ok(message.clone()),
            (None, Some(id)) => Self::find(ctx, id).await,
            (None, None) => Ok(None),
        }
    }

    /// How many replies there are, deleted ones left out.
    fn thread_count(&self) -> i32 {
        self.0.row.thread_count
    }

    /// The replies, oldest to newest; without `first` and `last`, the newest page. Deleted ones keep their place, and `totalCount`
    /// counts them.
    async fn replies(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, or from `after`; 0 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin behind the row with this cursor.")] after: Option<String>,
        #[graphql(desc = "So many up to the end, or up to `before`; 0 to 100, 50 unless said.")] last: Option<i32>,
        #[graphql(desc = "End before the row with this cursor.")] before: Option<String>,
    ) -> Result<LiveConnection<Self>> {
        let rows = Rows(ctx.op().clone());
        let args = PageArgs::new(first, after, last, before).or_last(rows.0.config.limits.long_page.default);
        let scope = self.scope("replies");
        let listed = match self.0.replies.get(&args).await {
            Some(listed) => Listed::clone(&listed),
            None => {
                let load = async {
                    let listed = list(&rows, Of::Message(self.0.row.id), Which::default(), &args, &scope).await?;
                    let all: Vec<&Self> = listed.page.rows.iter().collect();
                    prefetch::prefetch(&all, &Selected::of(ctx).nodes(), &rows).await;
                    Ok::<_, Error>(listed)
                };
                load.boxed().await?
            }
        };
        let (message, loaders) = (self.clone(), ctx.loaders().clone());
        let count = Arc::new(move || {
            let (message, loaders) = (message.clone(), loaders.clone());
            async move {
                match message.0.reply_total.get() {
                    Some(total) => Ok(*total),
                    None => Ok(loaders.load_one(ReplyCount(message.0.row.id)).await?.unwrap_or_default()),
                }
            }
            .boxed()
        });
        Ok(LiveConnection::new(
            listed.page,
            &scope,
            |reply| reply.0.row.seq.into(),
            |reply| reply,
            count,
            listed.event_cursor,
        ))
    }

    /// It is pinned.
    fn is_pinned(&self) -> bool {
        self.0.row.pinned_at.is_some()
    }

    /// When it was pinned.
    fn pinned_at(&self) -> Option<DateTime> {
        self.0.row.pinned_at.map(DateTime)
    }

    /// Its text has been changed.
    fn is_edited(&self) -> bool {
        self.0.row.edit_count > 0
    }

    /// How often its text has been changed.
    fn edit_count(&self) -> i32 {
        self.0.row.edit_count
    }

    /// When its text was changed last.
    fn edited_at(&self) -> Option<DateTime> {
        self.0.row.edited_at.map(DateTime)
    }

    /// Its earlier texts, oldest first; none once it is deleted.
    async fn edits(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, or from `after`; 0 to 100, 20 unless said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind the row with this cursor.")] after: Option<String>,
        #[graphql(desc = "So many up to the end, or up to `before`; 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before the row with this cursor.")] before: Option<String>,
    ) -> Result<Connection<MessageEdit>> {
        let args = PageArgs::new(first, after, last, before);
        let scope = self.scope("edits");
        let page = match self.0.edits.get(&args).await {
            Some(page) => Page::clone(&page),
            None => {
                let rows = Rows(ctx.op().clone());
                let window = args.window::<MessageEditId>(rows.0.config.limits.page, &scope)?;
                let mut pages = edits_each(&[self], &window, &Selected::of(ctx), &rows).await?;
                pages.pop().unwrap_or_else(|| window.page(Vec::new()))
            }
        };
        let kept = if self.0.row.deleted_at.is_some() { 0 } else { self.0.row.edit_count };
        let count = Arc::new(move || std::future::ready(Ok(i64::from(kept))).boxed());
        Ok(Connection::new(page, &scope, |edit| serde_json::json!(edit.row().id), |edit| edit, count))
    }

    /// It was taken away: the text is gone, the place and the number stay.
    fn is_deleted(&self) -> bool {
        self.0.row.deleted_at.is_some()
    }

    /// When it was taken away.
    fn deleted_at(&self) -> Option<DateTime> {
        self.0.row.deleted_at.map(DateTime)
    }

    /// Why it was taken away, if somebody said so.
    #[graphql(directive = access::apply(Requires::AuthorOrModerator))]
    async fn deletion_reason(&self, ctx: &Context<'_>) -> Result<Option<&String>> {
        let seen = ctx.load(ConversationById(self.0.row.conversation_id)).await?;
        if seen.is_some_and(|seen| may_know_why(&ctx.op().viewer, &seen, &self.0.row)) {
            return Ok(self.0.row.deletion_reason.as_ref());
        }
        Err(Error::denied(
            "Only its author and the moderators and owners of the conversation may see why a message was deleted.",
        ))
    }

    /// The members named with @ in the text, in its order; at most 50.
    async fn mentions(&self, ctx: &Context<'_>) -> Result<Vec<User>> {
        if let Some(people) = self.0.mentions.get() {
            return Ok(people.clone());
        }
        let ids = mentions_of(&self.0.row);
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = ctx.loaders().load_many(ids.iter().map(|id| UserById(*id))).await?;
        Ok(ids.iter().filter_map(|id| found.remove(&UserById(*id))).map(User::new).collect())
    }

    /// The reactions, grouped by emoji; the emoji that came first first. At most 20 emoji; none once it is deleted.
    async fn reactions(&self, ctx: &Context<'_>) -> Result<Vec<ReactionGroup>> {
        self.groups(ctx).await
    }

    /// How many reactions there are, over all emoji.
    async fn reaction_count(&self, ctx: &Context<'_>) -> Result<i64> {
        Ok(self.groups(ctx).await?.iter().map(ReactionGroup::count).sum())
    }

    /// Who has received and read it, and when, longest-standing member first. Listed are the members who were there when it was said:
    /// not the sender, not who came later, and not who has gone.
    async fn receipts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the start, or from `after`; 0 to 100, 50 unless said.")] first: Option<i32>,
        #[graphql(desc = "Begin behind the row with this cursor.")] after: Option<String>,
        #[graphql(desc = "So many up to the end, or up to `before`; 0 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before the row with this cursor.")] before: Option<String>,
    ) -> Result<Connection<MessageReceipt>> {
        let args = PageArgs::new(first, after, last, before);
        let scope = self.scope("receipts");
        let page = match self.0.receipts.get(&args).await {
            Some(page) => Page::clone(&page),
            None => {
                let rows = Rows(ctx.op().clone());
                let window = args.window::<Joining>(rows.0.config.limits.long_page, &scope)?;
                let mut pages = receipts_each(&[self], &window, &Selected::of(ctx), &rows).await?;
                pages.pop().unwrap_or_else(|| window.page(Vec::new()))
            }
        };
        let (message, loaders) = (self.clone(), ctx.loaders().clone());
        let count = Arc::new(move || {
            let (message, loaders) = (message.clone(), loaders.clone());
            async move { Ok(message.reach(&loaders).await?.delivered) }.boxed()
        });
        let key = |receipt: &MessageReceipt| serde_json::json!([receipt.receipt().joined_at, receipt.receipt().user]);
        Ok(Connection::new(page, &scope, key, |receipt| receipt, count))
    }

    /// How many of those in `receipts` have received it, read or not: the length of the list.
    async fn delivered_count(&self, ctx: &Context<'_>) -> Result<i64> {
        Ok(self.reach(ctx.loaders()).await?.delivered)
    }

    /// How many of those in `receipts` have read it.
    async fn read_count(&self, ctx: &Context<'_>) -> Result<i64> {
        Ok(self.reach(ctx.loaders()).await?.read)
    }

    /// The key its sender gave it, for the sender to match what was sent with what arrived; `null` for everybody else.
    #[graphql(directive = viewer_dependent::apply())]
    async fn client_id(&self, ctx: &Context<'_>) -> Option<&String> {
        let is_mine = self.0.row.sender_id.is_some_and(|sender| ctx.op().viewer.is(sender));
        self.0.row.client_id.as_ref().filter(|_| is_mine)
    }

    /// What a front end kept with it; a JSON object, empty once the message is deleted.
    fn metadata(&self) -> Json {
        Json(self.0.row.metadata.clone())
    }

    /// Grows by one with every change of the message, reactions and replies included.
    fn version(&self) -> i32 {
        self.0.row.version
    }

    /// When it was accepted.
    fn created_at(&self) -> DateTime {
        self.0.row.created_at.into()
    }

    /// When it was changed last.
    fn updated_at(&self) -> DateTime {
        self.0.row.updated_at.into()
    }
}

ready!(Message {
    id: |message| message.0.row.id;
    "seq": seq, "role": role, "type": message_type, "content": content, "threadCount": thread_count, "isPinned": is_pinned, "pinnedAt": pinned_at, "isEdited": is_edited, "editCount": edit_count, "editedAt": edited_at, "isDeleted": is_deleted, "deletedAt": deleted_at, "metadata": metadata, "version": version, "createdAt": created_at, "updatedAt": updated_at
} edges {
    "sender": |message| message.0.sender.get().map(one),
    "conversation": |message| message.0.conversation.get().map(one),
    "replyTo": |message| message.0.reply_to.get().map(one),
    "mentions": |message| message.0.mentions.get().map(|people| many(people)),
    "reactions": |message| message.0.reactions.get().map(|groups| many(groups)),
});
