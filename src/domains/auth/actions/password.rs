//! Choosing a new password, and giving the one there is.

use chrono::TimeDelta;
use entity::{user, verification_request::Kind};

use crate::{
    access::Op,
    base::{error::Result, text::Checks},
    domains::{
        auth::{
            error::AuthError,
            events::AuthEvent,
            model::{check_password, guessable},
            store,
        },
        users::{self, Seen},
    },
    platform::passwords::Comparison,
};

/// Sets a new password from a mailed token: every older token and session dies, and a mail says that it happened.
///
/// # Errors
/// VALIDATION_FAILED for a weak password (the token stays good), INVALID_TOKEN, RATE_LIMIT_EXCEEDED.
pub async fn reset_password(op: &Op, token: &str, new_password: &str) -> Result<Seen> {
    op.platform.cache.limit("mailed-token", &op.origin.address(), op.config.limits.token_attempts).await?;
    // What is wrong with it for everybody is told first: it costs no statement.
    check(new_password, &guessable(None, None, []))?;
    // Looked up before the password is hashed: a made-up token should not cost a hash.
    let proof = users::find_proof(op, Kind::PasswordReset, token).await?;
    if let Some(account) = users::by_ids(op.read(), &[proof.user_id]).await?.pop() {
        let user::Model { username, email, display_name, first_name, last_name, .. } = &account;
        let names = [Some(display_name), first_name.as_ref(), last_name.as_ref()];
        let names = names.into_iter().flatten().map(String::as_str);
        check(new_password, &guessable(username.as_deref(), email.as_deref(), names))?;
    }
    let hash = op.platform.passwords.hash(new_password).await?;
    let user = op
        .write(async |tx| {
            let user = users::complete(op, tx, &proof).await?;
            store::put_password(tx, user.id, &hash).await?;
            store::bump_token_version(tx, user.id).await?;
            store::end_sessions_of(tx, user.id, None).await?;
            users::tell_of_new_password(op, tx, &user)?;
            tx.emit(AuthEvent::AccountChanged { user: user.id });
            Ok(user)
        })
        .await?;
    Ok(Seen::own(user))
}

fn check(new_password: &str, names: &[&str]) -> Result<()> {
    let mut checks = Checks::new();
    check_password(&mut checks, "newPassword", new_password, names);
    checks.finish()
}

/// Whether the viewer has just proved who they are: by the password given with the request, or without one by a sign-in of the last
/// minutes.
///
/// # Errors
/// INVALID_CREDENTIALS for another password, RATE_LIMIT_EXCEEDED.
pub async fn is_confirmed(op: &Op, password: Option<&str>) -> Result<bool> {
    let person = op.viewer.person()?;
    let Some(password) = password else {
        let session = store::session(op.read(), person.session).await?;
        let recent = TimeDelta::from_std(op.config.auth.confirmed_sign_in).unwrap_or(TimeDelta::minutes(15));
        return Ok(session.is_some_and(|session| op.platform.clock.now() - session.authenticated_at < recent));
    };
    op.platform.cache.limit("password-again", &person.id.to_string(), op.config.limits.sign_in_by_login).await?;
    let kept = store::password_hash(op.read(), person.id).await?;
    match op.platform.passwords.compare(password, kept.as_deref(), None).await? {
        Comparison::Different => Err(AuthError::WrongPassword.into()),
        Comparison::Same | Comparison::SameButOutdated(_) => Ok(true),
    }
}
