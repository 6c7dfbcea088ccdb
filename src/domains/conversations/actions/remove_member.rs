//! Showing somebody out.

use entity::ids::{ConversationId, UserId};

use crate::{
    access::{Op, Policy, Verdict},
    base::error::Result,
    domains::conversations::{
        error::ConversationError,
        events::{ConversationEvent, InboxEvent},
        model::Seen,
        policy::{Mark, RemoveMember, Removing},
        store,
    },
};

/// Removes a member with fewer rights than the viewer, who cannot enter again until they are added. Their live streams of the
/// conversation end.
///
/// # Errors
/// ROOM_NOT_FOUND, PERMISSION_DENIED, NOT_FOUND for somebody who is no member, BUSINESS_RULE_VIOLATION for oneself.
pub async fn remove_member(op: &Op, id: ConversationId, user: UserId) -> Result<Seen> {
    op.viewer.person()?;
    op.write(async |tx| {
        let standing = store::lock(tx, &op.viewer, id).await?;
        let Some(target) = store::member(tx, id, user).await? else {
            // Only members may learn who is not one.
            return Err(match Policy::<Mark>::verdict(&standing, &op.viewer) {
                Verdict::Yes => ConversationError::TargetNotMember.into(),
                Verdict::Hidden => ConversationError::NotFound.into(),
                Verdict::No(error) => error,
            });
        };
        let permit = op.permit::<RemoveMember, _>(Removing { standing, target })?;
        let seen = store::remove(tx, permit, op.viewer.id()).await?;
        tx.emit(ConversationEvent::MemberLeft { conversation: id, user, removed: true });
        tx.emit(InboxEvent::Removed { user, conversation: id });
        Ok(seen)
    })
    .await
}
