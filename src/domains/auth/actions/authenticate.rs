//! Trusting a token, and noticing when it is over.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};

use crate::{
    access::{Person, Roles, Viewer},
    base::error::{Error, Result},
    config::Config,
    domains::{
        auth::{error::AuthError, events::AuthEvent, keys, model::Standing, store},
        users,
    },
    platform::Platform,
};

/// Who presents this access token. One statement, whatever the token says: rights are read anew every time.
///
/// # Errors
/// INVALID_TOKEN when it is not ours, expired, or its session has ended.
pub async fn authenticate(platform: &Platform, config: &Config, token: &str) -> Result<Viewer> {
    let claims = keys::verify(platform, config, token).await?;
    let now = platform.clock.now();
    let standing = store::standing(&platform.database.read(), claims.sid, claims.sub, now).await?;
    let standing = standing.filter(|standing| standing.admits(claims.token_version, now));
    let standing = standing.ok_or(AuthError::InvalidAccessToken)?;
    let recent = TimeDelta::from_std(config.auth.recent_sign_in).unwrap_or(TimeDelta::hours(12));
    Ok(Viewer::Person(Person {
        id: claims.sub,
        session: claims.sid,
        roles: roles(&standing),
        token_version: claims.token_version,
        is_freshly_proved: now - standing.authenticated_at < recent,
        token_expires_at: DateTime::from_timestamp(claims.exp, 0).unwrap_or(now),
    }))
}

fn roles(standing: &Standing) -> Roles {
    Roles::from_names(standing.roles.iter().map(String::as_str))
}

/// Comes when the person's sign-in is over (signed out, ended, shut out, other rights, token expired), with the reason. Costs no
/// statement until something happens to the account.
pub async fn ended(platform: Platform, person: Person) -> Error {
    let topic: Arc<str> = users::topic(person.id).into();
    let mut follower = match platform.events.follow([topic], None).await {
        Ok(follower) => follower,
        Err(error) => return error,
    };
    loop {
        // Checked once before waiting too: something may have happened between the token's check and the following.
        if let Some(reason) = over(&platform, &person).await {
            return reason;
        }
        loop {
            let left = (person.token_expires_at - platform.clock.now()).to_std().unwrap_or_default();
            tokio::select! {
                event = follower.next() => match event {
                    Ok(event) if AuthEvent::KINDS.contains(&&*event.kind) => break,
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!(?error, "the log could not be read; asking the database instead");
                        break;
                    }
                },
                () = tokio::time::sleep(left.max(std::time::Duration::from_millis(20))) => break,
            }
        }
    }
}

async fn over(platform: &Platform, person: &Person) -> Option<Error> {
    let now = platform.clock.now();
    if person.token_expires_at <= now {
        return Some(AuthError::AccessTokenExpired.into());
    }
    match store::standing(&platform.database.read(), person.session, person.id, now).await {
        Ok(Some(standing)) if !standing.admits(person.token_version, now) => Some(AuthError::SessionEnded.into()),
        Ok(Some(standing)) if roles(&standing) != person.roles => Some(AuthError::RightsChanged.into()),
        Ok(Some(_)) => None,
        Ok(None) => Some(AuthError::SessionEnded.into()),
        // A database that cannot be asked cannot end anybody's sign-in.
        Err(error) => {
            tracing::debug!(?error, "a sign-in could not be checked");
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            None
        }
    }
}
