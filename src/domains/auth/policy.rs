//! Who may do what to sessions and roles. Pure.

use entity::session;

use super::error::AuthError;
use crate::{
    access::{Policy, Verdict, Viewer},
    base::error::Error,
};

/// End a session.
#[derive(Debug)]
pub struct EndSession;

impl Policy<EndSession> for session::Model {
    fn verdict(&self, viewer: &Viewer) -> Verdict {
        match viewer {
            Viewer::Person(person) if person.id == self.user_id => Verdict::Yes,
            _ => Verdict::Hidden,
        }
    }

    fn hidden(&self) -> Error {
        AuthError::SessionNotFound.into()
    }
}

/// Make, change, delete, grant or take away roles.
#[derive(Debug)]
pub struct ManageRoles;

/// All roles: what [`ManageRoles`] is asked about.
#[derive(Debug)]
pub struct AllRoles;

impl Policy<ManageRoles> for AllRoles {
    fn verdict(&self, viewer: &Viewer) -> Verdict {
        match viewer.admin() {
            Ok(()) => Verdict::Yes,
            Err(error) => Verdict::No(error),
        }
    }

    fn hidden(&self) -> Error {
        AuthError::RoleNotFound.into()
    }
}
