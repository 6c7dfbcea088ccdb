//! Keeping people away.

use entity::ids::UserId;

use crate::{
    access::Op,
    base::error::Result,
    domains::users::{error::UserError, events::UserEvent, model::Seen, store},
};

/// Blocks a person: they find the viewer no more and cannot write to them directly. Again is harmless.
pub async fn block(op: &Op, other: UserId) -> Result<Seen> {
    let me = op.viewer.person()?.id;
    if me == other {
        return Err(UserError::Oneself.into());
    }
    op.write(async |tx| {
        store::lock(tx, me).await?.ok_or(UserError::NotFound)?;
        // Whoever has blocked the viewer can be blocked back, though they are found nowhere else.
        let seen = store::seen_by_ids(tx, &op.viewer, &[other]).await?.remove(&other).ok_or(UserError::NotFound)?;
        if store::insert_block(tx, me, other).await? {
            tx.emit(UserEvent::Blocked { user: me, blocked: other });
        }
        Ok(seen)
    })
    .await
}

/// Lets a person back in. Again is harmless.
pub async fn unblock(op: &Op, other: UserId) -> Result<Seen> {
    let me = op.viewer.person()?.id;
    op.write(async |tx| {
        store::lock(tx, me).await?.ok_or(UserError::NotFound)?;
        let seen = store::seen_by_ids(tx, &op.viewer, &[other]).await?.remove(&other).ok_or(UserError::NotFound)?;
        if store::delete_block(tx, me, other).await? {
            tx.emit(UserEvent::Unblocked { user: me, blocked: other });
        }
        Ok(seen)
    })
    .await
}
