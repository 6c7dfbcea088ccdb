//! What the subscriptions of this room tell: every event gives the state as it is, so that hearing one twice changes nothing.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{ComplexObject, Context, ID, Interface, SimpleObject};
use entity::ids::{ConversationId, MessageId, UserId};

use super::{
    Conversation, Message,
    enums::{ConversationRole, ReceiptKind},
};
use crate::{
    base::error::Result,
    domains::{
        conversations::{
            events::ConversationEvent as Happened,
            listen::{InboxNotice, InboxTold},
        },
        users::graphql::User,
    },
    graphql::{loader::Rows, node, scalars::DateTime},
    platform::events::Event,
};

macro_rules! message_events {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(SimpleObject)]
        pub struct $name {
            /// Resume behind it: give it as `after`.
            pub cursor: String,
            /// The message as it is now.
            pub message: Message,
        }
    )*};
}

message_events! {
    /// A message was accepted. Under a `clientId` it comes once.
    MessageSent;
    /// A message got another text.
    MessageEdited;
    /// A message was taken away.
    MessageDeleted;
    /// A message was pinned or unpinned; `message.isPinned` tells which.
    MessagePinned;
    /// Somebody reacted to a message, or took a reaction back.
    ReactionsChanged;
}

/// A member has read or received further.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ReceiptMoved {
    /// Resume behind it: give it as `after`.
    pub cursor: String,
    /// Read or received.
    pub kind: ReceiptKind,
    /// Up to the message with this number.
    pub seq: i64,
    /// When.
    pub at: DateTime,
    #[graphql(skip)]
    user_id: UserId,
}

#[ComplexObject]
impl ReceiptMoved {
    /// Who; `null` when the account is gone.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        User::load(ctx, self.user_id).await
    }
}

/// Something happened to the messages of a conversation.
#[derive(Interface)]
#[graphql(field(name = "cursor", ty = "&String", desc = "Resume behind it: give it as `after`."))]
pub enum MessageEvent {
    /// A message was accepted.
    Sent(MessageSent),
    /// A message got another text.
    Edited(MessageEdited),
    /// A message was taken away.
    Deleted(MessageDeleted),
    /// A message was pinned or unpinned.
    Pinned(MessagePinned),
    /// Reactions changed.
    Reactions(ReactionsChanged),
    /// A mark moved.
    Receipt(ReceiptMoved),
}

/// Turns what was heard into events, with one statement for all messages. What the viewer may read no longer is left out; why, comes
/// behind it.
pub(super) async fn message_events(rows: Rows, heard: Vec<Arc<Event>>) -> Result<Vec<MessageEvent>> {
    let found = messages_of(&rows, &heard).await?;
    Ok(heard.iter().filter_map(|event| message_event(&found, event)).collect())
}

/// The messages that what was heard is about.
pub(super) async fn messages_of(rows: &Rows, heard: &[Arc<Event>]) -> Result<HashMap<MessageId, Message>> {
    let ids: Vec<MessageId> = heard.iter().filter_map(|event| message_of(&*event.facts()?)).collect();
    if ids.is_empty() { Ok(HashMap::new()) } else { Message::load_many(rows, ids).await }
}

fn message_of(event: &Happened) -> Option<MessageId> {
    match event {
        Happened::MessageSent { message, .. }
        | Happened::MessageEdited { message, .. }
        | Happened::MessageDeleted { message, .. }
        | Happened::MessagePinned { message, .. }
        | Happened::ReactionsChanged { message, .. } => Some(*message),
        _ => None,
    }
}

/// What is told of one event, if anything.
pub(super) fn message_event(found: &HashMap<MessageId, Message>, event: &Event) -> Option<MessageEvent> {
    let happened = event.facts::<Happened>()?;
    let cursor = event.cursor().to_string();
    if let Happened::ReceiptMoved { user, receipt, seq, .. } = *happened {
        let (kind, at) = (receipt.into(), event.created_at.into());
        return Some(MessageEvent::Receipt(ReceiptMoved { cursor, kind, seq, at, user_id: user }));
    }
    let message = found.get(&message_of(&happened)?)?.clone();
    match *happened {
        Happened::MessageSent { .. } => Some(MessageEvent::Sent(MessageSent { cursor, message })),
        Happened::MessageEdited { .. } => Some(MessageEvent::Edited(MessageEdited { cursor, message })),
        Happened::MessageDeleted { .. } => Some(MessageEvent::Deleted(MessageDeleted { cursor, message })),
        Happened::MessagePinned { .. } => Some(MessageEvent::Pinned(MessagePinned { cursor, message })),
        Happened::ReactionsChanged { .. } => Some(MessageEvent::Reactions(ReactionsChanged { cursor, message })),
        _ => None,
    }
}

