//! Inputs and payloads about conversations and their members.

use async_graphql::{ID, InputObject, MaybeUndefined, SimpleObject};
use entity::ids::{ConversationId, MessageId, UserId};

use super::{
    Conversation, ConversationMember,
    enums::{ConversationKind, ConversationRole, ConversationVisibility},
};
use crate::{
    domains::conversations::RoomChange,
    graphql::{
        node::GlobalId,
        scalars::{DateTime, Json},
    },
};

/// A room to be made.
#[derive(InputObject)]
pub struct CreateConversationInput {
    /// Takes ROOM only; direct conversations open with `openDirectConversation`.
    #[graphql(default_with = "Some(ConversationKind::Room)")]
    pub kind: Option<ConversationKind>,
    /// 1 to 255 characters.
    pub name: String,
    /// At most 2000 characters.
    pub description: Option<String>,
    /// Who may find it.
    #[graphql(default_with = "Some(ConversationVisibility::Private)")]
    pub visibility: Option<ConversationVisibility>,
    /// How many members it takes, 2 to 10000; 50 unless said.
    pub max_members: Option<i32>,
    /// People who come along as members, at most 100. Somebody the viewer has blocked, or who has blocked the viewer, is
    /// USER_BLOCKED.
    pub member_ids: Option<Vec<GlobalId<UserId>>>,
    /// What a front end wants kept with it: a JSON object of at most 4 KiB.
    pub metadata: Option<Json>,
}

/// The new room.
#[derive(SimpleObject)]
pub struct CreateConversationPayload {
    /// The room; the viewer is its owner.
    pub conversation: Conversation,
}

/// With whom to talk.
#[derive(InputObject)]
pub struct OpenDirectConversationInput {
    /// The other person.
    pub user_id: GlobalId<UserId>,
}

/// The direct conversation of the two.
#[derive(SimpleObject)]
pub struct OpenDirectConversationPayload {
    /// The conversation, the same every time.
    pub conversation: Conversation,
}

/// What to change in a room. A field that is left out stays as it is.
#[derive(InputObject)]
pub struct UpdateConversationInput {
    /// The room.
    pub conversation_id: GlobalId<ConversationId>,
    /// 1 to 255 characters.
    name: Option<String>,
    /// At most 2000 characters; `null` or empty empties it.
    description: MaybeUndefined<String>,
    /// Who may find it. Only an owner makes a private room PUBLIC; a moderator may close it.
    visibility: Option<ConversationVisibility>,
    /// How many members it takes, 2 to 10000 and not fewer than it has.
    max_members: Option<i32>,
    /// What a front end wants kept with it, in place of what was: a JSON object of at most 4 KiB.
    metadata: Option<Json>,
    /// The `version` the change was made from; another answers RESOURCE_CONFLICT.
    expected_version: Option<i32>,
}

impl From<UpdateConversationInput> for RoomChange {
    fn from(input: UpdateConversationInput) -> Self {
        Self {
            name: input.name,
            description: match input.description {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(text) => Some(Some(text)),
            },
            visibility: input.visibility.map(Into::into),
            max_members: input.max_members,
            metadata: input.metadata.map(|metadata| metadata.0),
            expected_version: input.expected_version,
        }
    }
}

/// The changed room.
#[derive(SimpleObject)]
pub struct UpdateConversationPayload {
    /// The room.
    pub conversation: Conversation,
}

/// What to put aside, or to take out again.
#[derive(InputObject)]
pub struct SetConversationArchivedInput {
    /// The room.
    pub conversation_id: GlobalId<ConversationId>,
    /// Put aside, or no longer.
    pub archived: bool,
}

/// The room as it stands now.
#[derive(SimpleObject)]
pub struct SetConversationArchivedPayload {
    /// The room.
    pub conversation: Conversation,
}

/// What to silence, and until when.
#[derive(InputObject)]
pub struct MuteConversationInput {
    /// The conversation.
    pub conversation_id: GlobalId<ConversationId>,
    /// A moment to come, however far; `null` or nothing ends the silence.
    pub until: Option<DateTime>,
}

