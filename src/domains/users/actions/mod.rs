//! What people do to accounts.

/// Whether a username can be had.
pub(super) mod availability;
/// Keeping people away.
pub(super) mod block;
/// Making an account.
pub(super) mod create;
/// Changing a profile.
pub(super) mod profile;
/// Proofs by mailed links.
pub(super) mod verification;
