//! Who asks, and from where: the one place that reads tokens and cookies from a request.
//!
//! A token that is presented must be good: a bad one is INVALID_TOKEN for the whole request and never a quiet "anonymous", or a
//! client would show an empty page to somebody whose session has just ended.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Query},
    http::{HeaderMap, HeaderValue, header, request::Parts},
};

use super::State;
use crate::{
    access::{Origin, TokenScope, Viewer},
    base::{
        error::{Code, Error, Result},
        locale::Locale,
    },
    config::Environment,
    domains::auth::{self, Cookie},
};

/// `X-Session-Mode: cookie` asks for cookies instead of tokens in the body.
const SESSION_MODE: &str = "x-session-mode";
/// The parameter of an address that carries a token.
const IN_ADDRESS: &str = "access_token";
/// Characters kept of what a client calls itself.
const USER_AGENT: usize = 512;

/// By what a viewer was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Means {
    /// By nothing: anonymous.
    Nothing,
    /// By a token that only the client's own code could send.
    Token,
    /// By a cookie that a browser sends by itself, whoever made it do so.
    Cookie,
}

/// Who asks, and from where.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// Who.
    pub(super) viewer: Viewer,
    /// From where.
    pub(super) origin: Origin,
    /// By what they were known.
    pub(super) means: Means,
    /// `X-Session-Mode: cookie` was sent: code that may set headers made this request.
    pub(super) asked_for_cookies: bool,
}

/// What a request brings to prove who asks. Holds secrets: no `Debug`.
#[derive(Clone)]
pub(super) struct Credentials {
    token: Option<Result<String>>,
    pub(super) access_cookie: Option<String>,
    refresh_cookie: Option<String>,
    asked_for_cookies: bool,
}

impl Credentials {
    /// Reads the headers of a request.
    pub(super) fn read(headers: &HeaderMap, environment: Environment) -> Self {
        let token = headers.get(header::AUTHORIZATION).map(|value| bearer(value.to_str().unwrap_or_default()));
        let mode = headers.get(SESSION_MODE).is_some_and(|mode| mode.as_bytes().eq_ignore_ascii_case(b"cookie"));
        Self {
            // Who sends a token is known by it; what a browser adds does not count then.
            access_cookie: cookie(headers, Cookie::Access.name(environment)).filter(|_| token.is_none()),
            refresh_cookie: cookie(headers, Cookie::Refresh.name(environment)).filter(|_| token.is_none()),
            asked_for_cookies: mode,
            token,
        }
    }

    /// Finds out who it is.
    ///
    /// # Errors
    /// INVALID_TOKEN when a token or an access cookie is there and is not good.
    pub(super) async fn check(&self, state: &State) -> Result<(Viewer, Means)> {
        let (token, means) = match (&self.token, &self.access_cookie) {
            (Some(token), _) => (token.clone()?, Means::Token),
            (None, Some(cookie)) => (cookie.clone(), Means::Cookie),
            (None, None) => return Ok((Viewer::Anonymous, Means::Nothing)),
        };
        let viewer = auth::authenticate(&state.platform, &state.config, &token).await?;
        Ok((viewer, means))
    }
}

/// Finds out who sends a request.
///
/// # Errors
/// INVALID_TOKEN, see [`Credentials::check`].
pub(super) async fn identify(state: &State, parts: &Parts) -> Result<Caller> {
    let credentials = Credentials::read(&parts.headers, state.config.app.environment);
    let (viewer, means) = credentials.check(state).await?;
    let origin = Origin {
        cookie_mode: credentials.asked_for_cookies || means == Means::Cookie || credentials.refresh_cookie.is_some(),
        refresh_cookie: credentials.refresh_cookie,
        ..origin(state, parts)
    };
    Ok(Caller { viewer, origin, means, asked_for_cookies: credentials.asked_for_cookies })
}

/// The token in the address of a request (RFC 6750, section 2.3): for a browser's `EventSource`, which sends no headers of a page's choosing.
///
/// # Errors
/// BAD_REQUEST when there is another one beside it.
pub(super) fn token_in_address(parts: &Parts) -> Result<Option<String>> {
    let query =
        Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map(|Query(fields)| fields).unwrap_or_default();
    let mut tokens = query.into_iter().filter(|(name, _)| name == IN_ADDRESS).map(|(_, value)| value);
    let Some(token) = tokens.next() else { return Ok(None) };
    if tokens.next().is_some() || parts.headers.contains_key(header::AUTHORIZATION) {
        return Err(Error::new(Code::BadRequest, "access_token: send one token, in one place."));
    }
    Ok(Some(token))
}

/// Finds out who opens an event stream with a token in its address. What a browser adds does not count then.
///
/// # Errors
/// INVALID_TOKEN for any other than a `CHAT` token: an access token in an address is one that others may have read.
pub(super) async fn identify_stream(state: &State, parts: &Parts, token: &str) -> Result<Caller> {
    let viewer = auth::authenticate_scoped(&state.platform, &state.config, token, TokenScope::Chat).await?;
    Ok(Caller { viewer, origin: origin(state, parts), means: Means::Token, asked_for_cookies: false })
}

