//! Bringing somebody in.

use entity::{
    conversation_member::{self, Role},
    ids::{ConversationId, UserId},
};

use crate::{
    access::Op,
    base::error::{Error, Result},
    domains::{
        conversations::{
            error::ConversationError,
            events::{ConversationEvent, InboxEvent},
            model::Seen,
            policy::{AddMember, Adding},
            store,
        },
        users,
    },
};

/// Adds somebody to a room, also one who was removed from it. Again with the same role is harmless.
///
/// # Errors
/// ROOM_NOT_FOUND, PERMISSION_DENIED, NOT_FOUND for somebody who does not exist, USER_BLOCKED, BUSINESS_RULE_VIOLATION when the
/// room is full or archived, RESOURCE_CONFLICT for a member with another role.
pub async fn add_member(
    op: &Op,
    id: ConversationId,
    user: UserId,
    role: Role,
) -> Result<(Seen, conversation_member::Model)> {
    let me = op.viewer.person()?.id;
    op.write(async |tx| {
        let standing = store::lock(tx, &op.viewer, id).await?;
        let permit = op.permit::<AddMember, _>(Adding { standing, role })?;
        let standing = &permit.row().standing;
        if let Some(member) = store::member(tx, id, user).await? {
            if member.role != role {
                return Err(Error::conflict(
                    "This person is a member with another role; use updateConversationMember.",
                )
                .with_field("input.role"));
            }
            return Ok((permit.into_row().standing.into_seen(), member));
        }
        if users::by_ids(tx, &[user]).await?.is_empty() {
            return Err(ConversationError::UserNotFound.into());
        }
        if !users::blocked_between(tx, me, &[user]).await?.is_empty() {
            return Err(ConversationError::Blocked.into());
        }
        if standing.conversation.member_count >= standing.conversation.max_members {
            return Err(ConversationError::Full.into());
        }
        let added = store::add(tx, permit, user).await?;
        tx.emit(ConversationEvent::MemberJoined { conversation: id, user, role });
        tx.emit(InboxEvent::Added { user, conversation: id });
        Ok(added)
    })
    .await
}
