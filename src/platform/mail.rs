//! Mail: over SMTP, or into a folder on a laptop, a file a mail.

use std::path::PathBuf;

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};

use super::private;
use crate::{
    base::error::{Error, Result},
    config,
};

/// A plain-text letter.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The recipient's address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The text.
    pub body: String,
    /// The same for every attempt at the same letter, so that a mail server can tell a repetition.
    pub message_id: String,
}

/// Sends mail.
#[derive(Clone, Debug)]
pub struct Mailer {
    from: Mailbox,
    transport: Transport,
}

#[derive(Clone, Debug)]
enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(PathBuf),
}

impl Mailer {
    /// Reads the settings; connects with the first letter.
    ///
    /// # Errors
    /// Which setting is wrong.
    pub fn open(config: &config::mail::Mail) -> Result<Self> {
        let from = config.from.parse().map_err(|error| Error::internal(format!("MAIL_FROM: {error}")))?;
        let transport = match &config.transport {
            config::mail::Transport::Smtp(url) => Transport::Smtp(
                AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
                    .map_err(|error| Error::internal(format!("SMTP_URL: {error}")))?
                    .timeout(Some(std::time::Duration::from_secs(20)))
                    .build(),
            ),
            config::mail::Transport::Folder(path) => Transport::Folder(path.clone()),
        };
        Ok(Self { from, transport })
    }

    /// Hands a letter over.
    pub async fn send(&self, letter: &Letter) -> Result<()> {
        let host = self.from.email.domain();
        let message = Message::builder()
            .from(self.from.clone())
            .to(letter.to.parse().map_err(Error::internal)?)
            .subject(&letter.subject)
            .message_id(Some(format!("<{}@{host}>", letter.message_id)))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.body.clone())
            .map_err(Error::internal)?;
        match &self.transport {
            Transport::Smtp(smtp) => {
                smtp.send(message).await.map_err(Error::internal)?;
            }
            Transport::Folder(folder) => {
                let path = folder.join(format!("{}.eml", letter.message_id));
                private::folder(folder).map_err(Error::internal)?;
                private::write(&path, &message.formatted()).map_err(Error::internal)?;
                tracing::info!(subject = letter.subject, mail = %path.display(), "a mail was put into the mailbox folder");
            }
        }
        Ok(())
    }

    /// Whether the mail server answers, or the folder can be written into.
    pub async fn is_reachable(&self) -> Result<bool> {
        match &self.transport {
            Transport::Smtp(smtp) => smtp.test_connection().await.map_err(Error::internal),
            Transport::Folder(folder) => {
                let probe = folder.join(".probe");
                let written = private::folder(folder).and_then(|()| private::write(&probe, b"Can this be written?\n"));
                written
                    .and_then(|()| std::fs::remove_file(&probe))
                    .map_err(|error| private::unusable(folder, &error))?;
                Ok(true)
            }
        }
    }
}
