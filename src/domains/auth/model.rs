//! Pure rules of signing in.

use chrono::{DateTime, Utc};
use entity::ids::{SessionId, UserId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    access::Roles,
    base::text::{Checks, fold},
};

/// What an access token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// For whom it was issued.
    pub aud: String,
    /// Whose it is.
    pub sub: UserId,
    /// Whose it is, by the name other services of the house expect.
    pub user_id: UserId,
    /// The username, for display.
    pub username: Option<String>,
    /// The highest role, for display; rights are read anew with every request.
    pub role: String,
    /// By which sign-in.
    pub sid: SessionId,
    /// The account's token version when it was issued.
    pub token_version: i32,
    /// Its own id.
    pub jti: String,
    /// When it was issued, seconds since 1970.
    pub iat: i64,
    /// When it ends, seconds since 1970.
    pub exp: i64,
}

/// What has to be known of a session and its account to trust a token.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The account's token version.
    pub token_version: i32,
    /// Kept out by a moderator, or deleted.
    pub is_shut_out: bool,
    /// When the session was ended.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When the session ends by itself.
    pub expires_at: DateTime<Utc>,
    /// When the password was last given.
    pub authenticated_at: DateTime<Utc>,
    /// The roles held now, and what they allow.
    pub roles: Roles,
    /// When the first of them ends by itself.
    pub roles_until: Option<DateTime<Utc>>,
}

impl Standing {
    /// The session is good for a token of this version.
    pub fn admits(&self, token_version: i32, now: DateTime<Utc>) -> bool {
        !self.is_shut_out && self.token_version == token_version && self.revoked_at.is_none() && self.expires_at > now
    }
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// Good now.
    Active,
    /// Ended by itself.
    Expired,
    /// Ended by its owner, or because a token was stolen.
    Revoked,
}

/// SHA-256 of a token, in hexadecimal: what is kept of it.
pub fn digest(token: &str) -> String {
    Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Passwords everybody tries first, folded; those shorter than the least length need no mention.
const COMMON: [&str; 24] = [
    "password123",
    "password1234",
    "passwordpassword",
    "1234567890",
    "12345678910",
    "123456789012",
    "0123456789",
    "qwertyuiop",
    "qwertyuiop123",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "qwerty12345",
    "qwerty123456",
    "iloveyou123",
    "administrator",
    "letmein123",
    "letmein1234",
    "welcome123",
    "welcome1234",
    "changeme123",
    "abcdefghij",
    "abc1234567",
    "football123",
    "sunshine123",
];

/// What guessing a person's password begins with: the house's name, and what the account is called.
pub fn guessable<'a>(
    username: Option<&'a str>,
    email: Option<&'a str>,
    names: impl IntoIterator<Item = &'a str>,
) -> Vec<&'a str> {
    let local = email.and_then(|email| email.split('@').next());
    ["polyphony"].into_iter().chain(username).chain(email).chain(local).chain(names).collect()
}

/// At least 10 characters, at most 256, of any kind; not one everybody tries, not made of one's own names.
///
/// NIST SP 800-63B-4 asks for length and a blocklist and against rules of composition; so no digit is demanded.
pub fn check_password(checks: &mut Checks, field: &str, password: &str, names: &[&str]) {
    let length = password.chars().count();
    let folded = fold(password);
    let mut letters = folded.chars();
    let first = letters.next();
    if !(10..=256).contains(&length) {
        checks.fault(field, format!("takes 10 to 256 characters, this has {length}"));
    } else if COMMON.contains(&folded.as_str()) || letters.all(|letter| Some(letter) == first) {
        checks.fault(field, "is one of the passwords everybody tries first; choose another");
    } else if is_made_of(&folded, names) {
        checks.fault(field, "is little more than your own name or address; choose another");
    }
}

/// What is left of a password without the names in it, all of them, has to stand on its own.
fn is_made_of(folded: &str, names: &[&str]) -> bool {
    let mut names: Vec<String> = names.iter().map(|name| fold(name)).filter(|name| name.chars().count() >= 3).collect();
    // An address holds the name before its @: taken out first, that would leave the rest of the address.
    names.sort_unstable_by_key(|name| std::cmp::Reverse(name.len()));
    let rest = names.iter().fold(folded.to_owned(), |rest, name| rest.replace(name, ""));
    rest.len() < folded.len() && rest.chars().count() < 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords() {
        let good = |password: &str| {
            let mut checks = Checks::new();
            let names = guessable(Some("margarete"), Some("grete@example.org"), ["Grete Kühn"]);
            check_password(&mut checks, "password", password, &names);
            checks.finish().is_ok()
        };
        for password in ["correct horse", "päßwörter gehen auch", "margarete likes trains", &"x1".repeat(128)] {
            assert!(good(password), "{password}");
        }
        for password in [
            "short",
            "Password1234",
            "aaaaaaaaaaaa",
            "Margarete123",
            "grete@example.org1",
            "GreteMargarete!",
            "Grete Kühn 1",
            "polyphony-1",
            &"x1".repeat(129),
        ] {
            assert!(!good(password), "{password}");
        }
    }
}
