//! The keys that sign access tokens: Ed25519 (RFC 8037), made by the server, shared by all instances through the database, the
//! private half sealed by the vault.
//!
//! A key signs for a month and then only verifies, until the last token it signed has expired; so rotation ends no session. A new one is
//! published before it signs, a week before the one before it stops: whoever checks our tokens with a copy of the published keys has it
//! by then.

use std::sync::{Mutex, PoisonError};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use ed25519_dalek::{SigningKey, pkcs8::EncodePrivateKey};
use entity::{
    ids::{SigningKeyId, TypedId},
    signing_key,
};
use hashlink::LruCache;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use sea_orm::ActiveValue::Set;
use sha2::{Digest, Sha256};

use super::{error::AuthError, model::Claims, store};
use crate::{
    base::{
        error::{Error, Result},
        random::Random,
    },
    config::Config,
    platform::Platform,
};

/// Tokens whose signatures are kept as checked: a few hundred bytes each.
const PROVED: usize = 10_000;
/// How long an instance goes on with the keys it has read.
const REREAD: TimeDelta = TimeDelta::minutes(5);
/// How long others may go on with the published keys they have read, in seconds.
pub const PUBLISHED_AGE: u32 = 300;
/// How long a new key is published before it signs: well over [`REREAD`] and [`PUBLISHED_AGE`] together.
const AHEAD: TimeDelta = TimeDelta::hours(1);
/// How long before the newest key stops signing the next one is made.
const OVERLAP: TimeDelta = TimeDelta::days(7);

/// What to do about keys that the vault cannot open.
pub const UNOPENED_KEYS: &str = "They were sealed with a vault key that is not among VAULT_KEYS. Set the same VAULT_KEYS for every process; to \
    change them put the new key first and leave the old one behind it. If the old one is lost, no sign-in is: another signing key is made \
    when one is needed, and this ends when the last of those has expired.";

struct Keyring(Vec<Key>);

struct Key {
    id: SigningKeyId,
    x: String,
    /// `None` when the vault cannot open it.
    encoding: Option<EncodingKey>,
    decoding: DecodingKey,
    signs_from: DateTime<Utc>,
    signs_until: DateTime<Utc>,
    verifies_until: DateTime<Utc>,
}

impl Keyring {
    /// The key that signs now: the newest that has been published for long enough. Where there is none, as at the very beginning and when
    /// the vault opens no other, the one that has been published longest.
    fn signing(&self, now: DateTime<Utc>) -> Option<(&Key, &EncodingKey)> {
        // Newest first.
        let able = || self.0.iter().filter(|key| key.signs_until > now);
        let able = || able().filter_map(|key| Some((key, key.encoding.as_ref()?)));
        able().find(|(key, _)| key.signs_from <= now).or_else(|| able().next_back())
    }
}

async fn read(platform: &Platform) -> Result<Keyring> {
    let rows = store::keys(&platform.database.read(), platform.clock.now()).await?;
    let keys = rows.into_iter().map(|row| {
        let private = platform.vault.open("signing key", &row.private_key);
        if private.is_err() {
            tracing::warn!(key = %row.id, "a signing key was sealed with a vault key that is gone: it verifies, and signs no more");
        }
        Ok(Key {
            id: row.id,
            encoding: private.ok().map(|private| EncodingKey::from_ed_der(&private)),
            decoding: DecodingKey::from_ed_components(&row.public_key).map_err(Error::internal)?,
            x: row.public_key,
            signs_from: row.created_at + AHEAD,
            signs_until: row.signs_until,
            verifies_until: row.verifies_until,
        })
    });
    Ok(Keyring(keys.collect::<Result<_>>()?))
}

/// Makes a new key.
pub(super) async fn make(platform: &Platform, config: &Config) -> Result<()> {
    // Never from a seeded source: whoever knows the seed could sign for everybody.
    let key = SigningKey::from_bytes(&Random::system().bytes());
    let private = key.to_pkcs8_der().map_err(Error::internal)?;
    let sealed = platform.vault.seal("signing key", private.as_bytes())?;
    let signs = TimeDelta::from_std(config.auth.key_lifetime).unwrap_or(TimeDelta::days(30));
    let after = TimeDelta::from_std(config.auth.access_lifetime).unwrap_or(TimeDelta::minutes(15)) + REREAD;
    platform
        .write(async |tx| {
            let row = signing_key::ActiveModel {
                id: Set(tx.new_id()),
                public_key: Set(URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes())),
                private_key: Set(sealed.clone()),
                signs_until: Set(tx.now() + signs),
                verifies_until: Set(tx.now() + signs + after),
                created_at: Set(tx.now()),
            };
            store::insert_key(tx, row).await
        })
        .await?;
    platform.memo.forget::<Keyring>();
    Ok(())
}

