//! Pure rules of conversations and messages.

use std::collections::{HashMap, HashSet};

use entity::{
    conversation,
    conversation::{Kind, Visibility},
    conversation_member,
    conversation_member::Role,
    ids::UserId,
    message,
};
use serde_json::Value;
use uuid::Uuid;

use super::error::ConversationError;
use crate::{
    access::Viewer,
    base::{
        error::Result,
        text::{Checks, is_invisible},
    },
};

/// People who come along when a room is made.
pub const FIRST_MEMBERS: usize = 100;
/// Members a room takes when nobody says.
pub const DEFAULT_CEILING: i32 = 50;
/// People a message mentions at most; further names are plain text.
pub const MENTIONS: usize = 50;
/// Bytes of a message's metadata, as JSON text.
pub const METADATA_BYTES: usize = 4 * 1024;
/// Different emoji on one message, whoever put them there: its reactions are read without pages.
pub const EMOJI: u64 = 20;
/// Pinned messages of a conversation.
pub const PINS: u64 = 50;

/// A conversation as a viewer sees it: the row, and the viewer's own membership if there is one.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The row.
    pub row: conversation::Model,
    /// The viewer's membership.
    pub member: Option<conversation_member::Model>,
}

/// What policies judge: a conversation and how the viewer stands in it.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The conversation.
    pub conversation: conversation::Model,
    /// The viewer's membership.
    pub member: Option<conversation_member::Model>,
    /// In a direct conversation, one has blocked the other.
    pub is_blocked: bool,
    /// The viewer was shown out of it.
    pub is_banned: bool,
}

impl Standing {
    /// As a viewer sees it.
    pub fn into_seen(self) -> Seen {
        Seen { row: self.conversation, member: self.member }
    }
}

/// A message and how the viewer stands in its conversation.
#[derive(Clone, Debug)]
pub struct Spot {
    /// The conversation.
    pub standing: Standing,
    /// The message.
    pub message: message::Model,
}

/// Where a viewer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// May not know of it.
    Outside,
    /// Sees the public room from the door.
    Door,
    /// A member, with this role.
    Inside(Role),
}

impl Place {
    /// The viewer's place in a conversation.
    pub fn of(viewer: &Viewer, row: &conversation::Model, member: Option<&conversation_member::Model>) -> Self {
        if matches!(viewer, Viewer::System(_)) {
            return Self::Inside(Role::Owner);
        }
        match member {
            Some(member) if viewer.is(member.user_id) && member.conversation_id == row.id => Self::Inside(member.role),
            _ if row.kind == Kind::Room && row.visibility == Visibility::Public && viewer.id().is_some() => Self::Door,
            _ => Self::Outside,
        }
    }
}

/// The two people of a direct conversation as one key, smaller id first.
pub fn direct_key(one: UserId, other: UserId) -> String {
    let (smaller, larger) = if one < other { (one, other) } else { (other, one) };
    format!("{}:{}", smaller.0, larger.0)
}

/// The other person of a direct conversation.
pub fn other_of(row: &conversation::Model, me: UserId) -> Option<UserId> {
    let (smaller, larger) = row.direct_key.as_deref()?.split_once(':')?;
    let (smaller, larger) = (UserId(Uuid::parse_str(smaller).ok()?), UserId(Uuid::parse_str(larger).ok()?));
    Some(if smaller == me { larger } else { smaller })
}

/// A text fit to be a message. It is kept as it was sent.
pub fn check_content(content: &str, max: usize) -> Result<()> {
    let actual = content.chars().count();
    if actual > max {
        return Err(ConversationError::TooLong { max, actual }.into());
    }
    let mut checks = Checks::new();
    if content.chars().all(is_invisible) {
        checks.fault("content", format!("takes 1 to {max} characters that are not all blank"));
    } else if content.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        checks.fault("content", "takes no control characters other than line breaks and tabs");
    }
    checks.finish()
}