macro_rules! conversation_events {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(SimpleObject)]
        pub struct $name {
            /// Resume behind it: give it as `after`.
            pub cursor: String,
            /// The conversation as it is now.
            pub conversation: Option<Conversation>,
        }
    )*};
}

conversation_events! {
    /// The viewer belongs to it now.
    ConversationAdded;
    /// Name, description, ceiling, visibility or metadata changed, or it was archived or taken out again.
    ConversationUpdated;
    /// A message was accepted, or the newest one changed or was deleted: `lastMessage`, `lastActivityAt` and `unreadCount` may differ.
    ConversationActivity;
    /// The viewer has read further, here or on another device: `unreadCount` may differ.
    ConversationRead;
    /// The viewer silenced it or no longer, here or on another device: `mutedUntil` may differ. Nobody else is told. That the moment
    /// has come is no event.
    ConversationMuted;
}

/// The viewer belongs to it no longer: left, removed, or the conversation was deleted.
#[derive(SimpleObject)]
pub struct ConversationRemoved {
    /// Resume behind it: give it as `after`.
    pub cursor: String,
    /// Always `null`: it is out of sight.
    pub conversation: Option<Conversation>,
    /// The id of the conversation.
    pub conversation_id: ID,
}

/// Somebody else became a member.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct MemberJoined {
    /// Resume behind it: give it as `after`.
    pub cursor: String,
    /// The conversation as it is now.
    pub conversation: Option<Conversation>,
    /// As what they came in.
    pub role: ConversationRole,
    #[graphql(skip)]
    user_id: UserId,
}

#[ComplexObject]
impl MemberJoined {
    /// Who; `null` when the account is gone.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        User::load(ctx, self.user_id).await
    }
}

/// Somebody else is no longer a member.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct MemberLeft {
    /// Resume behind it: give it as `after`.
    pub cursor: String,
    /// The conversation as it is now.
    pub conversation: Option<Conversation>,
    /// A moderator or owner showed them out.
    pub removed: bool,
    #[graphql(skip)]
    user_id: UserId,
}

#[ComplexObject]
impl MemberLeft {
    /// Who; `null` when the account is gone.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        User::load(ctx, self.user_id).await
    }
}

/// A member's role changed; perhaps the viewer's own.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct MemberRoleChanged {
    /// Resume behind it: give it as `after`.
    pub cursor: String,
    /// The conversation as it is now.
    pub conversation: Option<Conversation>,
    /// The role they had from then on.
    pub role: ConversationRole,
    #[graphql(skip)]
    user_id: UserId,
}

#[ComplexObject]
impl MemberRoleChanged {
    /// Who; `null` when the account is gone.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        User::load(ctx, self.user_id).await
    }
}

/// Something happened in one of the viewer's conversations.
#[derive(Interface)]
#[graphql(
    field(name = "cursor", ty = "&String", desc = "Resume behind it: give it as `after`."),
    field(
        name = "conversation",
        ty = "&Option<Conversation>",
        desc = "The conversation as it is now; `null` once it is out of the viewer's sight."
    )
)]
pub enum ConversationEvent {
    /// The viewer belongs to it now.
    Added(ConversationAdded),
    /// The viewer belongs to it no longer.
    Removed(ConversationRemoved),
    /// It, or what is set for it, changed.
    Updated(ConversationUpdated),
    /// Something was said.
    Activity(ConversationActivity),
    /// The viewer has read further.
    Read(ConversationRead),
    /// The viewer silenced it, or no longer.
    Muted(ConversationMuted),
    /// Somebody else came.
    Joined(MemberJoined),
    /// Somebody else went.
    Left(MemberLeft),
    /// Somebody has another role.
    Role(MemberRoleChanged),
}

