//! Going.

use entity::{conversation_member::Role, ids::ConversationId};

use crate::{
    access::Op,
    base::error::Result,
    domains::conversations::{
        events::{ConversationEvent, InboxEvent},
        model::{Seen, may_leave},
        policy::Leave,
        store,
    },
};

/// Leaves a room. The last to leave takes it away.
///
/// # Errors
/// ROOM_NOT_FOUND, PERMISSION_DENIED for somebody who is no member, BUSINESS_RULE_VIOLATION for a direct conversation and for the
/// only owner among others.
pub async fn leave(op: &Op, id: ConversationId) -> Result<Seen> {
    let me = op.viewer.person()?.id;
    op.write(async |tx| {
        let permit = op.permit::<Leave, _>(store::lock(tx, &op.viewer, id).await?)?;
        let standing = permit.row();
        let role = standing.member.as_ref().map_or(Role::Member, |member| member.role);
        let members = standing.conversation.member_count;
        may_leave(role, store::owners(tx, id).await?, members)?;
        let is_last = members <= 1;
        let mut seen = store::leave(tx, permit, me).await?;
        tx.emit(ConversationEvent::MemberLeft { conversation: id, user: me, removed: false });
        tx.emit(InboxEvent::Removed { user: me, conversation: id });
        if is_last {
            seen = store::delete_empty(tx, seen).await?;
            tx.emit(ConversationEvent::ConversationDeleted { conversation: id });
        }
        Ok(seen)
    })
    .await
}
