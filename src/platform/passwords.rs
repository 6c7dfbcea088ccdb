//! Password hashing: Argon2id on threads of its own, a few at a time, so that a storm of sign-ins leaves the others their cores.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use crate::{
    base::{
        error::{Error, Result},
        random::Random,
    },
    config,
};

/// Hashes and compares passwords.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    hands: Arc<Semaphore>,
    random: Random,
    /// A hash of nothing anybody knows: compared with when there is no account, so that the answer takes as long.
    decoy: Arc<str>,
}

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Another password.
    Different,
    /// The password.
    Same,
    /// The password, kept in a form we would no longer choose: here is one we would.
    SameButOutdated(String),
}

impl Passwords {
    pub(super) fn new(config: &config::auth::Auth, random: Random) -> Result<Self> {
        let params = Params::new(config.argon2_memory_kib, config.argon2_passes, 1, None).map_err(Error::internal)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash_now(&argon2, random.token().as_bytes(), &random.bytes())?.into();
        Ok(Self { argon2, hands: Arc::new(Semaphore::new(config.hashers.max(1))), random, decoy })
    }

    /// Hashes a password for keeping. Every byte counts: nothing is cut off, folded or trimmed.
    pub async fn hash(&self, password: &str) -> Result<String> {
        let (argon2, password, salt) = (self.argon2.clone(), password.to_owned(), self.random.bytes());
        self.on_a_thread(move || hash_now(&argon2, password.as_bytes(), &salt)).await
    }

    /// Compares a password with a kept hash (Argon2id, or bcrypt of an imported account), or with a decoy when there is none.
    pub async fn compare(&self, password: &str, kept: Option<&str>) -> Result<Comparison> {
        let known = kept.is_some();
        let (argon2, password, salt) = (self.argon2.clone(), password.to_owned(), self.random.bytes());
        let kept = kept.unwrap_or(&self.decoy).to_owned();
        let found = self
            .on_a_thread(move || {
                if kept.starts_with("$2") {
                    let same = bcrypt::verify(&password, &kept).map_err(Error::internal)?;
                    return Ok(match same {
                        true => Comparison::SameButOutdated(hash_now(&argon2, password.as_bytes(), &salt)?),
                        false => Comparison::Different,
                    });
                }
                let hash = PasswordHash::new(&kept).map_err(Error::internal)?;
                if argon2.verify_password(password.as_bytes(), &hash).is_err() {
                    return Ok(Comparison::Different);
                }
                let current = Params::try_from(&hash).is_ok_and(|params| {
                    (params.m_cost(), params.t_cost()) == (argon2.params().m_cost(), argon2.params().t_cost())
                });
                Ok(match current {
                    true => Comparison::Same,
                    false => Comparison::SameButOutdated(hash_now(&argon2, password.as_bytes(), &salt)?),
                })
            })
            .await?;
        Ok(if known { found } else { Comparison::Different })
    }

    async fn on_a_thread<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let _hand = self.hands.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
    }
}

fn hash_now(argon2: &Argon2<'_>, password: &[u8], salt: &[u8; 16]) -> Result<String> {
    Ok(argon2.hash_password_with_salt(password, salt).map_err(Error::internal)?.to_string())
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passwords")
    }
}
