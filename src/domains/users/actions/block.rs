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
        let seen = store::find(tx, &op.viewer, other).await?.ok_or(UserError::NotFound)?;
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
        // The other may have blocked the viewer too, and is then found only by this door.
        let seen = store::seen_by_ids(tx, &op.viewer, &[other]).await?.remove(&other);
        if store::delete_block(tx, me, other).await? {
            tx.emit(UserEvent::Unblocked { user: me, blocked: other });
            return seen.ok_or_else(|| UserError::NotFound.into());
        }
        store::find(tx, &op.viewer, other).await?.ok_or_else(|| UserError::NotFound.into())
    })
    .await
}
