//! Saying something.

use entity::{
    conversation_receipt::Kind,
    ids::{ConversationId, MessageId},
    message,
};

use super::mentions;
use crate::{
    access::Op,
    base::{
        error::{Error, Result},
        text::Checks,
    },
    domains::conversations::{
        error::ConversationError,
        events::ConversationEvent,
        model::{check_content, check_metadata},
        policy::Post,
        store,
    },
};

/// A message to be sent.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Where.
    pub conversation: ConversationId,
    /// The text.
    pub content: String,
    /// What it replies to.
    pub reply_to: Option<MessageId>,
    /// A key of the sender's making, so that a retry cannot post twice.
    pub client_id: Option<String>,
    /// What a front end wants kept with it.
    pub metadata: Option<serde_json::Value>,
}

/// A message that was sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The message.
    pub message: message::Model,
    /// It had been sent before, under the same key; nothing was written.
    pub is_duplicate: bool,
}

/// Sends a message. Under a `client_id` the first one counts for good, and a retry gets it back.
///
/// # Errors
/// ROOM_NOT_FOUND, PERMISSION_DENIED, USER_BLOCKED, MESSAGE_TOO_LONG, VALIDATION_FAILED, RESOURCE_CONFLICT for a client id used
/// for another message, BUSINESS_RULE_VIOLATION in an archived room and in a conversation with the assistant.
pub async fn send_message(op: &Op, new: NewMessage) -> Result<Sent> {
    let me = op.viewer.person()?.id;
    check_content(&new.content, op.config.limits.message_chars)?;
    let mut checks = Checks::new();
    if let Some(metadata) = &new.metadata {
        check_metadata(&mut checks, metadata);
    }
    if new
        .client_id
        .as_ref()
        .is_some_and(|key| !(1..=100).contains(&key.chars().count()) || key.chars().any(char::is_control))
    {
        checks.fault("clientId", "takes 1 to 100 characters");
    }
    checks.finish()?;
    op.write(async |tx| {
        let permit = op.permit::<Post, _>(store::lock(tx, &op.viewer, new.conversation).await?)?;
        let answered = match new.reply_to {
            Some(id) => store::in_conversation(tx, new.conversation, id).await?,
            None => None,
        };
        // Threads have one level: a reply to a reply stands under the same root.
        let root = answered.as_ref().map(|message| message.reply_to_id.unwrap_or(message.id));
        if let Some(key) = &new.client_id
            && let Some(first) = store::sent_as(tx, new.conversation, me, key).await?
        {
            let original = store::original_content(tx, &first).await?;
            let is_same = original.is_none_or(|text| text == new.content) && first.reply_to_id == root;
            return if is_same {
                Ok(Sent { message: first, is_duplicate: true })
            } else {
                Err(ConversationError::ClientIdTaken.into())
            };
        }
        if new.reply_to.is_some() && answered.is_none_or(|message| message.deleted_at.is_some()) {
            return Err(Error::invalid(
                "input.replyToId",
                "takes a message of this conversation that has not been deleted",
            ));
        }
        let mut row = store::new_message(tx, new.conversation, me, new.content.clone());
        row.reply_to_id = root;
        row.client_id = new.client_id.clone();
        row.mentions = mentions(tx, new.conversation, &new.content).await?;
        if let Some(metadata) = &new.metadata {
            row.metadata = metadata.clone();
        }
        let (standing, message) = store::insert_message(tx, permit, row).await?;
        let (_, has_read_others) = store::mark_sent(tx, &standing).await?;
        let (conversation, seq) = (new.conversation, message.seq);
        tx.emit(ConversationEvent::MessageSent { conversation, message: message.id, seq });
        if has_read_others {
            tx.emit(ConversationEvent::ReceiptMoved { conversation, user: me, receipt: Kind::Read, seq });
        }
        Ok(Sent { message, is_duplicate: false })
    })
    .await
}
