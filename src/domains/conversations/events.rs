//! What happens in conversations. Payloads hold ids and numbers, never texts: whoever is told reads what they may see.

use chrono::{DateTime, Utc};
use entity::{
    conversation_member::Role,
    conversation_receipt::Kind,
    ids::{ConversationId, EventId, MessageId, UserId},
};
use serde::{Deserialize, Serialize};

use crate::{
    domains::users,
    platform::events::{IntoEvent, NewEvent},
};

/// The topic of a conversation.
pub fn topic(conversation: ConversationId) -> String {
    conversation.to_string()
}

/// The topic of the signals that somebody is writing; they travel beside the log.
pub fn typing_topic(conversation: ConversationId) -> String {
    format!("typing:{conversation}")
}

/// The topic of the signals that somebody is no longer a member; they are told beside the log too, because a foreign transaction may
/// hold that up, and who is out must not see meanwhile who is writing.
pub fn gone_topic(conversation: ConversationId, user: UserId) -> String {
    format!("gone:{conversation}:{user}")
}

macro_rules! conversation_events {
    ($($(#[$doc:meta])* $name:ident = $kind:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        /// Something happened in a conversation; told on its topic.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        pub enum ConversationEvent {$(
            $(#[$doc])*
            #[serde(rename = $kind)]
            $name {
                /// Where.
                conversation: ConversationId,
                $($(#[$field_doc])* $field: $type,)*
            },
        )*}

        impl ConversationEvent {
            /// Where it happened.
            pub fn conversation(&self) -> ConversationId {
                match self { $(Self::$name { conversation, .. } => *conversation,)* }
            }

            /// Its name in the log.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$name { .. } => $kind,)* }
            }
        }
    };
}

conversation_events! {
    /// A message was accepted.
    MessageSent = "message.sent" {
        /// Which.
        message: MessageId,
        /// Its number.
        seq: i64,
    }
    /// A message got another text.
    MessageEdited = "message.edited" {
        /// Which.
        message: MessageId,
        /// Its number.
        seq: i64,
    }
    /// A message was taken away.
    MessageDeleted = "message.deleted" {
        /// Which.
        message: MessageId,
        /// Its number.
        seq: i64,
    }
    /// A message was pinned or unpinned.
    MessagePinned = "message.pinned" {
        /// Which.
        message: MessageId,
        /// Whether it is pinned now.
        pinned: bool,
    }
    /// Somebody reacted to a message, or took a reaction back.
    ReactionsChanged = "message.reactions" {
        /// Which.
        message: MessageId,
    }
    /// A member has read or received further.
    ReceiptMoved = "conversation.receipt" {
        /// Who.
        user: UserId,
        /// Read or received.
        receipt: Kind,
        /// Up to which number.
        seq: i64,
    }
    /// Name, description, ceiling, visibility or metadata changed, or it was archived or taken out again.
    ConversationUpdated = "conversation.updated" {
        /// To which version.
        version: i32,
    }
    /// The conversation is gone, with its members and messages.
    ConversationDeleted = "conversation.deleted" {}
    /// Somebody became a member.
    MemberJoined = "member.joined" {
        /// Who.
        user: UserId,
        /// As what.
        role: Role,
    }
    /// Somebody is no longer a member.
    MemberLeft = "member.left" {
        /// Who.
        user: UserId,
        /// By somebody else's hand.
        removed: bool,
    }
    /// A member's role changed.
    MemberRoleChanged = "member.role_changed" {
        /// Who.
        user: UserId,
        /// To what.
        role: Role,
    }
}

impl ConversationEvent {
    /// It is about messages, rather than about the conversation and who belongs to it.
    pub fn is_of_messages(&self) -> bool {
        match self {
            Self::MessageSent { .. }
            | Self::MessageEdited { .. }
            | Self::MessageDeleted { .. }
            | Self::MessagePinned { .. }
            | Self::ReactionsChanged { .. }
            | Self::ReceiptMoved { .. } => true,
            Self::ConversationUpdated { .. }
            | Self::ConversationDeleted { .. }
            | Self::MemberJoined { .. }
            | Self::MemberLeft { .. }
            | Self::MemberRoleChanged { .. } => false,
        }
    }
}

impl IntoEvent for ConversationEvent {
    fn signal(&self) -> Option<String> {
        match self {
            Self::MemberLeft { conversation, user, .. } => Some(gone_topic(*conversation, *user)),
            _ => None,
        }
    }

    fn into_event(self, id: EventId, at: DateTime<Utc>) -> NewEvent {
        let payload = serde_json::to_value(&self).unwrap_or_default();
        NewEvent { id, topic: topic(self.conversation()), kind: self.kind(), payload, created_at: at }
    }
}

/// A person's set of conversations changed, or what they set for one of them; told on the person's own topic, so that an inbox learns
/// which topics it consists of, and nobody else what is theirs alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum InboxEvent {
    /// The person belongs to it now.
    #[serde(rename = "conversation.added")]
    Added {
        /// Who.
        user: UserId,
        /// To which.
        conversation: ConversationId,
    },
    /// The person belongs to it no longer.
    #[serde(rename = "conversation.removed")]
    Removed {
        /// Who.
        user: UserId,
        /// From which.
        conversation: ConversationId,
    },
    /// The person silenced it, or no longer.
    #[serde(rename = "conversation.muted")]
    Muted {
        /// Who.
        user: UserId,
        /// Which.
        conversation: ConversationId,
    },
}

impl InboxEvent {
    /// The names in the log of what changes the set.
    pub const MEMBERSHIP: [&'static str; 2] = ["conversation.added", "conversation.removed"];
}

impl IntoEvent for InboxEvent {
    fn into_event(self, id: EventId, at: DateTime<Utc>) -> NewEvent {
        let (kind, user) = match &self {
            Self::Added { user, .. } => ("conversation.added", *user),
            Self::Removed { user, .. } => ("conversation.removed", *user),
            Self::Muted { user, .. } => ("conversation.muted", *user),
        };
        let payload = serde_json::to_value(&self).unwrap_or_default();
        NewEvent { id, topic: users::topic(user), kind, payload, created_at: at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_read_themselves_back_and_name_their_kind() {
        let (conversation, user) = (ConversationId(uuid::Uuid::from_u128(1)), UserId(uuid::Uuid::from_u128(2)));
        for event in [
            ConversationEvent::MessageSent { conversation, message: MessageId(uuid::Uuid::from_u128(3)), seq: 7 },
            ConversationEvent::ReceiptMoved { conversation, user, receipt: Kind::Delivered, seq: 4 },
            ConversationEvent::ConversationDeleted { conversation },
            ConversationEvent::MemberJoined { conversation, user, role: Role::Moderator },
        ] {
            let new = event.clone().into_event(EventId(uuid::Uuid::nil()), DateTime::UNIX_EPOCH);
            assert_eq!(new.topic, conversation.to_string());
            assert_eq!(new.payload["kind"], new.kind);
            assert_eq!(ConversationEvent::deserialize(&new.payload).unwrap(), event);
        }
        let added =
            InboxEvent::Added { user, conversation }.into_event(EventId(uuid::Uuid::nil()), DateTime::UNIX_EPOCH);
        assert_eq!((added.topic, added.kind), (user.to_string(), "conversation.added"));
        assert!(InboxEvent::deserialize(&added.payload).is_ok());
    }
}
