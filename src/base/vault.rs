//! Secrets at rest: AES-256-GCM under keys from the configuration, the newest of which seals.

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use super::{
    error::{Error, Result},
    random::Random,
};

/// Seals and opens secrets. The sealed form is `v1.<key id>.<nonce and ciphertext>`; a key's id is the start of its digest.
#[derive(Clone)]
pub struct Vault {
    keys: Vec<(String, Aes256Gcm)>,
    /// For [`Self::derive`]: HMAC-SHA256 under the sealing key.
    deriving: Option<[u8; 32]>,
    random: Random,
}

impl Vault {
    /// A vault over keys of 32 bytes, the one that seals first; the others open what they sealed before a rotation.
    pub fn new(keys: &[[u8; 32]], random: Random) -> Self {
        // Apart from the key that seals, though made from it.
        let deriving = keys.first().map(|key| Sha256::digest([b"polyphony.derive".as_slice(), key].concat()).into());
        let keys = keys
            .iter()
            .map(|key| {
                let digest = Sha256::digest(key);
                (STANDARD_NO_PAD.encode(&digest[..6]), Aes256Gcm::new(&(*key).into()))
            })
            .collect();
        Self { keys, deriving, random }
    }

    /// A secret of 256 bits (43 characters of base64url) that follows from another, for one purpose, and that nobody can guess
    /// without the vault.
    pub fn derive(&self, purpose: &str, from: &str) -> Result<String> {
        let key = self.deriving.ok_or_else(|| Error::internal("the vault has no key"))?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(Error::internal)?;
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(from.as_bytes());
        Ok(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    /// Seals a secret for one purpose: it opens only for the same.
    pub fn seal(&self, purpose: &str, secret: &[u8]) -> Result<String> {
        let (id, key) = self.keys.first().ok_or_else(|| Error::internal("the vault has no key"))?;
        let nonce = self.random.bytes::<12>();
        let sealed = key
            .encrypt(&Nonce::from(nonce), Payload { msg: secret, aad: purpose.as_bytes() })
            .map_err(|_| Error::internal("a secret could not be sealed"))?;
        Ok(format!("v1.{id}.{}", STANDARD_NO_PAD.encode([nonce.as_slice(), &sealed].concat())))
    }

    /// Opens what [`Self::seal`] made.
    pub fn open(&self, purpose: &str, sealed: &str) -> Result<Vec<u8>> {
        let unknown = || Error::internal("a sealed secret cannot be opened with the keys of this vault (VAULT_KEYS)");
        let (id, body) = sealed.strip_prefix("v1.").and_then(|rest| rest.split_once('.')).ok_or_else(unknown)?;
        let (_, key) = self.keys.iter().find(|(known, _)| known == id).ok_or_else(unknown)?;
        let body = STANDARD_NO_PAD.decode(body).map_err(|_| unknown())?;
        let (nonce, body) = body.split_first_chunk::<12>().ok_or_else(unknown)?;
        key.decrypt(&Nonce::from(*nonce), Payload { msg: body, aad: purpose.as_bytes() }).map_err(|_| unknown())
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({} keys)", self.keys.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotated_vault_opens_what_the_old_key_sealed() {
        let old = Vault::new(&[[1; 32]], Random::seeded(1));
        let sealed = old.seal("token", b"secret").unwrap();
        let rotated = Vault::new(&[[2; 32], [1; 32]], Random::seeded(2));
        assert_eq!(rotated.open("token", &sealed).unwrap(), b"secret");
        assert!(rotated.open("other purpose", &sealed).is_err());
        assert!(Vault::new(&[[2; 32]], Random::seeded(3)).open("token", &sealed).is_err());
    }
}
