//! Putting a conversation aside.

use entity::ids::ConversationId;

use crate::{
    access::Op,
    base::error::Result,
    domains::conversations::{events::ConversationEvent, model::Seen, policy::Archive, store},
};

/// Archives a room, or takes it out again. Nothing is added to an archived one. Again is harmless.
///
/// # Errors
/// ROOM_NOT_FOUND, PERMISSION_DENIED, BUSINESS_RULE_VIOLATION for a direct conversation.
pub async fn set_archived(op: &Op, id: ConversationId, archived: bool) -> Result<Seen> {
    op.viewer.person()?;
    op.write(async |tx| {
        let permit = op.permit::<Archive, _>(store::lock(tx, &op.viewer, id).await?)?;
        if permit.row().conversation.archived_at.is_some() == archived {
            return Ok(permit.into_row().into_seen());
        }
        let seen = store::set_archived(tx, permit, archived).await?;
        tx.emit(ConversationEvent::ConversationUpdated { conversation: id, version: seen.row.version });
        Ok(seen)
    })
    .await
}