/// Metadata is a small JSON object.
pub fn check_metadata(checks: &mut Checks, metadata: &Value) {
    if !metadata.is_object() || metadata.to_string().len() > METADATA_BYTES {
        checks.fault("metadata", "takes a JSON object of at most 4 KiB");
    }
}

/// An emoji, or its short name.
pub fn check_emoji(emoji: &str) -> Result<()> {
    let mut checks = Checks::new();
    if !(1..=50).contains(&emoji.chars().count()) || emoji.chars().any(|c| c.is_whitespace() || c.is_control()) {
        checks.fault("emoji", "takes 1 to 50 characters without spaces");
    } else if emoji.chars().all(is_invisible) {
        checks.fault("emoji", "takes at least one character that can be seen");
    }
    checks.finish()
}

/// The members among the people whose names were written with @, in the order of the text. Each was written in one of several ways, of
/// which the first that names a member counts.
pub fn mentioned(written: &[Vec<String>], known: &HashMap<String, UserId>, members: &HashSet<UserId>) -> Vec<UserId> {
    let mut seen = HashSet::new();
    let member = |name: &String| known.get(name).copied().filter(|id| members.contains(id));
    let people = written.iter().filter_map(|names| names.iter().find_map(member));
    people.filter(|id| seen.insert(*id)).take(MENTIONS).collect()
}

/// The people a message mentions.
pub fn mentions_of(row: &message::Model) -> Vec<UserId> {
    serde_json::from_value(row.mentions.clone()).unwrap_or_default()
}

/// Whether a member may go, given how many owners and members there are.
pub fn may_leave(role: Role, owners: u64, members: i32) -> Result<(), ConversationError> {
    if role == Role::Owner && owners < 2 && members > 1 { Err(ConversationError::HandOverFirst) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: u128) -> UserId {
        UserId(Uuid::from_u128(id))
    }

    #[test]
    fn a_pair_has_one_key() {
        assert_eq!(direct_key(user(1), user(2)), direct_key(user(2), user(1)));
    }

    #[test]
    fn only_members_are_mentioned_once_and_in_order() {
        let known =
            HashMap::from([("bob".to_owned(), user(1)), ("zoe".to_owned(), user(2)), ("eve".to_owned(), user(3))]);
        let members = HashSet::from([user(1), user(2)]);
        let names = ["zoe", "nobody", "eve", "bob", "zoe"].map(|name| vec![name.to_owned()]);
        assert_eq!(mentioned(&names, &known, &members), [user(2), user(1)]);
        // Of the ways to read one name, the first that is a member's.
        let written = ["eve", "bob", "zoe"].map(str::to_owned).to_vec();
        assert_eq!(mentioned(&[written], &known, &members), [user(1)]);
    }

    #[test]
    fn texts() {
        use crate::base::error::Code;
        assert!(check_content("hello\n\tworld", 20).is_ok());
        for blank in [" \n ", "\u{200b}", "\u{2800}\u{fe0f}\n"] {
            assert_eq!(check_content(blank, 20).unwrap_err().code(), Code::ValidationFailed, "{blank:?}");
        }
        assert_eq!(check_content("a\u{7}", 20).unwrap_err().code(), Code::ValidationFailed);
        let error = check_content("ééééé", 4).unwrap_err();
        assert_eq!(error.code(), Code::MessageTooLong);
        assert_eq!(error.details().unwrap()["actualLength"], 5);
        assert!(check_emoji("👍🏽").is_ok() && check_emoji("👩\u{200d}🚀").is_ok() && check_emoji("❤\u{fe0f}").is_ok());
        assert!(check_emoji("\u{200b}").is_err() && check_emoji("\u{200d}\u{fe0f}").is_err());
        assert!(check_emoji("a b").is_err() && check_emoji("").is_err());
    }

    #[test]
    fn the_last_owner_stays_unless_alone() {
        assert!(may_leave(Role::Owner, 1, 2).is_err());
        assert!(may_leave(Role::Owner, 2, 2).is_ok());
        assert!(may_leave(Role::Owner, 1, 1).is_ok());
        assert!(may_leave(Role::Moderator, 1, 9).is_ok());
    }
}
