//! Work after writes about accounts. Harmless the second time.

use chrono::TimeDelta;
use entity::{
    ids::VerificationRequestId,
    user,
    verification_request::{self, Kind},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde::{Deserialize, Serialize};

use super::{actions::verification::digest, store};
use crate::{
    access::Op,
    base::error::Result,
    platform::{jobs::Job, mail::Letter},
};

/// Somebody asked for a mail to this address: find out whether there is an account to send it for.
#[derive(Debug, Serialize, Deserialize)]
pub struct FindAccountToMail {
    /// The folded address.
    pub email_key: String,
    /// A reset link rather than a verification link.
    pub is_reset: bool,
}

impl Job for FindAccountToMail {
    const KIND: &'static str = "users.find_account_to_mail";
}

/// Runs [`FindAccountToMail`].
pub async fn find_account_to_mail(op: &Op, job: FindAccountToMail) -> Result<()> {
    let account = store::find_by_login(op.read(), &job.email_key).await?;
    let Some(account) = account.filter(|account| account.suspended_at.is_none()) else { return Ok(()) };
    if !job.is_reset && account.email_verified_at.is_some() {
        return Ok(());
    }
    let (kind, lifetime) = match job.is_reset {
        true => (Kind::PasswordReset, op.config.auth.reset_lifetime),
        false => (Kind::Email, op.config.auth.verification_lifetime),
    };
    let Some(email) = &account.email else { return Ok(()) };
    op.write(async |tx| {
        let expires_at = tx.now() + TimeDelta::from_std(lifetime).unwrap_or(TimeDelta::hours(1));
        let unknown = digest(&op.platform.random.token());
        let request = store::insert_verification(tx, account.id, kind, email, unknown, expires_at).await?;
        tx.enqueue(&MailProof { request })
    })
    .await
}

/// A proof waits to be mailed.
#[derive(Debug, Serialize, Deserialize)]
pub struct MailProof {
    /// Which.
    pub request: VerificationRequestId,
}

impl Job for MailProof {
    const KIND: &'static str = "users.mail_proof";
}

/// Runs [`MailProof`]: makes a token, keeps its digest, and mails the link. A repetition makes another token, and only the last works.
pub async fn mail_proof(op: &Op, job: MailProof) -> Result<()> {
    let Some(request) = verification_request::Entity::find_by_id(job.request).one(op.read()).await? else {
        return Ok(());
    };
    let Some(account) = user::Entity::find_by_id(request.user_id).one(op.read()).await? else { return Ok(()) };
    let token = op.platform.random.token();
    let kept = op
        .write(async |tx| {
            let kept = verification_request::Entity::update_many()
                .col_expr(verification_request::Column::TokenHash, Expr::value(digest(&token)))
                .filter(verification_request::Column::Id.eq(request.id))
                .filter(verification_request::Column::CompletedAt.is_null())
                .exec(tx)
                .await?;
            Ok(kept.rows_affected == 1)
        })
        .await?;
    if !kept {
        return Ok(());
    }
    let base = op.config.app.link_base();
    let name = &account.display_name;
    let (subject, body) = match request.kind {
        Kind::Email => (
            "Confirm your email address",
            format!(
                "Hello {name},\n\nplease confirm that this address is yours:\n\n{base}/verify-email?token={token}\n\n\
                 The link is good for a day. If you did not sign up, ignore this mail.\n"
            ),
        ),
        Kind::PasswordReset => (
            "Choose a new password",
            format!(
                "Hello {name},\n\nsomebody asked for a new password for your account. If it was you, choose one here:\n\n\
                 {base}/reset-password?token={token}\n\nThe link is good for an hour and works once. If it was not you, ignore this \
                 mail: your password stays as it is.\n"
            ),
        ),
    };
    let letter =
        Letter { to: request.email.clone(), subject: subject.to_owned(), body, message_id: request.id.to_string() };
    op.platform.mail.send(&letter).await
}
