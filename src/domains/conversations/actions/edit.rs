//! Correcting a message.

use entity::{ids::MessageId, message};

use super::mentions;
use crate::{
    access::Op,
    base::{error::Result, text::Checks},
    domains::conversations::{
        error::ConversationError, events::ConversationEvent, model::check_content, policy::EditMessage, store,
    },
};

/// A correction.
#[derive(Clone, Debug)]
pub struct Correction {
    /// Of which message.
    pub message: MessageId,
    /// The new text.
    pub content: String,
    /// Why.
    pub reason: Option<String>,
    /// The version it was made from; another is a conflict.
    pub expected_version: Option<i32>,
}

/// Gives a message of the viewer another text; the earlier one is kept. The same text changes nothing.
///
/// # Errors
/// NOT_FOUND, PERMISSION_DENIED, USER_BLOCKED, MESSAGE_TOO_LONG, VALIDATION_FAILED, RESOURCE_CONFLICT for a stale version,
/// BUSINESS_RULE_VIOLATION for a deleted one and in an archived room.
pub async fn edit_message(op: &Op, change: Correction) -> Result<message::Model> {
    let me = op.viewer.person()?.id;
    check_content(&change.content, op.config.limits.message_chars)?;
    let mut checks = Checks::new();
    let reason = checks.optional("reason", change.reason.as_deref(), 500);
    checks.finish()?;
    let conversation = store::conversation_of(op.read(), change.message).await?;
    op.write(async |tx| {
        let spot = store::lock_message(tx, &op.viewer, conversation, change.message).await?;
        let permit = op.permit::<EditMessage, _>(spot)?;
        let current = &permit.row().message;
        if change.expected_version.is_some_and(|expected| expected != current.version) {
            return Err(ConversationError::Stale.into());
        }
        if current.content == change.content {
            return Ok(permit.into_row().message);
        }
        let mentions = mentions(tx, conversation, &change.content).await?;
        let row = store::edit(tx, permit, me, change.content, mentions, reason).await?;
        tx.emit(ConversationEvent::MessageEdited { conversation, message: row.id, seq: row.seq });
        Ok(row)
    })
    .await
}
