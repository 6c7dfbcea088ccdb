//! Showing that one is writing.

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::ConversationId;

use crate::{
    access::Op,
    base::error::{Error, Result},
    domains::conversations::{events::typing_topic, listen::TypingSignal, policy::Post, store},
};

/// Shows the members who look that the viewer is writing, or has stopped. Gives until when it counts; nothing is written down.
///
/// # Errors
/// ROOM_NOT_FOUND, PERMISSION_DENIED, USER_BLOCKED, BUSINESS_RULE_VIOLATION in an archived room.
pub async fn set_typing(op: &Op, id: ConversationId, typing: bool) -> Result<Option<DateTime<Utc>>> {
    let me = op.viewer.person()?.id;
    let permit = op.permit::<Post, _>(store::look(op.read(), &op.viewer, id).await?)?;
    let lifetime = TimeDelta::from_std(op.config.limits.typing).map_err(Error::internal)?;
    let expires_at = typing.then(|| op.platform.clock.now() + lifetime);
    let signal = serde_json::to_value(TypingSignal { user: me, expires_at }).map_err(Error::internal)?;
    op.platform.bus.signal(&typing_topic(permit.row().conversation.id), signal);
    Ok(expires_at)
}
