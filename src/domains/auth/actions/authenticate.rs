//! Trusting a token, and trusting it again later.

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::{SessionId, UserId};

use crate::{
    access::{Person, TokenScope, Viewer},
    base::error::{Error, Result},
    config::Config,
    domains::auth::{
        error::AuthError,
        keys,
        model::Standing,
        scoped::{authenticate_scoped, is_scoped},
        standings,
    },
    platform::Platform,
};

/// Who presents this access token, with the rights of this moment: see [`standings::known`].
///
/// # Errors
/// INVALID_TOKEN when it is not ours, expired, or its session has ended.
pub async fn authenticate(platform: &Platform, config: &Config, token: &str) -> Result<Viewer> {
    let claims = keys::verify(platform, config, token).await?;
    let until = DateTime::from_timestamp(claims.exp, 0).unwrap_or_else(|| platform.clock.now());
    let person = standing_viewer(platform, config, (claims.sub, claims.sid, claims.token_version), until).await?;
    Ok(Viewer::Person(person.ok_or(AuthError::InvalidAccessToken)?))
}

/// Who opens a socket with this token: an access token, or one that is good for nothing else. One statement.
///
/// # Errors
/// INVALID_TOKEN, see [`authenticate`].
pub async fn authenticate_for_socket(platform: &Platform, config: &Config, token: &str) -> Result<Viewer> {
    if is_scoped(token) {
        return authenticate_scoped(platform, config, token, TokenScope::Chat).await;
    }
    authenticate(platform, config, token).await
}

/// The person a token speaks of (whose it is, by which sign-in, of which version), as that stands now; `None` when it does not.
pub(in crate::domains::auth) async fn standing_viewer(
    platform: &Platform,
    config: &Config,
    (id, session, token_version): (UserId, SessionId, i32),
    token_expires_at: DateTime<Utc>,
) -> Result<Option<Person>> {
    let now = platform.clock.now();
    let standing = standings::known(platform, config, session, id).await?;
    let standing = standing.filter(|standing| standing.admits(token_version, now));
    Ok(standing.map(|standing| Person {
        id,
        session,
        roles: standing.roles,
        token_version,
        is_freshly_proved: now < proof_ends(config, &standing),
        token_expires_at,
        only: None,
    }))
}

/// The same viewer with the rights of this moment: for each operation of a connection that outlives its first.
///
/// # Errors
/// See [`still`].
pub async fn renew(platform: &Platform, config: &Config, viewer: &Viewer) -> Result<Viewer> {
    let Viewer::Person(person) = viewer else { return Ok(viewer.clone()) };
    let now = platform.clock.now();
    let standing = standings::known(platform, config, person.session, person.id).await?;
    still(config, person, standing.as_deref(), now).map(Viewer::Person)
}

/// What is left of a sign-in, given what is known of its session.
///
/// # Errors
/// INVALID_TOKEN when the token has expired or the session has ended, PERMISSION_DENIED when the account is shut out.
pub(in crate::domains::auth) fn still(
    config: &Config,
    person: &Person,
    standing: Option<&Standing>,
    now: DateTime<Utc>,
) -> Result<Person> {
    if person.token_expires_at <= now {
        return Err(AuthError::AccessTokenExpired.into());
    }
    let standing = standing.ok_or(AuthError::SessionEnded)?;
    if standing.is_shut_out {
        return Err(AuthError::ShutOut.into());
    }
    if !standing.admits(person.token_version, now) {
        return Err(AuthError::SessionEnded.into());
    }
    let is_freshly_proved = now < proof_ends(config, standing);
    Ok(Person { roles: standing.roles, is_freshly_proved, ..person.clone() })
}

/// When the password was given too long ago for the rights of an administrator.
pub(in crate::domains::auth) fn proof_ends(config: &Config, standing: &Standing) -> DateTime<Utc> {
    standing.authenticated_at + TimeDelta::from_std(config.auth.recent_sign_in).unwrap_or(TimeDelta::hours(12))
}

/// What ends something that was begun with rights its viewer no longer has.
pub fn rights_changed() -> Error {
    AuthError::RightsChanged.into()
}