/// What is said of a token in an address where none may stand.
pub(super) fn misplaced_token() -> Error {
    let sentence = "access_token: only the address of an event stream takes one (GET with Accept: text/event-stream); send it as \
                    `Authorization: Bearer …`, or to a socket in the payload of connection_init.";
    Error::new(Code::BadRequest, sentence)
}

/// Where a request comes from, without what its cookies say.
pub(super) fn origin(state: &State, parts: &Parts) -> Origin {
    let user_agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let language = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Origin {
        ip: address(parts, state.config.app.trust_proxy),
        user_agent: user_agent.map(|text| text.chars().take(USER_AGENT).collect()),
        cookie_mode: false,
        refresh_cookie: None,
        connection: None,
        locale: language.map(Locale::preferred).unwrap_or_default(),
    }
}

/// The token in an `Authorization` value.
///
/// # Errors
/// INVALID_TOKEN when it is of another scheme or empty.
pub(super) fn bearer(value: &str) -> Result<String> {
    let token = value
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    let malformed = || Error::new(Code::InvalidToken, "Send the access token as `Authorization: Bearer …`.");
    token.filter(|token| !token.is_empty()).map(str::to_owned).ok_or_else(malformed)
}

/// Tells a browser to forget an access cookie that is no longer good, so that its next request can be anonymous.
pub(super) fn forget_access_cookie(headers: &mut HeaderMap, environment: Environment) {
    // Nothing but a name of our own stands in it.
    if let Ok(gone) = HeaderValue::from_str(&Cookie::Access.written(environment, "", 0)) {
        headers.append(header::SET_COOKIE, gone);
    }
}

/// True for a request made on this machine and by no proxy.
pub(super) fn is_loopback(parts: &Parts) -> bool {
    let forwarded = parts.headers.contains_key("x-forwarded-for") || parts.headers.contains_key(header::FORWARDED);
    !forwarded && peer(parts).is_some_and(|ip| ip.to_canonical().is_loopback())
}

fn peer(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip())
}

/// The client's address. Of `X-Forwarded-For` only the last entry counts, which our own proxy wrote; those before it are the
/// client's own words.
pub(super) fn address(parts: &Parts, trust_proxy: bool) -> Option<IpAddr> {
    let forwarded = || {
        let value = parts.headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
        let hop = value.rsplit(',').next()?.trim();
        hop.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
    };
    trust_proxy.then(forwarded).flatten().or_else(|| peer(parts))
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let pairs = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    let mut values = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(found, _)| *found == name);
    values.next().map(|(_, value)| value.trim_matches('"').to_owned()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(headers: &[(&'static str, &str)]) -> Parts {
        let mut request = axum::http::Request::new(());
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 5000))));
        request.into_parts().0
    }

    #[test]
    fn only_the_proxys_own_word_counts() {
        let ip = |text: &str| Some(text.parse().unwrap());
        let spoofed = parts(&[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "2.2.2.2, 3.3.3.3")]);
        assert_eq!(address(&spoofed, true), ip("3.3.3.3"));
        assert_eq!(address(&spoofed, false), ip("10.0.0.1"));
        assert_eq!(address(&parts(&[("x-forwarded-for", "[2001:db8::1]:443")]), true), ip("2001:db8::1"));
        assert_eq!(address(&parts(&[("x-forwarded-for", "unknown")]), true), ip("10.0.0.1"));
    }

    #[test]
    fn a_token_makes_cookies_irrelevant() {
        let both = Credentials::read(
            &parts(&[("authorization", "bearer abc"), ("cookie", "polyphony_access=a; polyphony_refresh=b")]).headers,
            Environment::Development,
        );
        assert_eq!(both.token.unwrap().unwrap(), "abc");
        assert!(both.access_cookie.is_none() && both.refresh_cookie.is_none());
        let cookies = Credentials::read(
            &parts(&[("cookie", "x=1; polyphony_access=a"), ("cookie", "polyphony_refresh=b")]).headers,
            Environment::Development,
        );
        let elsewhere = Credentials::read(
            &parts(&[("cookie", "polyphony_access=a; __Host-polyphony_refresh=c")]).headers,
            Environment::Production,
        );
        assert_eq!((elsewhere.access_cookie.as_deref(), elsewhere.refresh_cookie.as_deref()), (None, Some("c")));
        assert_eq!((cookies.access_cookie.as_deref(), cookies.refresh_cookie.as_deref()), (Some("a"), Some("b")));
    }

    #[test]
    fn other_schemes_are_no_tokens() {
        for value in ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "abc"] {
            assert!(bearer(value).is_err(), "{value:?}");
        }
    }
}
