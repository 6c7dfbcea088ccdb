//! Pure rules of accounts.

use entity::user;

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
}

impl Seen {
    /// How much of a row the viewer sees when the row may be seen at all. `blocked` says that its owner keeps the viewer away.
    pub fn by(viewer: &Viewer, row: user::Model, blocked: bool) -> Self {
        let open = row.is_public && !blocked && row.suspended_at.is_none();
        let is_own = viewer.is(row.id);
        let is_card = !(open || is_own || viewer.has(BaseRole::Moderator));
        Self { row, is_card, is_own }
    }

    /// The account of the person who has just proved to be its owner.
    pub fn own(row: user::Model) -> Self {
        Self { row, is_card: false, is_own: true }
    }
}
