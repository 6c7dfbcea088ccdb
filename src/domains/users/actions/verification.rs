//! Proofs by mailed links.
//!
//! Asking for a mail answers the same, and does the same work, whether or not an account exists: it enqueues a job, and only the job
//! looks. The token is made when the mail is written, and only its digest is kept.
//!
//! An address takes force when it is proved. The one exception is that of a sign-up, which is all a new account has: it is a claim, good
//! for a reset (which ends every session, so that whoever reads that mailbox owns the account alone), and it gives way to a proof.

use chrono::TimeDelta;
use entity::{
    user,
    verification_request::{self, Kind},
};
use sha2::{Digest, Sha256};

use crate::{
    access::Op,
    base::{
        error::Result,
        text::{Checks, fold},
    },
    domains::users::{
        error::UserError,
        events::UserEvent,
        jobs::{FindAccountToMail, MailNotice, MailProof},
        letters::Notice,
        store,
    },
    platform::Tx,
};

/// SHA-256 of a token, in hexadecimal: what is kept of it.
pub fn digest(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Counts a mail against its recipient's limit for mails of this kind. Past it nothing is sent, and nothing is said: an answer would
/// tell that mails were sent there before. Kinds count apart: who asks for verification mails again and again, which need not even be
/// sent, must not keep the owner from a new password.
pub async fn may_mail(op: &Op, kind: Kind, email: &str) -> bool {
    let counter = match kind {
        Kind::Email => "mail-by-recipient",
        Kind::PasswordReset => "reset-by-recipient",
    };
    op.platform.cache.limit(counter, &fold(email), op.config.limits.mail_by_recipient).await.is_ok()
}

/// Inside a write that made an account or asked to move it: have `email` proved. Unless `may_mail` nothing is sent, and a link that
/// was mailed before stays good.
pub async fn ask_for_proof(op: &Op, tx: &Tx, user: &user::Model, email: &str, may_mail: bool) -> Result<()> {
    if !may_mail && store::waits_for_proof(tx, user.id, email).await? {
        return Ok(());
    }
    let expires_at = tx.now() + TimeDelta::from_std(op.config.auth.verification_lifetime).unwrap_or(TimeDelta::days(1));
    // Nobody knows a token for this digest; the job makes the real one when it writes the mail.
    let unknown = digest(&op.platform.random.token());
    let request = store::insert_verification(tx, user.id, Kind::Email, email, unknown, expires_at).await?;
    if may_mail { tx.enqueue(&MailProof { request, locale: op.origin.locale }) } else { Ok(()) }
}

/// Inside a write that is about an account: tell its owner at this address.
pub fn tell(op: &Op, tx: &Tx, user: &user::Model, to: &str, notice: Notice) -> Result<()> {
    let letter = tx.new_id();
    tx.enqueue(&MailNotice { letter, user: user.id, to: to.to_owned(), notice, locale: op.origin.locale })
}

/// Inside a write that gave an account another password: tell its owner.
pub fn tell_of_new_password(op: &Op, tx: &Tx, user: &user::Model) -> Result<()> {
    match &user.email {
        Some(email) => tell(op, tx, user, email, Notice::PasswordChanged),
        None => Ok(()),
    }
}

/// Sends the verification mail again, if there is an account with this address that still needs it.
pub async fn request_verification(op: &Op, email: &str) -> Result<()> {
    ask(op, email, Kind::Email).await
}

/// Sends a reset mail, if there is an account with this address.
pub async fn request_password_reset(op: &Op, email: &str) -> Result<()> {
    ask(op, email, Kind::PasswordReset).await
}

async fn ask(op: &Op, email: &str, kind: Kind) -> Result<()> {
    let mut checks = Checks::new();
    let email = checks.email("email", email);
    checks.finish()?;
    op.platform.cache.limit("mail-by-address", &op.origin.address(), op.config.limits.mail_by_address).await?;
    if !may_mail(op, kind, &email).await {
        return Ok(());
    }
    let job =
        FindAccountToMail { email_key: fold(&email), is_reset: kind == Kind::PasswordReset, locale: op.origin.locale };
    op.write(async |tx| tx.enqueue(&job)).await
}

/// The pending proof a mailed token belongs to. It is used up by [`complete`].
///
/// # Errors
/// INVALID_TOKEN.
pub async fn find_proof(op: &Op, kind: Kind, token: &str) -> Result<verification_request::Model> {
    let found = store::pending_by_token(op.read(), kind, &digest(token), op.platform.clock.now()).await?;
    found.ok_or_else(|| UserError::BadToken.into())
}

/// Uses a proof up and gives the account it belongs to, locked (so this comes first in a write), with the address it proved. Where that
/// is another address than before, the account moves to it, and the old one is told.
///
/// # Errors
/// INVALID_TOKEN when it was used or withdrawn meanwhile, or when the address was proved by another account.
pub async fn complete(op: &Op, tx: &Tx, proof: &verification_request::Model) -> Result<user::Model> {
    let user = store::lock(tx, proof.user_id).await?.ok_or(UserError::BadToken)?;
    let proof = store::lock_pending(tx, proof).await?.ok_or(UserError::BadToken)?;
    store::complete_verification(tx, proof.id).await?;
    if proof.kind == Kind::PasswordReset {
        // Who needed a new password need not be who asked for what still waits: a link that moves the account would take it away again.
        store::withdraw_all(tx, user.id).await?;
    }
    let key = fold(&proof.email);
    let is_move = user.email_key.as_ref() != Some(&key);
    if !is_move && user.email_verified_at.is_some() {
        return Ok(user);
    }
    if is_move {
        // A reset link is good for the address it was sent to, and not for one the account has moved to since.
        if proof.kind != Kind::Email || store::proved_holder(tx, &key).await?.is_some() {
            return Err(UserError::BadToken.into());
        }
        for released in store::release_claims(tx, &key, user.id).await? {
            tx.emit(UserEvent::Updated { user: released.id, version: released.version });
        }
        store::withdraw_all(tx, user.id).await?;
        if let (Some(old), Some(_)) = (&user.email, user.email_verified_at) {
            tell(op, tx, &user, old, Notice::EmailMoved)?;
        }
    }
    let updated = store::put_proved_email(tx, &user, &proof.email).await?;
    tx.emit(UserEvent::Updated { user: updated.id, version: updated.version });
    Ok(updated)
}
