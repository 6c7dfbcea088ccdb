//! Inputs and payloads about messages.

use async_graphql::{InputObject, SimpleObject};
use entity::ids::{ConversationId, MessageId};

use super::Message;
use crate::{
    domains::conversations::{Correction, NewMessage},
    graphql::{node::GlobalId, scalars::Json},
};

/// A message to be sent.
#[derive(InputObject)]
pub struct SendMessageInput {
    /// Where.
    conversation_id: GlobalId<ConversationId>,
    /// 1 to 2000 characters that are not all blank, kept as sent. More is MESSAGE_TOO_LONG with `details { field reason maxLength
    /// actualLength }`. A member's @name is a mention; what a sentence ends in is no part of it, unless it is of the name.
    content: String,
    /// The message it replies to, of this conversation and not deleted. A reply to a reply stands under the first message.
    reply_to_id: Option<GlobalId<MessageId>>,
    /// A key of the client's making, 1 to 100 characters. Sending again with the same key and text answers with the first message
    /// rather than a second one, for good; another text under a used key is RESOURCE_CONFLICT.
    client_id: Option<String>,
    /// What a front end wants kept with it: a JSON object of at most 4 KiB.
    metadata: Option<Json>,
}

impl From<SendMessageInput> for NewMessage {
    fn from(input: SendMessageInput) -> Self {
        Self {
            conversation: *input.conversation_id,
            content: input.content,
            reply_to: input.reply_to_id.map(|id| *id),
            client_id: input.client_id,
            metadata: input.metadata.map(|metadata| metadata.0),
        }
    }
}

/// The message sent.
#[derive(SimpleObject)]
pub struct SendMessagePayload {
    /// The message.
    pub message: Message,
    /// It had been sent before under the same `clientId`; nothing new was written.
    pub is_duplicate: bool,
}

/// A correction.
#[derive(InputObject)]
pub struct EditMessageInput {
    /// The message; one of the viewer's own.
    message_id: GlobalId<MessageId>,
    /// The new text: 1 to 2000 characters that are not all blank, kept as sent. More is MESSAGE_TOO_LONG.
    content: String,
    /// Why, at most 500 characters.
    reason: Option<String>,
    /// The `version` the change was made from; another answers RESOURCE_CONFLICT.
    expected_version: Option<i32>,
}

impl From<EditMessageInput> for Correction {
    fn from(input: EditMessageInput) -> Self {
        Self {
            message: *input.message_id,
            content: input.content,
            reason: input.reason,
            expected_version: input.expected_version,
        }
    }
}

/// The corrected message.
#[derive(SimpleObject)]
pub struct EditMessagePayload {
    /// The message.
    pub message: Message,
}

/// What to take away.
#[derive(InputObject)]
pub struct DeleteMessageInput {
    /// The message.
    pub message_id: GlobalId<MessageId>,
    /// Why, at most 500 characters; moderators see it.
    pub reason: Option<String>,
}

/// What is left of it.
#[derive(SimpleObject)]
pub struct DeleteMessagePayload {
    /// The message, blanked.
    pub message: Message,
}

/// What to pin or unpin.
#[derive(InputObject)]
pub struct SetMessagePinnedInput {
    /// The message.
    pub message_id: GlobalId<MessageId>,
    /// Pinned, or no longer.
    pub pinned: bool,
}

/// The message.
#[derive(SimpleObject)]
pub struct SetMessagePinnedPayload {
    /// The message.
    pub message: Message,
}

/// What to react to, and how.
#[derive(InputObject)]
pub struct AddReactionInput {
    /// The message.
    pub message_id: GlobalId<MessageId>,
    /// An emoji or its short name: 1 to 50 characters without spaces.
    pub emoji: String,
}

/// The message reacted to.
#[derive(SimpleObject)]
pub struct AddReactionPayload {
    /// The message.
    pub message: Message,
}

/// What to take back.
#[derive(InputObject)]
pub struct RemoveReactionInput {
    /// The message.
    pub message_id: GlobalId<MessageId>,
    /// The emoji, as it was put there.
    pub emoji: String,
}

/// The message without it.
#[derive(SimpleObject)]
pub struct RemoveReactionPayload {
    /// The message.
    pub message: Message,
}
