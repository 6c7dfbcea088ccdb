//! Telling how far one has read or received.

use entity::{
    conversation_receipt::Kind,
    ids::{ConversationId, MessageId},
};

use crate::{
    access::Op,
    base::error::{Error, Result},
    domains::conversations::{events::ConversationEvent, model::Seen, policy::Mark, store},
};

/// Moves the viewer's mark to a message, never back. What is read has been received too.
///
/// # Errors
/// ROOM_NOT_FOUND, PERMISSION_DENIED, VALIDATION_FAILED for a message of another conversation.
pub async fn mark(op: &Op, id: ConversationId, kind: Kind, up_to: MessageId) -> Result<Seen> {
    let me = op.viewer.person()?.id;
    op.write(async |tx| {
        let permit = op.permit::<Mark, _>(store::lock(tx, &op.viewer, id).await?)?;
        let message = store::in_conversation(tx, id, up_to).await?;
        let seq =
            message.ok_or_else(|| Error::invalid("input.upToMessageId", "takes a message of this conversation"))?.seq;
        let moved = store::move_mark(tx, &permit, kind, seq).await?;
        let mut seen = permit.into_row().into_seen();
        if let Some(member) = moved {
            tx.emit(ConversationEvent::ReceiptMoved { conversation: id, user: me, receipt: kind, seq });
            seen.member = Some(member);
        }
        Ok(seen)
    })
    .await
}
