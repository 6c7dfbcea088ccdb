//! How mail leaves the house.

use std::path::PathBuf;

use super::{Env, Environment, app::App, without_password};

/// Where mail goes.
#[derive(Clone, Debug)]
pub enum Transport {
    /// `SMTP_URL`: `smtp://`, `smtps://` or `smtp://…?tls=required`, with user and password inside.
    Smtp(String),
    /// A folder on disk, a file a mail: what a laptop has instead of a mail server.
    Folder(PathBuf),
}

/// Mail settings.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Where mail goes.
    pub transport: Transport,
    /// `MAIL_FROM`: the sender of every mail.
    pub from: String,
}

impl Mail {
    pub(super) fn read(env: &mut Env, app: &App) -> Self {
        let transport = match env.text("SMTP_URL") {
            Some(url) => {
                if !["smtp://", "smtps://"].iter().any(|scheme| url.starts_with(scheme)) {
                    env.fault("SMTP_URL: takes smtp://user:password@host:port or smtps://…");
                }
                Transport::Smtp(url)
            }
            None => {
                if app.environment == Environment::Production {
                    env.fault("SMTP_URL: set the mail server, such as smtps://user:password@mail.example.org");
                }
                Transport::Folder(app.data_dir.join("mail"))
            }
        };
        Self {
            transport,
            from: env.text("MAIL_FROM").unwrap_or_else(|| "Polyphony <no-reply@polyphony.localhost>".into()),
        }
    }

    pub(super) fn describe(&self) -> Vec<(&'static str, String)> {
        let transport = match &self.transport {
            Transport::Smtp(url) => without_password(url),
            Transport::Folder(path) => format!("folder {}", path.display()),
        };
        vec![("SMTP_URL", transport), ("MAIL_FROM", self.from.clone())]
    }
}
