//! Taking a message away.

use entity::{ids::MessageId, message};

use crate::{
    access::Op,
    base::{error::Result, text::Checks},
    domains::conversations::{events::ConversationEvent, policy::DeleteMessage, store},
};

/// Blanks a message, with its earlier texts and its reactions; its place and number stay. Again is harmless. One event tells of all of
/// it: the message as it is then has neither.
///
/// # Errors
/// NOT_FOUND, PERMISSION_DENIED, VALIDATION_FAILED.
pub async fn delete_message(op: &Op, id: MessageId, reason: Option<String>) -> Result<message::Model> {
    op.viewer.person()?;
    let mut checks = Checks::new();
    let reason = checks.optional("reason", reason.as_deref(), 500);
    checks.finish()?;
    let conversation = store::conversation_of(op.read(), id).await?;
    op.write(async |tx| {
        let spot = store::lock_message(tx, &op.viewer, conversation, id).await?;
        let permit = op.permit::<DeleteMessage, _>(spot)?;
        if permit.row().message.deleted_at.is_some() {
            return Ok(permit.into_row().message);
        }
        let row = store::blank(tx, permit, op.viewer.id(), reason).await?;
        tx.emit(ConversationEvent::MessageDeleted { conversation, message: id, seq: row.seq });
        Ok(row)
    })
    .await
}
