//! Reacting to a message, and taking it back.

use entity::{ids::MessageId, message};

use crate::{
    access::Op,
    base::error::Result,
    domains::conversations::{
        error::ConversationError,
        events::ConversationEvent,
        model::{EMOJI, check_emoji},
        policy::{React, Unreact},
        store,
    },
};

/// Adds the viewer's reaction. Again is harmless.
///
/// # Errors
/// NOT_FOUND, PERMISSION_DENIED, USER_BLOCKED, VALIDATION_FAILED, BUSINESS_RULE_VIOLATION for a deleted message, in an archived
/// room, and past the number of emoji a message may have.
pub async fn add_reaction(op: &Op, id: MessageId, emoji: &str) -> Result<message::Model> {
    let me = op.viewer.person()?.id;
    check_emoji(emoji)?;
    let conversation = store::conversation_of(op.read(), id).await?;
    op.write(async |tx| {
        let permit = op.permit::<React, _>(store::lock_message(tx, &op.viewer, conversation, id).await?)?;
        let Some(row) = store::react(tx, &permit, me, emoji).await? else { return Ok(permit.into_row().message) };
        // Counted with the new one; an error takes it back with the rest of the write.
        if store::emoji_count(tx, id).await? > EMOJI {
            return Err(ConversationError::TooManyEmoji.into());
        }
        tx.emit(ConversationEvent::ReactionsChanged { conversation, message: id });
        Ok(row)
    })
    .await
}

/// Takes the viewer's reaction back. Again is harmless.
///
/// # Errors
/// NOT_FOUND, PERMISSION_DENIED, VALIDATION_FAILED.
pub async fn remove_reaction(op: &Op, id: MessageId, emoji: &str) -> Result<message::Model> {
    let me = op.viewer.person()?.id;
    check_emoji(emoji)?;
    let conversation = store::conversation_of(op.read(), id).await?;
    op.write(async |tx| {
        let permit = op.permit::<Unreact, _>(store::lock_message(tx, &op.viewer, conversation, id).await?)?;
        let Some(row) = store::unreact(tx, &permit, me, emoji).await? else { return Ok(permit.into_row().message) };
        tx.emit(ConversationEvent::ReactionsChanged { conversation, message: id });
        Ok(row)
    })
    .await
}
