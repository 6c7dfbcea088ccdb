//! Taking a conversation away.

use entity::ids::ConversationId;

use crate::{
    access::Op,
    base::error::Result,
    domains::conversations::{events::ConversationEvent, policy::Delete, store},
};

/// Deletes a conversation the viewer owns, with its members and messages. Nobody finds it from then on, and its rows are cleared
/// away after a while.
///
/// # Errors
/// ROOM_NOT_FOUND, PERMISSION_DENIED, BUSINESS_RULE_VIOLATION for a direct conversation.
pub async fn delete_conversation(op: &Op, id: ConversationId) -> Result<()> {
    op.viewer.person()?;
    op.write(async |tx| {
        let permit = op.permit::<Delete, _>(store::lock(tx, &op.viewer, id).await?)?;
        store::delete(tx, permit).await?;
        // One event tells everybody: who follows it knows that they were members.
        tx.emit(ConversationEvent::ConversationDeleted { conversation: id });
        Ok(())
    })
    .await
}
