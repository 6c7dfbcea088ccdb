//! Proofs by mailed links.
//!
//! Asking for a mail answers the same, and does the same work, whether or not an account exists: it enqueues a job, and only the job
//! looks. The token is made when the mail is written, and only its digest is kept.

use chrono::TimeDelta;
use entity::{user, verification_request::Kind};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use sha2::{Digest, Sha256};

use crate::{
    access::Op,
    base::{
        error::Result,
        text::{Checks, fold},
    },
    domains::users::{
        error::UserError,
        jobs::{FindAccountToMail, MailProof},
        store,
    },
    platform::Tx,
};

/// SHA-256 of a token, in hexadecimal: what is kept of it.
pub fn digest(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Inside a write that set or changed an address: have it proved.
pub async fn ask_for_proof(op: &Op, tx: &Tx, user: &user::Model) -> Result<()> {
    let Some(email) = &user.email else { return Ok(()) };
    let expires_at = tx.now() + TimeDelta::from_std(op.config.auth.verification_lifetime).unwrap_or(TimeDelta::days(1));
    // Nobody knows a token for this digest; the job makes the real one when it writes the mail.
    let unknown = digest(&op.platform.random.token());
    let request = store::insert_verification(tx, user.id, Kind::Email, email, unknown, expires_at).await?;
    tx.enqueue(&MailProof { request })
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
    let limits = &op.config.limits;
    op.platform.cache.limit("mail-by-address", &op.origin.address(), limits.mail_by_address).await?;
    // Past the recipient's limit nothing is sent, and nothing is said: an answer would tell that mails were sent before.
    if op.platform.cache.limit("mail-by-recipient", &fold(&email), limits.mail_by_recipient).await.is_err() {
        return Ok(());
    }
    let is_reset = kind == Kind::PasswordReset;
    op.write(async |tx| tx.enqueue(&FindAccountToMail { email_key: fold(&email), is_reset })).await
}

/// Uses a mailed token up and gives the account it belongs to, locked, with the address it proved.
pub async fn complete(tx: &Tx, kind: Kind, token: &str) -> Result<user::Model> {
    let request = store::lock_verification(tx, kind, &digest(token)).await?.ok_or(UserError::BadToken)?;
    let user = tx.also_lock(user::Entity::find_by_id(request.user_id)).await?.ok_or(UserError::BadToken)?;
    store::complete_verification(tx, request.id).await?;
    // The link proves the address it was sent to, not one that was entered since.
    if user.email_key != Some(fold(&request.email)) {
        return Err(UserError::BadToken.into());
    }
    if user.email_verified_at.is_some() {
        return Ok(user);
    }
    let proved = user::ActiveModel {
        id: Set(user.id),
        email_verified_at: Set(Some(tx.now())),
        version: Set(user.version + 1),
        updated_at: Set(tx.now()),
        ..Default::default()
    };
    Ok(proved.update(tx).await?)
}
