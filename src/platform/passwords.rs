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
    ///
    /// While there are bcrypt hashes at all, `bcrypt_cost` is the highest cost of one; every comparison then does the work of both
    /// kinds, so that the time tells neither an imported account from another nor an account from none.
    pub async fn compare(&self, password: &str, kept: Option<&str>, bcrypt_cost: Option<u32>) -> Result<Comparison> {
        let (argon2, password, salt) = (self.argon2.clone(), password.to_owned(), self.random.bytes());
        let (kept, decoy) = (kept.map(str::to_owned), self.decoy.clone());
        self.on_a_thread(move || {
            let (bcrypt, phc) = match kept {
                Some(kept) if kept.starts_with("$2") => (Some(kept), None),
                kept => (None, kept),
            };
            let same_bcrypt = match &bcrypt {
                Some(kept) => bcrypt::verify(&password, kept).map_err(Error::internal)?,
                None => false,
            };
            let own_cost = bcrypt.as_deref().and_then(|kept| kept.get(4..6)?.parse().ok());
            for cost in missing_costs(own_cost, bcrypt_cost) {
                bcrypt::hash_with_salt(&password, cost, salt).map_err(Error::internal)?;
            }
            let hash = PasswordHash::new(phc.as_deref().unwrap_or(&decoy)).map_err(Error::internal)?;
            let same_argon2 = argon2.verify_password(password.as_bytes(), &hash).is_ok() && phc.is_some();
            if !same_bcrypt && !same_argon2 {
                return Ok(Comparison::Different);
            }
            let current = same_argon2
                && Params::try_from(&hash).is_ok_and(|params| {
                    (params.m_cost(), params.t_cost()) == (argon2.params().m_cost(), argon2.params().t_cost())
                });
            Ok(match current {
                true => Comparison::Same,
                false => Comparison::SameButOutdated(hash_now(&argon2, password.as_bytes(), &salt)?),
            })
        })
        .await
    }

    async fn on_a_thread<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let _hand = self.hands.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
    }
}

/// The costs at which bcrypt has still to be run so that the rounds add up to those of `highest`: a hash of cost n takes 2ⁿ of them,
/// and 2ⁿ + 2ⁿ + 2ⁿ⁺¹ + … + 2ᵐ⁻¹ is 2ᵐ.
fn missing_costs(own: Option<u32>, highest: Option<u32>) -> Vec<u32> {
    match (own, highest) {
        (_, None) => Vec::new(),
        (None, Some(highest)) => vec![highest],
        (Some(own), Some(highest)) => (own..highest).collect(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_comparison_runs_as_many_rounds() {
        for own in [None, Some(4), Some(9), Some(10)] {
            let missing: u32 = missing_costs(own, Some(10)).into_iter().map(|cost| 1 << cost).sum();
            assert_eq!(missing + own.map_or(0, |cost| 1 << cost), 1 << 10, "{own:?}");
        }
        assert!(missing_costs(None, None).is_empty());
    }
}
