//! Entering a public room.

use entity::{conversation_member::Role, ids::ConversationId};

use crate::{
    access::Op,
    base::error::Result,
    domains::conversations::{
        error::ConversationError,
        events::{ConversationEvent, InboxEvent},
        model::Seen,
        policy::Join,
        store,
    },
};

/// Enters a public room. Again is harmless.
///
/// # Errors
/// ROOM_NOT_FOUND, also for a private one; PERMISSION_DENIED for somebody who was removed; BUSINESS_RULE_VIOLATION when it is full or
/// archived.
pub async fn join(op: &Op, id: ConversationId) -> Result<Seen> {
    let me = op.viewer.person()?.id;
    op.write(async |tx| {
        let permit = op.permit::<Join, _>(store::lock(tx, &op.viewer, id).await?)?;
        let standing = permit.row();
        if standing.member.is_some() {
            return Ok(permit.into_row().into_seen());
        }
        if standing.conversation.member_count >= standing.conversation.max_members {
            return Err(ConversationError::Full.into());
        }
        let seen = store::join(tx, permit, me).await?;
        tx.emit(ConversationEvent::MemberJoined { conversation: id, user: me, role: Role::Member });
        tx.emit(InboxEvent::Added { user: me, conversation: id });
        Ok(seen)
    })
    .await
}
