//! Changing what a room is called and whom it takes.

use entity::{conversation::Visibility, ids::ConversationId};
use serde_json::Value;

use super::create::check_ceiling;
use crate::{
    access::Op,
    base::{error::Result, text::Checks},
    domains::conversations::{
        error::ConversationError,
        events::ConversationEvent,
        model::{Seen, check_metadata},
        policy::{Update, Updating},
        store,
    },
};

/// What to change: `None` leaves a field as it is, `Some(None)` empties it.
#[derive(Clone, Debug, Default)]
pub struct RoomChange {
    /// What it is called.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<Option<String>>,
    /// Who may find it.
    pub visibility: Option<Visibility>,
    /// How many it takes.
    pub max_members: Option<i32>,
    /// What a front end wants kept with it, in place of what was.
    pub metadata: Option<Value>,
    /// The version the change was made from; another is a conflict.
    pub expected_version: Option<i32>,
}

/// Changes a room. Only an owner makes a private one public. What is so already changes nothing.
///
/// # Errors
/// ROOM_NOT_FOUND, PERMISSION_DENIED, VALIDATION_FAILED, RESOURCE_CONFLICT for a stale version, BUSINESS_RULE_VIOLATION for a
/// ceiling below the number of members.
pub async fn update_room(op: &Op, id: ConversationId, change: RoomChange) -> Result<Seen> {
    op.viewer.person()?;
    let mut checks = Checks::new();
    let name = change.name.as_deref().map(|name| checks.text("name", name, 1, 255));
    let description = change.description.map(|text| checks.optional_lines("description", text.as_deref(), 2000));
    if let Some(ceiling) = change.max_members {
        check_ceiling(&mut checks, ceiling, op.config.limits.room_members);
    }
    if let Some(metadata) = &change.metadata {
        check_metadata(&mut checks, metadata);
    }
    checks.finish()?;
    op.write(async |tx| {
        let standing = store::lock(tx, &op.viewer, id).await?;
        let is_private = standing.conversation.visibility == Visibility::Private;
        let opens = is_private && change.visibility == Some(Visibility::Public);
        let permit = op.permit::<Update, _>(Updating { standing, opens })?;
        let current = &permit.row().standing.conversation;
        if change.expected_version.is_some_and(|expected| expected != current.version) {
            return Err(ConversationError::Stale.into());
        }
        if change.max_members.is_some_and(|ceiling| ceiling < current.member_count) {
            return Err(ConversationError::CeilingTooLow.into());
        }
        let mut row = current.clone();
        row.name = name.or(row.name.take());
        row.description = description.unwrap_or(row.description.take());
        row.visibility = change.visibility.unwrap_or(row.visibility);
        row.max_members = change.max_members.unwrap_or(row.max_members);
        row.metadata = change.metadata.unwrap_or(row.metadata.take());
        if row == *current {
            return Ok(permit.into_row().standing.into_seen());
        }
        let seen = store::update(tx, permit, row).await?;
        tx.emit(ConversationEvent::ConversationUpdated { conversation: id, version: seen.row.version });
        Ok(seen)
    })
    .await
}
