//! What people do to be known.

/// Accounts that somebody vouches for.
pub(super) mod accounts;
/// Trusting a token, and noticing when it is over.
pub(super) mod authenticate;
/// Letting an open connection go on.
pub(super) mod connections;
/// Choosing a new password.
pub(super) mod password;
/// Making and granting roles.
pub(super) mod roles;
/// Ending sign-ins.
pub(super) mod sessions;
/// Signing up and in, and staying so.
pub(super) mod sign_in;
