//! A message.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, ID, Object};
use entity::{ids::MessageId, message};
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
            loaders::{EditsOf, MembershipIn, MessageById, ReactionsTo, ReceiptsOf},
            model::mentions_of,
            store::{self, Of, Which},
        },
        users::{UserById, graphql::User},
    },
    graphql::{
        access::{Requires, access},
        loader::{ContextExt, Rows},
        node,
        page::{LiveConnection, Page, PageArgs, Scope},
        prefetch::{self, Selected, Slot, Slots},
        scalars::{DateTime, Json},
    },
};

/// What hangs on messages, loaded for whole lists.
mod ahead;
pub(super) use ahead::list_each;

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
    receipts: Slot<Vec<MessageReceipt>>,
    edits: Slot<Vec<MessageEdit>>,
    replies: Slots<PageArgs, Listed>,
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
            receipts: Slot::new(),
            edits: Slot::new(),
            replies: Slots::default(),
        }))
    }

    /// A message by id; `None` when there is none the viewer may read.
    pub async fn find(ctx: &Context<'_>, id: MessageId) -> Result<Option<Self>> {
        Ok(ctx.loaders().load_one(MessageById(id)).await?.map(Self::new))
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
        match self.0.reactions.get() {
            Some(groups) => Ok(groups.clone()),
            None => {
                let rows = ctx.loaders().load_one(ReactionsTo(self.0.row.id)).await?;
                let groups = ReactionGroup::of(rows.unwrap_or_default());
                // Kept for the other field that asks for them.
                let _ = self.0.reactions.set(groups.clone());
                Ok(groups)
            }
        }
    }

    /// The page of replies, as rows.
    fn scope(id: MessageId) -> Scope {
        Scope::new("replies", id)
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
    async fn seq(&self) -> i64 {
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
    async fn role(&self) -> MessageRole {
        self.0.row.role.into()
    }

    /// What it carries.
    #[graphql(name = "type")]
    async fn message_type(&self) -> MessageType {
        self.0.row.message_type.into()
    }

    /// The text, as it was sent; empty once the message is deleted.
    async fn content(&self) -> &str {
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

    /// How many replies there are.
    async fn thread_count(&self) -> i32 {
        self.0.row.thread_count
    }

    /// The replies, oldest to newest; without `first` and `last`, the newest page.
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
        let scope = Self::scope(self.0.row.id);
        let listed = match self.0.replies.get(&args).await {
            Some(listed) => Listed::clone(&listed),
            None => {
                let listed = list(&rows, Of::Message(self.0.row.id), Which::default(), &args, &scope).await?;
                let all: Vec<&Self> = listed.page.rows.iter().collect();
                prefetch::prefetch(&all, &Selected::of(ctx).nodes(), &rows).await;
                listed
            }
        };
        let total = i64::from(self.0.row.thread_count);
        let count = Arc::new(move || std::future::ready(Ok(total)).boxed());
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
    async fn is_pinned(&self) -> bool {
        self.0.row.pinned_at.is_some()
    }

    /// When it was pinned.
    async fn pinned_at(&self) -> Option<DateTime> {
        self.0.row.pinned_at.map(DateTime)
    }

    /// Its text has been changed.
    async fn is_edited(&self) -> bool {
        self.0.row.edit_count > 0
    }

    /// How often its text has been changed.
    async fn edit_count(&self) -> i32 {
        self.0.row.edit_count
    }

    /// When its text was changed last.
    async fn edited_at(&self) -> Option<DateTime> {
        self.0.row.edited_at.map(DateTime)
    }

    /// Its earlier texts, oldest first; none once it is deleted.
    async fn edits(&self, ctx: &Context<'_>) -> Result<Vec<MessageEdit>> {
        if let Some(edits) = self.0.edits.get() {
            return Ok(edits.clone());
        }
        if self.0.row.edit_count == 0 {
            return Ok(Vec::new());
        }
        let edits = ctx.loaders().load_one(EditsOf(self.0.row.id)).await?.unwrap_or_default();
        Ok(edits.into_iter().map(MessageEdit::from).collect())
    }

    /// It was taken away: the text is gone, the place and the number stay.
    async fn is_deleted(&self) -> bool {
        self.0.row.deleted_at.is_some()
    }

    /// When it was taken away.
    async fn deleted_at(&self) -> Option<DateTime> {
        self.0.row.deleted_at.map(DateTime)
    }

    /// Why it was taken away, if somebody said so.
    #[graphql(directive = access::apply(Requires::Moderator))]
    async fn deletion_reason(&self, ctx: &Context<'_>) -> Result<Option<&String>> {
        let member = ctx.loaders().load_one(MembershipIn(self.0.row.conversation_id)).await?;
        if member.is_some_and(|member| member.role >= entity::conversation_member::Role::Moderator) {
            return Ok(self.0.row.deletion_reason.as_ref());
        }
        Err(Error::denied("Only moderators and owners of the conversation may see why a message was deleted."))
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

    /// The reactions, grouped by emoji; the emoji that came first first.
    async fn reactions(&self, ctx: &Context<'_>) -> Result<Vec<ReactionGroup>> {
        self.groups(ctx).await
    }

    /// How many reactions there are, over all emoji.
    async fn reaction_count(&self, ctx: &Context<'_>) -> Result<usize> {
        Ok(self.groups(ctx).await?.iter().map(ReactionGroup::count).sum())
    }

    /// Who has received and read it, and when; the sender is left out, and so is who has neither.
    async fn receipts(&self, ctx: &Context<'_>) -> Result<Vec<MessageReceipt>> {
        if let Some(receipts) = self.0.receipts.get() {
            return Ok(receipts.clone());
        }
        let receipts = ctx.loaders().load_one(ReceiptsOf(self.0.row.id)).await?.unwrap_or_default();
        Ok(receipts.into_iter().map(MessageReceipt::from).collect())
    }

    /// The key its sender gave it, for the sender to match what was sent with what arrived; `null` for everybody else.
    async fn client_id(&self, ctx: &Context<'_>) -> Option<&String> {
        let is_mine = self.0.row.sender_id.is_some_and(|sender| ctx.op().viewer.is(sender));
        self.0.row.client_id.as_ref().filter(|_| is_mine)
    }

    /// What a front end kept with it; a JSON object, empty once the message is deleted.
    async fn metadata(&self) -> Json {
        Json(self.0.row.metadata.clone())
    }

    /// Grows by one with every change of the message, reactions and replies included.
    async fn version(&self) -> i32 {
        self.0.row.version
    }

    /// When it was accepted.
    async fn created_at(&self) -> DateTime {
        self.0.row.created_at.into()
    }

    /// When it was changed last.
    async fn updated_at(&self) -> DateTime {
        self.0.row.updated_at.into()
    }
}
