//! What can go wrong with accounts.

use crate::base::error::{Code, Error};

/// Faults of this room.
#[derive(Clone, Copy, Debug)]
pub enum UserError {
    /// No such person, or none the viewer may know of.
    NotFound,
    /// Somebody has the username.
    UsernameTaken,
    /// Somebody has the address.
    EmailTaken,
    /// The profile changed since the viewer read it.
    Stale,
    /// One cannot block oneself.
    Oneself,
    /// A new address wants the password, or a sign-in just now.
    ProofNeeded,
    /// The mailed token is unknown, used or expired.
    BadToken,
}

impl From<UserError> for Error {
    #[track_caller]
    fn from(error: UserError) -> Self {
        match error {
            UserError::NotFound => Self::not_found("There is no such person."),
            UserError::UsernameTaken => {
                Self::conflict("This username is taken; choose another.").with_field("input.username")
            }
            UserError::EmailTaken => {
                Self::conflict("This email address belongs to an account already.").with_field("input.email")
            }
            UserError::Stale => {
                Self::conflict("The profile has changed since you read it; read it again and repeat your change.")
            }
            UserError::Oneself => Self::rule("You cannot block yourself."),
            UserError::ProofNeeded => Self::new(
                Code::MfaRequired,
                "Give the current password to change the email address, or sign in again first.",
            )
            .with_field("input.currentPassword"),
            UserError::BadToken => Self::new(
                Code::InvalidToken,
                "This link is not valid any more: it was used, it expired, or a newer one was sent. Ask for a new one.",
            ),
        }
    }
}
