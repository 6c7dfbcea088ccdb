//! What can go wrong with conversations.

use crate::base::error::{Code, Error};

/// Faults of this room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConversationError {
    /// No such conversation, or none the viewer may know of.
    NotFound,
    /// No such message, or none the viewer may know of.
    MessageNotFound,
    /// No such person.
    UserNotFound,
    /// The conversation may be seen, and is for its members.
    NotMember,
    /// The viewer was a member until now.
    NoLongerMember,
    /// The named person is not a member.
    TargetNotMember,
    /// One of the two has blocked the other.
    Blocked,
    /// The text is longer than a message may be.
    TooLong {
        /// Characters at most.
        max: usize,
        /// Characters sent.
        actual: usize,
    },
    /// It changed since the viewer read it.
    Stale,
    /// Another message of the sender has this key.
    ClientIdTaken,
    /// A direct conversation is its two people, for good.
    DirectIsFixed,
    /// Only rooms have members that come and go.
    NotARoom,
    /// People do not write to each other in a conversation with the assistant.
    WithAssistant,
    /// The viewer was shown out, and does not come back by themselves.
    Banned,
    /// Nothing new is said in it.
    Archived,
    /// The ceiling is reached.
    Full,
    /// The ceiling would be below the number of members.
    CeilingTooLow,
    /// An owner must hand over before leaving.
    HandOverFirst,
    /// The last owner stays one.
    LastOwner,
    /// One leaves, one is not removed, by oneself.
    RemoveOneself,
    /// One does not write to oneself.
    Oneself,
    /// The message was taken away.
    Deleted,
    /// The emoji on a message are bounded.
    TooManyEmoji,
    /// A conversation's pins are bounded.
    TooManyPins,
}

impl From<ConversationError> for Error {
    #[track_caller]
    fn from(error: ConversationError) -> Self {
        use ConversationError as E;
        match error {
            E::NotFound => Self::new(Code::RoomNotFound, "There is no such conversation."),
            E::MessageNotFound => Self::not_found("There is no such message."),
            E::UserNotFound => Self::not_found("There is no such person.").with_field("input.userId"),
            E::NotMember => Self::denied("Only members of this conversation may do this."),
            E::NoLongerMember => Self::denied("You are no longer a member of this conversation."),
            E::TargetNotMember => {
                Self::not_found("This person is not a member of the conversation.").with_field("input.userId")
            }
            E::Blocked => Self::new(Code::UserBlocked, "One of you has blocked the other, so this is not possible."),
            E::TooLong { max, actual } => {
                Self::new(Code::MessageTooLong, format!("A message takes at most {max} characters, this has {actual}."))
                    .with_field("input.content")
                    .with_details(serde_json::json!({
                        "field": "input.content",
                        "reason": "TOO_LONG",
                        "maxLength": max,
                        "actualLength": actual,
                    }))
            }
            E::Stale => Self::conflict("It has changed since you read it; read it again and repeat your change."),
            E::ClientIdTaken => {
                Self::conflict("You have sent another message with this clientId; give each message its own.")
                    .with_field("input.clientId")
            }
            E::DirectIsFixed => {
                Self::rule("A direct conversation is its two people: it is not renamed, left, added to or deleted.")
            }
            E::NotARoom => Self::rule("Only rooms have members who come and go."),
            E::WithAssistant => Self::rule("This is a conversation with the assistant, not with people."),
            E::Banned => {
                Self::denied("You were removed from this room: one of its moderators or owners has to bring you back.")
            }
            E::Archived => Self::rule("This conversation is archived: it can be read, and nothing is added to it."),
            E::Full => Self::rule("The room has as many members as it may have."),
            E::CeilingTooLow => {
                Self::rule("The room has more members than that already.").with_field("input.maxMembers")
            }
            E::HandOverFirst => Self::rule("Make somebody else an owner before you leave."),
            E::LastOwner => Self::rule("A room always keeps an owner: make somebody else one first."),
            E::RemoveOneself => Self::rule("Use leaveConversation to leave.").with_field("input.userId"),
            E::Oneself => Self::rule("There is no direct conversation with oneself.").with_field("input.userId"),
            E::Deleted => Self::rule("The message has been deleted."),
            E::TooManyEmoji => Self::rule("This message has as many different emoji as it may have; use one of them.")
                .with_field("input.emoji"),
            E::TooManyPins => Self::rule("As many messages are pinned here as may be; unpin one first."),
        }
    }
}
