//! Who may do what to an account. Pure.

use entity::user;

use super::error::UserError;
use crate::{
    access::{Policy, Verdict, Viewer},
    base::error::Error,
};

/// Change the profile.
#[derive(Debug)]
pub struct EditProfile;

impl Policy<EditProfile> for user::Model {
    fn verdict(&self, viewer: &Viewer) -> Verdict {
        match viewer {
            Viewer::Person(person) if person.id == self.id => Verdict::Yes,
            Viewer::System(_) => Verdict::Yes,
            _ => Verdict::Hidden,
        }
    }

    fn hidden(&self) -> Error {
        UserError::NotFound.into()
    }
}
