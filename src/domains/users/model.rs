//! Pure rules of accounts.

use entity::user;

use crate::access::{BaseRole, Personal, Viewer};

/// An account as a viewer sees it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The row.
    pub row: user::Model,
    /// Show no more than name and picture.
    pub is_card: Personal<bool>,
    /// It is the viewer's own, even if the viewer has only just proved it (by signing in) and the operation began without them.
    pub is_own: Personal<bool>,
}

impl Seen {
    /// How much of a row the viewer sees when the row may be seen at all. `blocked` says that its owner keeps the viewer away.
    pub fn by(viewer: &Viewer, row: user::Model, blocked: bool) -> Self {
        let open = row.is_public && !blocked && row.suspended_at.is_none();
        let is_own = viewer.one() == Some(row.id);
        let is_card = match viewer {
            // A stranger among them; whoever looks at this is asked for.
            Viewer::Audience(_) => !open,
            _ => !(open || is_own || viewer.has(BaseRole::Moderator)),
        };
        Self { row, is_card: Personal::of(viewer, is_card), is_own: Personal::of(viewer, is_own) }
    }

    /// The account of the person who has just proved to be its owner.
    pub fn own(row: user::Model) -> Self {
        Self { row, is_card: Personal::known(false), is_own: Personal::known(true) }
    }
}
