//! Tokens, passwords and the keys of the vault.

use std::time::Duration;

use super::{Env, Environment, app::App};

/// How people prove who they are.
#[derive(Clone)]
pub struct Auth {
    /// `VAULT_KEYS`: 64 hexadecimal characters each, separated by commas, the sealing key first. On a laptop one is made and kept
    /// in `DATA_DIR/vault.key`.
    pub vault_keys: Vec<[u8; 32]>,
    /// `JWT_ISSUER`, checked in every token.
    pub issuer: String,
    /// `JWT_AUDIENCE`, checked in every token.
    pub audience: String,
    /// Access tokens live 15 minutes: how long a stolen one is useful if nobody notices.
    pub access_lifetime: Duration,
    /// Tokens of a scope may be presented for 5 minutes: they stand in addresses, which others see.
    pub scoped_lifetime: Duration,
    /// `REFRESH_LIFETIME_HOURS`: how long a device may be away. Seven days; 8 for a work-day policy.
    pub refresh_lifetime: Duration,
    /// `SESSION_MAX_DAYS`: how long a sign-in lasts at the most, however often it is refreshed. Ninety days.
    pub session_lifetime: Duration,
    /// How long an exchanged refresh token may come back because the answer was lost, as long as its successor was not used.
    pub refresh_grace: Duration,
    /// Signing keys sign for 30 days, and verify until the last token they signed has expired.
    pub key_lifetime: Duration,
    /// A verification link is good for a day.
    pub verification_lifetime: Duration,
    /// A password reset link is good for an hour.
    pub reset_lifetime: Duration,
    /// How recent a password must be for the rights of an administrator, until a second factor exists.
    pub recent_sign_in: Duration,
    /// How often to look whether the sign-ins behind open sockets still hold, besides being told: for what nobody was told of.
    pub recheck_interval: Duration,
    /// How long requests go by what was read of their sign-in, unless told that something changed: a signal may be lost, and the whole
    /// is to take force within a second.
    pub standing_age: Duration,
    /// How recent a sign-in must be to change the address without giving the password again: 15 minutes.
    pub confirmed_sign_in: Duration,
    /// Argon2id memory in KiB. 19 MiB, 2 passes, 1 lane: the OWASP password storage cheat sheet's second setting.
    pub argon2_memory_kib: u32,
    /// Argon2id passes.
    pub argon2_passes: u32,
    /// How many passwords are hashed at once: more would take the cores from everybody else.
    pub hashers: usize,
}

impl Auth {
    pub(super) fn read(env: &mut Env, app: &App) -> Self {
        let vault_keys = env.text("VAULT_KEYS").map(|text| text.split(',').map(key).collect::<Option<Vec<_>>>());
        let vault_keys = match vault_keys {
            None if app.environment == Environment::Development => Vec::new(),
            None => {
                env.fault("VAULT_KEYS: set 64 random hexadecimal characters, such as `openssl rand -hex 32` prints");
                Vec::new()
            }
            Some(Some(keys)) => {
                // What somebody types to get past the check above; a random key is none of these.
                if app.environment != Environment::Development && keys.iter().any(is_guessable) {
                    env.fault("VAULT_KEYS: this key can be guessed; take what `openssl rand -hex 32` prints");
                }
                keys
            }
            Some(None) => {
                env.fault("VAULT_KEYS: takes keys of 64 hexadecimal characters, separated by commas");
                Vec::new()
            }
        };
        Self {
            vault_keys,
            issuer: env.text("JWT_ISSUER").unwrap_or_else(|| "polyphony".into()),
            audience: env.text("JWT_AUDIENCE").unwrap_or_else(|| "polyphony".into()),
            access_lifetime: Duration::from_secs(900),
            scoped_lifetime: Duration::from_secs(300),
            refresh_lifetime: Duration::from_secs(3600 * env.number("REFRESH_LIFETIME_HOURS", 168, 1..=8760)),
            session_lifetime: Duration::from_secs(24 * 3600 * env.number("SESSION_MAX_DAYS", 90, 1..=3650)),
            refresh_grace: Duration::from_secs(60),
            key_lifetime: Duration::from_secs(30 * 24 * 3600),
            verification_lifetime: Duration::from_secs(24 * 3600),
            reset_lifetime: Duration::from_secs(3600),
            recent_sign_in: Duration::from_secs(12 * 3600),
            recheck_interval: Duration::from_secs(2),
            standing_age: Duration::from_millis(500),
            confirmed_sign_in: Duration::from_secs(900),
            argon2_memory_kib: 19 * 1024,
            argon2_passes: 2,
            hashers: 2,
        }
    }

    pub(super) fn describe(&self) -> Vec<(&'static str, String)> {
        vec![
            ("VAULT_KEYS", format!("({} set)", self.vault_keys.len())),
            ("JWT_ISSUER", self.issuer.clone()),
            ("JWT_AUDIENCE", self.audience.clone()),
            ("REFRESH_LIFETIME_HOURS", (self.refresh_lifetime.as_secs() / 3600).to_string()),
            ("SESSION_MAX_DAYS", (self.session_lifetime.as_secs() / 24 / 3600).to_string()),
        ]
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// True for a key of a few repeated bytes.
fn is_guessable(key: &[u8; 32]) -> bool {
    key.iter().collect::<std::collections::HashSet<_>>().len() < 8
}

/// A key of 64 hexadecimal characters.
pub(crate) fn key(text: &str) -> Option<[u8; 32]> {
    let text = text.trim().as_bytes();
    let mut key = [0; 32];
    if text.len() != 64 || !text.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(text.chunks_exact(2)) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}