/// Signs claims. Where there is no key to sign with, one is made.
pub(super) async fn sign(platform: &Platform, config: &Config, claims: &Claims) -> Result<String> {
    for _ in 0..2 {
        let ring = platform.memo.get(REREAD, async || read(platform).await).await?;
        if let Some((key, encoding)) = ring.signing(platform.clock.now()) {
            let header = Header { kid: Some(key.id.to_string()), ..Header::new(Algorithm::EdDSA) };
            return jsonwebtoken::encode(&header, claims, encoding).map_err(Error::internal);
        }
        make(platform, config).await?;
    }
    Err(Error::internal("a signing key was made and cannot be read back"))
}

/// What a token says, when one of our keys signed it for us and it has not ended.
pub(super) async fn verify(platform: &Platform, config: &Config, token: &str) -> Result<Claims> {
    let invalid = || Error::from(AuthError::InvalidAccessToken);
    let proved = platform.memo.get(TimeDelta::MAX, async || Ok(Proved::default())).await?;
    let digest: [u8; 32] = Sha256::digest(token).into();
    let now = platform.clock.now();
    if let Some((id, claims)) = proved.get(&digest) {
        let ring = platform.memo.get(REREAD, async || read(platform).await).await?;
        // A key that was taken away takes what it proved with it.
        if ring.0.iter().any(|key| key.id == id && key.verifies_until > now) {
            return unexpired(claims, now);
        }
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| invalid())?;
    let id = header.kid.as_deref().and_then(|kid| SigningKeyId::parse(kid).ok()).ok_or_else(invalid)?;
    let mut ring = platform.memo.get(REREAD, async || read(platform).await).await?;
    if !ring.0.iter().any(|key| key.id == id) {
        // Another instance may just have made it. A made-up key costs one statement, as any token does.
        platform.memo.forget::<Keyring>();
        ring = platform.memo.get(REREAD, async || read(platform).await).await?;
    }
    let key = ring.0.iter().find(|key| key.id == id && key.verifies_until > now).ok_or_else(invalid)?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[&config.auth.issuer]);
    validation.set_audience(&[&config.auth.audience]);
    // The end is compared with the platform's clock, below.
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation).map_err(|_| invalid())?.claims;
    proved.put(digest, id, claims.clone());
    unexpired(claims, now)
}

fn unexpired(claims: Claims, now: DateTime<Utc>) -> Result<Claims> {
    if claims.exp <= now.timestamp() {
        return Err(AuthError::AccessTokenExpired.into());
    }
    Ok(claims)
}

/// Tokens whose signatures have been checked, by their digests: checking one anew costs more than reading a row. What a token says
/// never changes; whether its session still stands is asked every time.
struct Proved(Mutex<LruCache<[u8; 32], (SigningKeyId, Claims)>>);

impl Default for Proved {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(PROVED)))
    }
}

impl Proved {
    fn get(&self, digest: &[u8; 32]) -> Option<(SigningKeyId, Claims)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    fn put(&self, digest: [u8; 32], id: SigningKeyId, claims: Claims) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, (id, claims));
    }
}

/// The public keys as a JWK set (RFC 7517), for services that check our tokens themselves.
pub async fn jwks(platform: &Platform) -> Result<serde_json::Value> {
    let ring = platform.memo.get(REREAD, async || read(platform).await).await?;
    let keys: Vec<_> = ring
        .0
        .iter()
        .map(|key| {
            serde_json::json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.id, "x": key.x })
        })
        .collect();
    Ok(serde_json::json!({ "keys": keys }))
}

/// How many keys that are to sign the vault cannot open: they were sealed with a key that is not, or no longer, among `VAULT_KEYS`.
/// Costs no statement while the keys that were read last are fresh.
///
/// # Errors
/// When the keys cannot be read.
pub async fn unopened_keys(platform: &Platform) -> Result<usize> {
    let ring = platform.memo.get(REREAD, async || read(platform).await).await?;
    let now = platform.clock.now();
    Ok(ring.0.iter().filter(|key| key.signs_until > now && key.encoding.is_none()).count())
}

/// Makes a new key a week before the newest stops signing, and clears away those that verify no more.
pub(super) async fn rotate(platform: &Platform, config: &Config) -> Result<()> {
    let newest = store::newest_key(&platform.database.read()).await?;
    if newest.is_none_or(|key| key.signs_until < platform.clock.now() + OVERLAP) {
        make(platform, config).await?;
    }
    platform.write(async |tx| store::delete_keys_over(tx).await).await
}
