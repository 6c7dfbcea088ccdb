//! Mails in the mailbox folder.

use std::path::Path;

/// A mail that was sent.
#[derive(Clone, Debug)]
pub struct Mail {
    /// To whom.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub body: String,
}

impl Mail {
    /// The token in the link of the mail.
    #[track_caller]
    pub fn token(&self) -> String {
        let (_, rest) = self.body.split_once("token=").unwrap_or_else(|| panic!("no link in {self:?}"));
        rest.split_whitespace().next().unwrap_or_default().to_owned()
    }
}

pub(super) fn read(folder: &Path) -> Vec<Mail> {
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| parse(&std::fs::read_to_string(file).unwrap())).collect()
}

fn parse(text: &str) -> Mail {
    let text = text.replace("\r\n", "\n");
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_default().to_owned()
    };
    let quoted = header("Content-Transfer-Encoding") == "quoted-printable";
    let body = if quoted { body.replace("=\n", "").replace("=3D", "=") } else { body.to_owned() };
    Mail { to: header("To"), subject: header("Subject"), body }
}
