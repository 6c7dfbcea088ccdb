//! Requests a browser was tricked into sending: whatever is authorised by a cookie alone has to prove that a page of ours made it.
//!
//! - A mutation by access cookie carries `X-CSRF-Token`, which only a page that may read `/csrf-token` knows.
//! - A mutation with nothing but a refresh cookie (`refreshSession`) comes from an allowed origin and carries `X-Session-Mode: cookie`,
//!   a header that makes the browser ask us first.
//! - A socket, and any POST by cookie, comes from an allowed origin (ASVS 5.0, 4.4.2).
//!
//! Tokens in a header need none of this: no browser adds them by itself.

use axum::{
    extract::{self, Request},
    http::{HeaderMap, Method, header, request::Parts},
    response::Response,
};
use subtle::ConstantTimeEq;

use super::{
    State, answer,
    answer::Stage,
    auth::{self, Caller, Means},
    layers::{self, RequestId},
    negotiate::Media,
};
use crate::{
    access::{Person, Viewer},
    base::error::{Code, Error, Result},
    config::{app::App, app::Origins},
    schema::Kind,
};

/// The header of the token.
const TOKEN: &str = "x-csrf-token";

/// Refuses what a foreign page may have made a browser send. May take a refresh cookie out of `caller` that must not count.
///
/// # Errors
/// CSRF_FAILED.
pub(super) async fn check(state: &State, parts: &Parts, caller: &mut Caller, kind: Kind) -> Result<()> {
    let origin = is_allowed(&parts.headers, parts.uri.authority().map(|host| host.as_str()), &state.config.app);
    match caller.means {
        Means::Cookie if parts.method == Method::POST && origin == Some(false) => Err(foreign()),
        Means::Cookie if kind == Kind::Mutation => {
            let person = caller.viewer.person()?;
            let sent = parts.headers.get(TOKEN).map(|value| value.as_bytes()).unwrap_or_default();
            if bool::from(token_of(state, person)?.as_bytes().ct_eq(sent)) {
                return Ok(());
            }
            Err(Error::new(Code::CsrfFailed, "Get a token from /csrf-token and send it as X-CSRF-Token."))
        }
        Means::Nothing if kind == Kind::Mutation && caller.origin.refresh_cookie.is_some() => {
            match (origin, caller.asked_for_cookies) {
                (Some(true), true) => {}
                // Our own page, which signs in by token: the cookie of another time is not meant.
                (Some(true), false) => {
                    caller.origin.refresh_cookie = None;
                    caller.origin.cookie_mode = false;
                }
                (Some(false), _) => return Err(foreign()),
                (None, _) => {
                    return Err(Error::new(
                        Code::CsrfFailed,
                        "With a refresh cookie, send Origin and X-Session-Mode: cookie.",
                    ));
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Refuses a socket from a foreign page. `by_cookie`: the browser added an access cookie, so the origin must be said and ours.
///
/// # Errors
/// CSRF_FAILED.
pub(super) fn check_socket(parts: &Parts, app: &App, by_cookie: bool) -> Result<()> {
    match is_allowed(&parts.headers, parts.uri.authority().map(|host| host.as_str()), app) {
        Some(true) => Ok(()),
        Some(false) if app.origins == Origins::Any && !by_cookie => Ok(()),
        None if !by_cookie => Ok(()),
        _ => Err(foreign()),
    }
}

/// GET `/csrf-token`: the token of the session, the same whoever asks again: the tabs of a browser agree, and so do the instances.
pub(super) async fn issue(extract::State(state): extract::State<State>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let id = RequestId::of(&parts.extensions);
    match token(&state, &parts).await {
        Ok(token) => layers::json(&serde_json::json!({ "csrfToken": token })),
        Err(error) => answer::refuse(&state, &id, error, Media::Json, Stage::Refused),
    }
}

async fn token(state: &State, parts: &Parts) -> Result<String> {
    let caller = auth::identify(state, parts).await?;
    let Viewer::Person(person) = &caller.viewer else { return Err(Error::unauthenticated()) };
    token_of(state, person)
}

/// The token of a session. It follows from the session and the vault, so that every instance knows it and none has to keep it, and it
/// ends with the session.
fn token_of(state: &State, person: &Person) -> Result<String> {
    state.platform.vault.derive("csrf token", &person.session.to_string())
}

fn foreign() -> Error {
    Error::new(Code::CsrfFailed, "This origin may not use cookies here; send the access token instead.")
}

/// Whether the page that made the request is ours or listed; `None` when no page says so. `*` is no list: who lets everybody call
/// does not let everybody use the cookies.
fn is_allowed(headers: &HeaderMap, authority: Option<&str>, app: &App) -> Option<bool> {
    let origin = headers.get(header::ORIGIN)?.to_str().unwrap_or("null");
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).or(authority);
    let same_host =
        || origin.split_once("://").is_some_and(|(_, of)| host.is_some_and(|host| of.eq_ignore_ascii_case(host)));
    let listed = || match &app.origins {
        Origins::Any => false,
        Origins::Listed(list) => list.iter().any(|listed| listed.eq_ignore_ascii_case(origin)),
    };
    let public = || app.public_url.as_deref().is_some_and(|url| url.eq_ignore_ascii_case(origin));
    Some(same_host() || listed() || public())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Env};

    fn app(origins: &'static str) -> App {
        let settings = [("ALLOWED_ORIGINS", origins), ("PUBLIC_URL", "https://api.example.org")];
        Config::read(&mut Env::of(settings)).unwrap().app
    }

    fn allowed(origin: Option<&str>, app: &App) -> Option<bool> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "localhost:8000".parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        is_allowed(&headers, None, app)
    }

    #[test]
    fn cookies_are_for_our_own_pages() {
        let listed = app("https://app.example.org");
        for (origin, expected) in [
            (None, None),
            (Some("http://localhost:8000"), Some(true)),
            (Some("https://app.example.org"), Some(true)),
            (Some("https://api.example.org"), Some(true)),
            (Some("https://app.example.org.evil.example"), Some(false)),
            (Some("https://evil.example"), Some(false)),
            (Some("http://localhost:8001"), Some(false)),
            (Some("null"), Some(false)),
        ] {
            assert_eq!(allowed(origin, &listed), expected, "{origin:?}");
        }
        assert_eq!(allowed(Some("https://evil.example"), &app("*")), Some(false));
    }
}
