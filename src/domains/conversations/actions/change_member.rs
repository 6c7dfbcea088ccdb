//! Giving a member another role.

use entity::{
    conversation_member::{self, Role},
    ids::{ConversationId, UserId},
};

use crate::{
    access::Op,
    base::error::Result,
    domains::conversations::{
        error::ConversationError, events::ConversationEvent, model::Seen, policy::ChangeMember, store,
    },
};

/// Gives a member another role. Again is harmless.
///
/// # Errors
/// ROOM_NOT_FOUND, PERMISSION_DENIED, NOT_FOUND for somebody who is no member, BUSINESS_RULE_VIOLATION when no owner would be left.
pub async fn change_member(
    op: &Op,
    id: ConversationId,
    user: UserId,
    role: Role,
) -> Result<(Seen, conversation_member::Model)> {
    op.viewer.person()?;
    op.write(async |tx| {
        let permit = op.permit::<ChangeMember, _>(store::lock(tx, &op.viewer, id).await?)?;
        let target = store::member(tx, id, user).await?.ok_or(ConversationError::TargetNotMember)?;
        if target.role == role {
            return Ok((permit.into_row().into_seen(), target));
        }
        if target.role == Role::Owner && store::owners(tx, id).await? < 2 {
            return Err(ConversationError::LastOwner.into());
        }
        let changed = store::change_role(tx, &permit, target, role).await?;
        tx.emit(ConversationEvent::MemberRoleChanged { conversation: id, user, role });
        let mut seen = permit.into_row().into_seen();
        if op.viewer.is(user) {
            seen.member = Some(changed.clone());
        }
        Ok((seen, changed))
    })
    .await
}
