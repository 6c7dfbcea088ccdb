//! Pinning a message.

use entity::{ids::MessageId, message};

use crate::{
    access::Op,
    base::error::Result,
    domains::conversations::{
        error::ConversationError, events::ConversationEvent, model::PINS, policy::PinMessage, store,
    },
};

/// Pins or unpins a message. Again is harmless.
///
/// # Errors
/// NOT_FOUND, PERMISSION_DENIED, BUSINESS_RULE_VIOLATION for a deleted message, in an archived room and past the number of pins.
pub async fn set_pinned(op: &Op, id: MessageId, pinned: bool) -> Result<message::Model> {
    let me = op.viewer.person()?.id;
    let conversation = store::conversation_of(op.read(), id).await?;
    op.write(async |tx| {
        let spot = store::lock_message(tx, &op.viewer, conversation, id).await?;
        let permit = op.permit::<PinMessage, _>(spot)?;
        if permit.row().message.pinned_at.is_some() == pinned {
            return Ok(permit.into_row().message);
        }
        if pinned && store::pins(tx, conversation).await? >= PINS {
            return Err(ConversationError::TooManyPins.into());
        }
        let row = store::set_pinned(tx, permit, pinned.then_some(me)).await?;
        tx.emit(ConversationEvent::MessagePinned { conversation, message: id, pinned });
        Ok(row)
    })
    .await
}
