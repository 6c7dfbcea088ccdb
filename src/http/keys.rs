//! The public keys of our access tokens, for services that check them themselves.

use axum::{
    Json, extract,
    http::header::CACHE_CONTROL,
    response::{IntoResponse, Response},
};

use super::State;
use crate::domains::auth;

/// `GET /.well-known/jwks.json`: a JWK set (RFC 7517) with every key that still verifies.
pub(super) async fn jwks(extract::State(state): extract::State<State>) -> Response {
    match auth::jwks(&state.platform).await {
        Ok(keys) => {
            let kept = format!("public, max-age={}", auth::PUBLISHED_AGE);
            ([(CACHE_CONTROL, kept)], Json(keys)).into_response()
        }
        Err(error) => {
            tracing::error!(?error, "the signing keys could not be read");
            axum::http::StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
