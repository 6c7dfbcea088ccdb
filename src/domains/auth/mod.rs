//! Sign-up, sign-in, sessions, tokens, roles. (Card to be written.)

use crate::{
    access::{Person, Viewer},
    base::error::{Error, Result},
    config::Config,
    platform::Platform,
};

/// Who presents this access token.
///
/// # Errors
/// INVALID_TOKEN when it is not ours, expired, or its session has ended.
pub async fn authenticate(_platform: &Platform, _config: &Config, _token: &str) -> Result<Viewer> {
    Ok(Viewer::Anonymous)
}

/// Comes when the person's sign-in has ended (signed out, revoked, suspended, roles changed, token expired), with the reason.
pub async fn ended(_platform: Platform, _person: Person) -> Error {
    std::future::pending().await
}