/// Turns what was heard into events, with one statement for all conversations. What is out of the viewer's sight by now is left out;
/// that it is gone, comes behind it.
pub(super) async fn conversation_events(rows: Rows, heard: Vec<InboxNotice>) -> Result<Vec<ConversationEvent>> {
    let found = conversations_of(&rows, &heard).await?;
    Ok(heard.into_iter().filter_map(|notice| conversation_event(&found, notice)).collect())
}

/// The conversations that what was heard is about.
pub(super) async fn conversations_of(
    rows: &Rows,
    heard: &[InboxNotice],
) -> Result<HashMap<ConversationId, Conversation>> {
    let mut ids: Vec<ConversationId> = heard.iter().filter_map(|notice| conversation_of(&notice.told)).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() { Ok(HashMap::new()) } else { Conversation::load_many(rows, ids).await }
}

fn conversation_of(told: &InboxTold) -> Option<ConversationId> {
    match told {
        InboxTold::Added(id) => Some(*id),
        InboxTold::Muted(id) => Some(*id),
        InboxTold::Removed(_) => None,
        InboxTold::Event(event) => Some(event.conversation()),
    }
}

/// What is told of one notice, if anything.
pub(super) fn conversation_event(
    found: &HashMap<ConversationId, Conversation>,
    notice: InboxNotice,
) -> Option<ConversationEvent> {
    let InboxNotice { cursor, told } = notice;
    let event = match told {
        InboxTold::Removed(id) => {
            let gone = ConversationRemoved { cursor, conversation: None, conversation_id: node::id(id) };
            return Some(ConversationEvent::Removed(gone));
        }
        InboxTold::Added(id) => {
            let conversation = member_of(found, id)?;
            return Some(ConversationEvent::Added(ConversationAdded { cursor, conversation: Some(conversation) }));
        }
        InboxTold::Muted(id) => {
            let conversation = member_of(found, id)?;
            return Some(ConversationEvent::Muted(ConversationMuted { cursor, conversation: Some(conversation) }));
        }
        InboxTold::Event(event) => event,
    };
    let seen = member_of(found, event.conversation())?;
    let last_seq = seen.row().last_seq;
    let conversation = Some(seen);
    match event {
        Happened::MessageSent { .. } => {
            Some(ConversationEvent::Activity(ConversationActivity { cursor, conversation }))
        }
        // An older message is not what a list of conversations shows.
        Happened::MessageEdited { seq, .. } | Happened::MessageDeleted { seq, .. } => {
            (seq == last_seq).then_some(ConversationEvent::Activity(ConversationActivity { cursor, conversation }))
        }
        Happened::ReceiptMoved { .. } => Some(ConversationEvent::Read(ConversationRead { cursor, conversation })),
        Happened::ConversationUpdated { .. } => {
            Some(ConversationEvent::Updated(ConversationUpdated { cursor, conversation }))
        }
        Happened::MemberJoined { user, role, .. } => {
            let role = role.into();
            Some(ConversationEvent::Joined(MemberJoined { cursor, conversation, role, user_id: user }))
        }
        Happened::MemberLeft { user, removed, .. } => {
            Some(ConversationEvent::Left(MemberLeft { cursor, conversation, removed, user_id: user }))
        }
        Happened::MemberRoleChanged { user, role, .. } => {
            let role = role.into();
            Some(ConversationEvent::Role(MemberRoleChanged { cursor, conversation, role, user_id: user }))
        }
        Happened::MessagePinned { .. } | Happened::ReactionsChanged { .. } | Happened::ConversationDeleted { .. } => {
            None
        }
    }
}

/// A conversation the viewer still belongs to.
fn member_of(found: &HashMap<ConversationId, Conversation>, id: ConversationId) -> Option<Conversation> {
    found.get(&id).filter(|conversation| conversation.is_member()).cloned()
}

/// Somebody is writing in a conversation, or has stopped.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct TypingEvent {
    /// The conversation.
    pub conversation_id: ID,
    /// Writing, or no longer.
    pub typing: bool,
    /// When it ends by itself unless said again; `null` when no longer writing.
    pub expires_at: Option<DateTime>,
    #[graphql(skip)]
    pub(super) user_id: UserId,
}

#[ComplexObject]
impl TypingEvent {
    /// Who; `null` when the account is gone.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        User::load(ctx, self.user_id).await
    }
}
