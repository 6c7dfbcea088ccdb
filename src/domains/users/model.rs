//! Pure rules of accounts.

use entity::{ids::SessionId, user};

use crate::access::{BaseRole, Viewer};

/// An account as a viewer sees it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The row.
    pub row: user::Model,
    /// Show no more than name and picture.
    pub is_card: bool,
    /// It is the viewer's own, even if the viewer has only just proved it (by signing in) and the operation began without them.
    pub is_own: bool,
    /// The sign-in that proved it in this very operation.
    pub session: Option<SessionId>,
}

impl Seen {
    /// How much of a row the viewer sees when the row may be seen at all. `blocked` says that its owner keeps the viewer away.
    ///
    /// Moderators see what its owner shows to everybody, whether or not they are blocked or the account is suspended: they look into what
    /// was reported. What its owner shows to nobody they do not see either.
    pub fn by(viewer: &Viewer, row: user::Model, blocked: bool) -> Self {
        let is_own = viewer.is(row.id);
        let is_open = !blocked && row.suspended_at.is_none() || viewer.has(BaseRole::Moderator);
        let is_card = !(is_own || row.is_public && is_open);
        Self { row, is_card, is_own, session: None }
    }

    /// The account of the person who has just proved to be its owner.
    pub fn own(row: user::Model) -> Self {
        Self { row, is_card: false, is_own: true, session: None }
    }

    /// The account of the person who has just signed in.
    pub fn signed_in(row: user::Model, session: SessionId) -> Self {
        Self { session: Some(session), ..Self::own(row) }
    }
}
