//! Ending sign-ins.

use entity::ids::SessionId;

use crate::{
    access::Op,
    base::error::Result,
    domains::{
        auth::{error::AuthError, events::AuthEvent, policy::EndSession, store},
        users,
    },
};

/// Which sign-ins to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignOutScope {
    /// The one the token belongs to.
    Current,
    /// Every one.
    All,
    /// Every one but the current.
    Others,
}

/// Ends sign-ins of the viewer; gives how many.
pub async fn sign_out(op: &Op, scope: SignOutScope) -> Result<u64> {
    let (me, current) = op.viewer.person().map(|person| (person.id, person.session))?;
    op.write(async |tx| {
        users::lock(tx, me).await?;
        let (ended, session) = match scope {
            SignOutScope::Current => {
                let session = store::session(tx, current).await?.filter(|session| session.revoked_at.is_none());
                match session {
                    None => (0, Some(current)),
                    Some(session) => {
                        store::end_session(tx, op.permit::<EndSession, _>(session)?).await?;
                        (1, Some(current))
                    }
                }
            }
            SignOutScope::All => (store::end_sessions_of(tx, me, None).await?, None),
            SignOutScope::Others => (store::end_sessions_of(tx, me, Some(current)).await?, None),
        };
        if ended > 0 {
            tx.emit(AuthEvent::SessionEnded { user: me, session });
        }
        Ok(ended)
    })
    .await
}

/// Ends one sign-in of the viewer. Again is harmless.
///
/// # Errors
/// NOT_FOUND for another person's.
pub async fn revoke_session(op: &Op, id: SessionId) -> Result<()> {
    let me = op.viewer.person()?.id;
    op.write(async |tx| {
        users::lock(tx, me).await?;
        let session = store::session(tx, id).await?.ok_or(AuthError::SessionNotFound)?;
        let permit = op.permit::<EndSession, _>(session)?;
        if permit.row().revoked_at.is_none() {
            store::end_session(tx, permit).await?;
            tx.emit(AuthEvent::SessionEnded { user: me, session: Some(id) });
        }
        Ok(())
    })
    .await
}
