//! Work after writes about accounts. Harmless the second time.

use chrono::TimeDelta;
use entity::{
    ids::{JobId, UserId, VerificationRequestId},
    verification_request::Kind,
};
use serde::{Deserialize, Serialize};

use super::{
    actions::verification::digest,
    letters::{self, Notice, Subject},
    store,
};
use crate::{
    access::Op,
    base::{error::Result, locale::Locale, text::fold},
    platform::{jobs::Job, mail::Letter},
};

/// Somebody asked for a mail to this address: find out whether there is an account to send it for.
#[derive(Debug, Serialize, Deserialize)]
pub struct FindAccountToMail {
    /// The folded address.
    pub email_key: String,
    /// A reset link rather than a verification link.
    pub is_reset: bool,
    /// The language of the mail.
    #[serde(default)]
    pub locale: Locale,
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
        tx.enqueue(&MailProof { request, locale: job.locale })
    })
    .await
}

/// A proof waits to be mailed.
#[derive(Debug, Serialize, Deserialize)]
pub struct MailProof {
    /// Which.
    pub request: VerificationRequestId,
    /// The language of the mail.
    #[serde(default)]
    pub locale: Locale,
}

impl Job for MailProof {
    const KIND: &'static str = "users.mail_proof";
}

/// Runs [`MailProof`]: makes a token, keeps its digest, and mails the link. A repetition makes another token, and only the last works.
///
/// Where somebody else has proved the address, its owner is told instead; who asked sees no difference.
pub async fn mail_proof(op: &Op, job: MailProof) -> Result<()> {
    let Some(request) = store::pending_by_id(op.read(), job.request, op.platform.clock.now()).await? else {
        return Ok(());
    };
    let Some(account) = store::by_ids(op.read(), &[request.user_id]).await?.pop() else { return Ok(()) };
    let holder = store::proved_holder(op.read(), &fold(&request.email)).await?;
    let (reader, subject) = match holder.filter(|holder| holder.id != account.id) {
        Some(holder) => (holder, None),
        None => {
            let token = op.platform.random.token();
            if !op.write(async |tx| store::put_token(tx, request.id, digest(&token)).await).await? {
                return Ok(());
            }
            let path = if request.kind == Kind::Email { "verify-email" } else { "reset-password" };
            (account, Some(format!("{}/{path}?token={token}", op.config.app.link_base())))
        }
    };
    let subject = match (&subject, request.kind) {
        (None, _) => Subject::AddressWanted,
        (Some(link), Kind::Email) => Subject::Proof(link),
        (Some(link), Kind::PasswordReset) => Subject::Reset(link),
    };
    let (title, body) = letters::write(job.locale, reader.username.as_deref(), subject);
    send(op, request.email.clone(), title, body, request.id.to_string()).await
}

/// The owner of an account should know something.
#[derive(Debug, Serialize, Deserialize)]
pub struct MailNotice {
    /// The mail's own id.
    pub letter: JobId,
    /// Whose account.
    pub user: UserId,
    /// Where to: the address of the account when it happened.
    pub to: String,
    /// What.
    pub notice: Notice,
    /// The language of the mail.
    pub locale: Locale,
}

impl Job for MailNotice {
    const KIND: &'static str = "users.mail_notice";
}

/// Runs [`MailNotice`].
pub async fn mail_notice(op: &Op, job: MailNotice) -> Result<()> {
    let Some(account) = store::by_ids(op.read(), &[job.user]).await?.pop() else { return Ok(()) };
    let (title, body) = letters::write(job.locale, account.username.as_deref(), Subject::Notice(job.notice));
    send(op, job.to, title, body, job.letter.to_string()).await
}

async fn send(op: &Op, to: String, subject: &str, body: String, message_id: String) -> Result<()> {
    let letter = Letter { to, subject: subject.to_owned(), body, message_id };
    op.platform.mail.send(&letter).await
}