/// The conversation as it stands for the viewer now.
#[derive(SimpleObject)]
pub struct MuteConversationPayload {
    /// The conversation; `viewerMembership.mutedUntil` tells.
    pub conversation: Conversation,
}

/// What to delete.
#[derive(InputObject)]
pub struct DeleteConversationInput {
    /// The conversation.
    pub conversation_id: GlobalId<ConversationId>,
}

/// What is gone.
#[derive(SimpleObject)]
pub struct DeleteConversationPayload {
    /// The id of the conversation.
    pub conversation_id: ID,
}

/// Where to enter.
#[derive(InputObject)]
pub struct JoinConversationInput {
    /// The public room.
    pub conversation_id: GlobalId<ConversationId>,
}

/// The room entered.
#[derive(SimpleObject)]
pub struct JoinConversationPayload {
    /// The room.
    pub conversation: Conversation,
}

/// What to leave.
#[derive(InputObject)]
pub struct LeaveConversationInput {
    /// The room.
    pub conversation_id: GlobalId<ConversationId>,
}

/// The room left.
#[derive(SimpleObject)]
pub struct LeaveConversationPayload {
    /// The room, as it was when the viewer had gone.
    pub conversation: Conversation,
}

/// Whom to bring in.
#[derive(InputObject)]
pub struct AddConversationMemberInput {
    /// The room.
    pub conversation_id: GlobalId<ConversationId>,
    /// The person.
    pub user_id: GlobalId<UserId>,
    /// As what; more than MEMBER only by an owner.
    #[graphql(default_with = "Some(ConversationRole::Member)")]
    pub role: Option<ConversationRole>,
}

/// Who is in now.
#[derive(SimpleObject)]
pub struct AddConversationMemberPayload {
    /// The room.
    pub conversation: Conversation,
    /// The member.
    pub member: ConversationMember,
}

/// Whose role to change.
#[derive(InputObject)]
pub struct UpdateConversationMemberInput {
    /// The room.
    pub conversation_id: GlobalId<ConversationId>,
    /// The member.
    pub user_id: GlobalId<UserId>,
    /// The new role.
    pub role: ConversationRole,
}

/// Who has another role now.
#[derive(SimpleObject)]
pub struct UpdateConversationMemberPayload {
    /// The room.
    pub conversation: Conversation,
    /// The member.
    pub member: ConversationMember,
}

/// Whom to show out for good.
#[derive(InputObject)]
pub struct RemoveConversationMemberInput {
    /// The room.
    pub conversation_id: GlobalId<ConversationId>,
    /// The member.
    pub user_id: GlobalId<UserId>,
}

/// The room without them.
#[derive(SimpleObject)]
pub struct RemoveConversationMemberPayload {
    /// The room.
    pub conversation: Conversation,
}

/// How far the viewer has read.
#[derive(InputObject)]
pub struct MarkConversationReadInput {
    /// The conversation.
    pub conversation_id: GlobalId<ConversationId>,
    /// The newest message read; one of this conversation.
    pub up_to_message_id: GlobalId<MessageId>,
}

/// The conversation as it stands for the viewer now.
#[derive(SimpleObject)]
pub struct MarkConversationReadPayload {
    /// The conversation.
    pub conversation: Conversation,
}

/// How far messages have reached the viewer.
#[derive(InputObject)]
pub struct MarkMessagesDeliveredInput {
    /// The conversation.
    pub conversation_id: GlobalId<ConversationId>,
    /// The newest message received; one of this conversation.
    pub up_to_message_id: GlobalId<MessageId>,
}

/// The conversation as it stands for the viewer now.
#[derive(SimpleObject)]
pub struct MarkMessagesDeliveredPayload {
    /// The conversation.
    pub conversation: Conversation,
}

/// Whether the viewer is writing.
#[derive(InputObject)]
pub struct SetTypingInput {
    /// The conversation.
    pub conversation_id: GlobalId<ConversationId>,
    /// Writing, or no longer.
    pub typing: bool,
}

/// Until when it counts.
#[derive(SimpleObject)]
pub struct SetTypingPayload {
    /// Writing, or no longer.
    pub typing: bool,
    /// When it ends by itself unless said again; `null` when no longer writing.
    pub expires_at: Option<DateTime>,
}
