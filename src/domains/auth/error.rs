//! What can go wrong with signing in.

use crate::base::error::{Code, Error};

/// Faults of this room.
#[derive(Clone, Copy, Debug)]
pub enum AuthError {
    /// Login and password do not belong together, or the account may not sign in. One answer for every reason.
    InvalidCredentials,
    /// An access token that is not ours, or no longer good.
    InvalidAccessToken,
    /// An access token past its end.
    AccessTokenExpired,
    /// A token of a scope that is not ours, of another scope, or no longer good.
    InvalidScopedToken,
    /// A refresh token that is unknown, used or expired.
    InvalidRefreshToken,
    /// The sign-in behind an open connection has ended.
    SessionEnded,
    /// The account behind an open connection was suspended or deleted.
    ShutOut,
    /// The rights behind an open connection have changed.
    RightsChanged,
    /// No such session of the viewer.
    SessionNotFound,
    /// No such role.
    RoleNotFound,
    /// No such person.
    PersonNotFound,
    /// A role of the system itself.
    SystemRole,
    /// What the role allows is not a matter of the table.
    FixedPermissions,
    /// The role changed since the viewer read it.
    StaleRole,
    /// Another role has the name.
    RoleNameTaken,
    /// The last administrator cannot lose the role.
    LastAdmin,
    /// The password that was given is not the account's.
    WrongPassword,
    /// A token of somebody else than the connection is for.
    OtherPerson,
    /// The operation came over no connection that could be renewed.
    NoConnection,
}

impl From<AuthError> for Error {
    #[track_caller]
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::InvalidCredentials => {
                Self::new(Code::InvalidCredentials, "The login and the password do not belong together.")
            }
            AuthError::InvalidAccessToken => {
                Self::new(Code::InvalidToken, "The access token is not valid; refresh the session or sign in again.")
            }
            AuthError::AccessTokenExpired => {
                Self::new(Code::InvalidToken, "The access token has expired; exchange the refresh token for a new one.")
            }
            AuthError::InvalidScopedToken => Self::new(
                Code::InvalidToken,
                "The token of this scope is not valid any more; ask issueScopedToken for a new one.",
            ),
            AuthError::InvalidRefreshToken => {
                Self::new(Code::InvalidToken, "The refresh token is not valid any more; sign in again.")
            }
            AuthError::SessionEnded => Self::new(Code::InvalidToken, "This sign-in has ended; sign in again."),
            AuthError::ShutOut => Self::denied("This account is suspended or was deleted."),
            AuthError::RightsChanged => {
                Self::denied("You may less than when this was begun; ask again to go on with what you may now.")
            }
            AuthError::SessionNotFound => Self::not_found("You have no such session."),
            AuthError::RoleNotFound => Self::not_found("There is no such role."),
            AuthError::PersonNotFound => Self::not_found("There is no such person."),
            AuthError::SystemRole => {
                Self::rule("This role belongs to the system: it can be neither switched off nor deleted.")
            }
            AuthError::FixedPermissions => Self::rule(
                "Everybody is a user and nobody grants it, and administrators may do everything: their permissions are fixed.",
            ),
            AuthError::StaleRole => {
                Self::conflict("The role has changed since you read it; read it again and repeat your change.")
            }
            AuthError::RoleNameTaken => Self::conflict("Another role has this name.").with_field("input.name"),
            AuthError::WrongPassword => Self::new(Code::InvalidCredentials, "This is not the current password.")
                .with_field("input.currentPassword"),
            AuthError::OtherPerson => {
                Self::denied("This token is another person's; open a connection of its own for them.")
            }
            AuthError::NoConnection => {
                Self::rule("There is nothing to renew: send this over the WebSocket that is to go on.")
            }
            AuthError::LastAdmin => {
                Self::rule("Somebody has to remain administrator; grant the role to another person first.")
            }
        }
    }
}
