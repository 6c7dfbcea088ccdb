//! Tokens that are good for one thing only and for a few minutes: for where a page can give nothing but an address, as to a browser's
//! `EventSource` and to media elements. Addresses end up in histories and in the logs of proxies, so what stands in one has to be worth
//! little.
//!
//! They are signed with secrets of the vault, another for each scope and none of them a signing key: neither kind of token passes for the
//! other, and other services, which know our public keys, take none of these.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::{SessionId, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::{actions::authenticate::standing_viewer, error::AuthError};
use crate::{
    access::{Op, TokenScope, Viewer},
    base::error::{Error, Result},
    config::Config,
    platform::Platform,
};

/// What the vault derives the secrets for.
const PURPOSE: &str = "scoped token";

/// What a token of a scope says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    /// The audience of access tokens, and behind a slash the scope: `polyphony/chat`.
    aud: String,
    sub: UserId,
    sid: SessionId,
    token_version: i32,
    jti: String,
    iat: i64,
    exp: i64,
}

/// A token of a scope.
#[derive(Clone)]
pub struct ScopedToken {
    /// It.
    pub token: Arc<str>,
    /// What it is good for.
    pub scope: TokenScope,
    /// Seconds until it ends.
    pub expires_in: i64,
}

impl std::fmt::Debug for ScopedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScopedToken").field("scope", &self.scope).finish_non_exhaustive()
    }
}

fn audience(config: &Config, scope: TokenScope) -> String {
    format!("{}/{}", config.auth.audience, scope.name())
}

fn secret(platform: &Platform, scope: TokenScope) -> Result<String> {
    platform.vault.derive(PURPOSE, scope.name())
}

/// Makes a token of a scope for the viewer's sign-in. It ends by itself after a few minutes, and at once with the sign-in.
///
/// # Errors
/// UNAUTHENTICATED.
pub fn issue_scoped_token(op: &Op, scope: TokenScope) -> Result<ScopedToken> {
    let person = op.viewer.person()?;
    let now = op.platform.clock.now().timestamp();
    let expires_in = i64::try_from(op.config.auth.scoped_lifetime.as_secs()).map_err(Error::internal)?;
    let claims = Claims {
        iss: op.config.auth.issuer.clone(),
        aud: audience(&op.config, scope),
        sub: person.id,
        sid: person.session,
        token_version: person.token_version,
        jti: op.platform.ids.uuid().to_string(),
        iat: now,
        exp: now + expires_in,
    };
    let key = EncodingKey::from_secret(secret(&op.platform, scope)?.as_bytes());
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).map_err(Error::internal)?;
    Ok(ScopedToken { token: token.into(), scope, expires_in })
}

/// Who presents a token of this scope; they may do with it what the scope says. One statement.
///
/// What a `CHAT` token opens may outlast it, until an access token of the same moment would have ended.
///
/// # Errors
/// INVALID_TOKEN when it is not ours, of another scope, expired, or its session has ended.
pub async fn authenticate_scoped(
    platform: &Platform,
    config: &Config,
    token: &str,
    scope: TokenScope,
) -> Result<Viewer> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[&config.auth.issuer]);
    validation.set_audience(&[audience(config, scope)]);
    // The end is compared with the platform's clock, below.
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(secret(platform, scope)?.as_bytes());
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation);
    let claims = claims.map_err(|_| AuthError::InvalidScopedToken)?.claims;
    let now = platform.clock.now();
    if claims.exp <= now.timestamp() {
        return Err(AuthError::InvalidScopedToken.into());
    }
    let time = |seconds: i64| DateTime::<Utc>::from_timestamp(seconds, 0).unwrap_or(now);
    let until = match scope {
        TokenScope::Stream => time(claims.exp),
        TokenScope::Chat => time(claims.iat) + TimeDelta::from_std(config.auth.access_lifetime).unwrap_or_default(),
    };
    let viewer = standing_viewer(platform, config, (claims.sub, claims.sid, claims.token_version), until).await?;
    viewer
        .map(|person| Viewer::Person(crate::access::Person { only: Some(scope), ..person }))
        .ok_or_else(|| AuthError::InvalidScopedToken.into())
}

/// Whether a text is made as these tokens are: an access token says of itself that it is signed otherwise.
pub(super) fn is_scoped(token: &str) -> bool {
    jsonwebtoken::decode_header(token).is_ok_and(|header| header.alg == Algorithm::HS256)
}
