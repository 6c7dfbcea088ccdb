//! Silencing a conversation for oneself.

use chrono::{DateTime, Utc};
use entity::ids::ConversationId;

use crate::{
    access::Op,
    base::error::{Error, Result},
    domains::conversations::{events::InboxEvent, model::Seen, policy::Mute, store},
};

/// Silences a conversation for the viewer until a moment, or no longer. Their other devices learn of it, the others do not. Again is
/// harmless.
///
/// # Errors
/// ROOM_NOT_FOUND, PERMISSION_DENIED, VALIDATION_FAILED for a moment that has passed.
pub async fn mute(op: &Op, id: ConversationId, until: Option<DateTime<Utc>>) -> Result<Seen> {
    let me = op.viewer.person()?.id;
    if until.is_some_and(|until| until <= op.platform.clock.now()) {
        return Err(Error::invalid("input.until", "takes a moment to come, or null for no longer"));
    }
    op.write(async |tx| {
        let permit = op.permit::<Mute, _>(store::lock(tx, &op.viewer, id).await?)?;
        if permit.row().member.as_ref().is_none_or(|member| member.muted_until == until) {
            return Ok(permit.into_row().into_seen());
        }
        let muted = store::mute(tx, &permit, until).await?;
        tx.emit(InboxEvent::Muted { user: me, conversation: id });
        Ok(Seen { row: permit.into_row().conversation, member: muted })
    })
    .await
}
