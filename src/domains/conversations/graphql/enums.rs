//! The words of this room.

use async_graphql::Enum;

use crate::{domains::conversations::store::Filter, graphql::ready::enum_leaves};

enum_leaves!(ConversationKind, ConversationVisibility, ConversationRole, MessageRole, MessageType);

/// What kind of conversation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::conversation::Kind")]
pub enum ConversationKind {
    /// A room with a name, whose members come and go.
    Room,
    /// Two people, for good.
    Direct,
    /// One person and the assistant.
    Assistant,
}

/// Who may find a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::conversation::Visibility")]
pub enum ConversationVisibility {
    /// Everybody signed in finds it and may enter; what is said in it is for members.
    Public,
    /// To everybody but its members it does not exist.
    Private,
}

/// A member's standing in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::conversation_member::Role")]
pub enum ConversationRole {
    /// Reads, writes, reacts.
    Member,
    /// Also changes the room, brings people in, shows them out, and pins and deletes messages.
    Moderator,
    /// Also gives roles, makes the room public, archives and deletes it. A room with members always has an owner.
    Owner,
}

/// Which conversations, by how the viewer stands in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ConversationFilter {
    /// Those the viewer belongs to.
    Joined,
    /// Public rooms, joined or not.
    Public,
    /// Those the viewer belongs to and that are not public, direct conversations included.
    Private,
    /// Those the viewer owns.
    Owned,
}

impl From<ConversationFilter> for Filter {
    fn from(filter: ConversationFilter) -> Self {
        match filter {
            ConversationFilter::Joined => Self::Joined,
            ConversationFilter::Public => Self::Public,
            ConversationFilter::Private => Self::Private,
            ConversationFilter::Owned => Self::Owned,
        }
    }
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::message::Role")]
pub enum MessageRole {
    /// A person.
    User,
    /// The assistant.
    Assistant,
    /// The system itself.
    System,
}

/// What a message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::message::Type")]
pub enum MessageType {
    /// Text.
    Text,
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// A notice of the system.
    System,
}

/// What a member's mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "entity::conversation_receipt::Kind")]
pub enum ReceiptKind {
    /// Read up to there.
    Read,
    /// Received up to there.
    Delivered,
}
