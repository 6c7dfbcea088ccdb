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
    ///
    /// # Errors
    /// INTERNAL with what the mail server said, without the recipient: it is logged and kept with the job.
    pub async fn send(&self, letter: &Letter) -> Result<()> {
        let host = self.from.email.domain();
        let message = Message::builder()
            .from(self.from.clone())
            .to(letter.to.parse().map_err(|error| unsent(error, &letter.to))?)
            .subject(&letter.subject)
            .message_id(Some(format!("<{}@{host}>", letter.message_id)))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.body.clone())
            .map_err(Error::internal)?;
        match &self.transport {
            Transport::Smtp(smtp) => {
                smtp.send(message).await.map_err(|error| unsent(error, &letter.to))?;
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

/// Why a letter could not be sent, without whom it was for. Mail servers repeat the address, or the part before the `@`, in what they
/// answer.
#[track_caller]
fn unsent(error: impl std::error::Error, to: &str) -> Error {
    Error::internal(without_recipient(&error.to_string(), to))
}

/// A text without anything that looks like an address, nor the recipient's name.
fn without_recipient(text: &str, to: &str) -> String {
    const INSTEAD: &str = "(recipient)";
    let name = to.rsplit_once('@').map_or(to, |(name, _)| name);
    let is_edge = |character: char| !character.is_alphanumeric();
    let same = |part: &str| part.eq_ignore_ascii_case(name);
    let cleaned = text.split_inclusive(char::is_whitespace).map(|piece| {
        let word = piece.trim_end();
        let mut parts = word.split(['<', '>', '(', ')', '"', '\'', ',', ';', ':', '=']);
        let names = |part: &str| !part.is_empty() && (same(part) || same(part.trim_matches(is_edge)));
        // `%40` is an @ in the links that servers add for their administrators.
        let tells = word.contains('@') || word.contains("%40") || parts.any(names);
        if tells { piece.replace(word, INSTEAD) } else { piece.to_owned() }
    });
    cleaned.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_recipient_is_left() {
        for (said, left) in [
            (
                "permanent error (550): 5.1.1 <ann.lee+x@example.org>: Recipient address rejected",
                "5.1.1 (recipient) Recipient",
            ),
            ("550 5.1.1 No such user: Ann.Lee+x", "No such user: (recipient)"),
            ("550 The account ANN.LEE+X@EXAMPLE.ORG. is full", "The account (recipient) is full"),
            ("550 user=ann.lee+x host=mx1", "(recipient) host=mx1"),
            ("550 See https://mx.example/why?to=ann.lee%2Bx%40example.org for more", "See (recipient) for more"),
            ("450 4.2.1 Try again later", "450 4.2.1 Try again later"),
        ] {
            let cleaned = without_recipient(said, "ann.lee+x@example.org");
            assert!(cleaned.contains(left), "{said}: {cleaned}");
            assert!(!cleaned.to_lowercase().contains("lee"), "{cleaned}");
        }
    }
}
