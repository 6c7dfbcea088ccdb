//! Choosing a new password.

use entity::verification_request::Kind;

use crate::{
    access::Op,
    base::{error::Result, text::Checks},
    domains::{
        auth::{events::AuthEvent, model::check_password, store},
        users::{self, Seen},
    },
};

/// Sets a new password from a mailed token: every older token and session dies.
///
/// # Errors
/// VALIDATION_FAILED for a weak password (the token stays good), INVALID_TOKEN, RATE_LIMIT_EXCEEDED.
pub async fn reset_password(op: &Op, token: &str, new_password: &str) -> Result<Seen> {
    op.platform.cache.limit("mailed-token", &op.origin.address(), op.config.limits.token_attempts).await?;
    let mut checks = Checks::new();
    check_password(&mut checks, "newPassword", new_password, &["polyphony"]);
    checks.finish()?;
    let hash = op.platform.passwords.hash(new_password).await?;
    let user = op
        .write(async |tx| {
            let user = users::complete(tx, Kind::PasswordReset, token).await?;
            store::put_password(tx, user.id, &hash).await?;
            store::bump_token_version(tx, user.id).await?;
            store::end_sessions_of(tx, user.id, None).await?;
            tx.emit(AuthEvent::AccountChanged { user: user.id });
            Ok(user)
        })
        .await?;
    Ok(Seen::own(user))
}
