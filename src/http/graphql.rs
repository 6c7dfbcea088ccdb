//! POST and GET on `/graphql`, by the current draft of GraphQL over HTTP; WebSocket upgrades and event streams start here too.

use std::{error::Error as _, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{self, Request},
    http::{HeaderValue, Method, header, request::Parts},
    response::Response,
};
use futures_util::StreamExt;

use super::{
    State,
    answer::{self, Facts, Stage},
    auth::{self, Caller, Means},
    batch, csrf,
    form::{self, Posted},
    layers::RequestId,
    negotiate::{self, Media},
    rates::{self, Turn},
    sse, websocket,
};
use crate::{
    access::Op,
    base::error::{Code, Error, Result},
    schema::{Asked, Kind, Prepared},
};

/// How much of a body over the limit is read and thrown away, as a multiple of the limit: a client that is still sending does not
/// read the refusal.
const LINGER: usize = 16;

/// Everything on `/graphql`.
pub(super) async fn endpoint(extract::State(state): extract::State<State>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let id = RequestId::of(&parts.extensions);
    let upgrades =
        parts.headers.get(header::UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"));
    // Over HTTP/2 a socket starts with CONNECT.
    if parts.method == Method::CONNECT || parts.method == Method::GET && upgrades {
        return websocket::upgrade(state, parts).await;
    }
    if parts.method != Method::GET && parts.method != Method::POST {
        let error = Error::new(Code::MethodNotAllowed, "GraphQL is asked by POST, or for reading by GET.");
        return allow(answer::refuse(&state, &id, error, Media::Json, Stage::Refused), "GET, POST");
    }
    let accepted = negotiate::accepted(&parts.headers);
    // Who takes nothing but events reads an error by its status.
    let media = accepted.media.unwrap_or(Media::GraphqlResponse);
    let refuse = |error, stage| answer::refuse(&state, &id, error, media, stage);
    if accepted.media.is_none() && !accepted.events {
        let sentence =
            "Answers come as application/graphql-response+json, application/json or text/event-stream; accept one.";
        return refuse(Error::new(Code::NotAcceptable, sentence), Stage::Refused);
    }
    if let Err(error) = negotiate::check_encodings(&parts.headers) {
        return refuse(error, Stage::Refused);
    }
    let posted = match read(&state, &parts, body).await {
        Ok(posted) => posted,
        Err(error) => return refuse(error, Stage::Refused),
    };
    let in_address = match auth::token_in_address(&parts) {
        Ok(Some(_)) if parts.method != Method::GET || !accepted.events => {
            return refuse(auth::misplaced_token(), Stage::Refused);
        }
        Ok(token) => token,
        Err(error) => return refuse(error, Stage::Refused),
    };
    let known = match &in_address {
        Some(token) => auth::identify_stream(&state, &parts, token).await,
        None => auth::identify(&state, &parts).await,
    };
    let mut caller = match known {
        Ok(caller) => caller,
        Err(error) => {
            let stale = error.code() == Code::InvalidToken
                && in_address.is_none()
                && auth::Credentials::read(&parts.headers, state.config.app.environment).access_cookie.is_some();
            let mut response = refuse(error, Stage::Refused);
            if stale {
                auth::forget_access_cookie(response.headers_mut(), state.config.app.environment);
            }
            return response;
        }
    };
    let asked = match posted {
        Posted::One(asked) => *asked,
        Posted::Several(all) => return Box::pin(batch::answer(&state, &id, &parts, caller, accepted, all)).await,
    };
    let may_refresh = rates::may_refresh(&caller.viewer, asked.text.as_deref());
    let turn = match Turn::begin(&state, &caller.viewer, &caller.origin, parts.extensions.get()) {
        Err(error) if !may_refresh => return refuse(error, Stage::Refused),
        turn => turn,
    };
    let keep = if is_public(&parts, &caller, &asked) { state.config.app.public_cache } else { Duration::ZERO };
    let prepared = state.api.prepare(&state.platform.cache, asked).await;
    let refreshes = prepared.as_ref().is_ok_and(|prepared| rates::is_refresh(&state, &caller.viewer, prepared));
    let turn = match turn {
        Err(error) if !refreshes => return refuse(error, Stage::Refused),
        turn => turn.ok(),
    };
    let mut prepared = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return refuse(error, Stage::Reached),
    };
    let facts = Facts { kind: Some(name(prepared.kind)), operation: title(&prepared), codes: Vec::new() };
    let response = 'answer: {
        if prepared.kind == Kind::Mutation && parts.method == Method::GET {
            let error = Error::new(Code::MethodNotAllowed, "Mutations are sent by POST.");
            break 'answer allow(refuse(error, Stage::Refused), "POST");
        }
        let streams = accepted.events && (prepared.kind == Kind::Subscription || accepted.prefers_events);
        if prepared.kind == Kind::Subscription && !streams {
            let sentence =
                "Subscriptions are followed over a WebSocket (graphql-transport-ws) or with Accept: text/event-stream.";
            break 'answer refuse(Error::new(Code::NotAcceptable, sentence), Stage::Refused);
        }
        if let Err(error) = csrf::check(&state, &parts, &mut caller, prepared.kind).await {
            break 'answer refuse(error, Stage::Refused);
        }
        let weight = prepared.weight(&state.config.limits);
        match turn {
            Some(turn) if refreshes => turn.cancel(),
            Some(turn) => {
                if let Err(error) = turn.settle(prepared.kind, weight) {
                    break 'answer refuse(error, Stage::Refused);
                }
            }
            None => {}
        }
        if streams {
            let resumes = parts.headers.get("last-event-id").filter(|_| prepared.kind == Kind::Subscription);
            if let Some(cursor) = resumes.and_then(|cursor| cursor.to_str().ok()).filter(|cursor| !cursor.is_empty())
                && let Err(error) = state.api.resume_after(&mut prepared, cursor)
            {
                break 'answer refuse(error, Stage::Refused);
            }
            break 'answer sse::stream(&state, &id, caller, prepared).await;
        }
        run(&state, &id, caller, prepared, media, keep).await
    };
    describe(response, facts)
}

/// Whether the answer is what anybody gets who asks by the same address: nobody is signed in, and the document is named by its hash.
/// Others are nobody's business but who asked: `no-store`.
fn is_public(parts: &Parts, caller: &Caller, asked: &Asked) -> bool {
    let by_hash = parts.method == Method::GET && asked.text.is_none();
    by_hash && caller.means == Means::Nothing && !parts.headers.contains_key(header::COOKIE)
}

/// Runs a query or mutation. Caches on the way may keep the answer for `keep`.
async fn run(
    state: &State,
    id: &RequestId,
    caller: Caller,
    prepared: Prepared,
    media: Media,
    keep: Duration,
) -> Response {
    let answer = state.api.execute(operation(state, id, caller), prepared).await;
    // What failed may not fail the next time.
    let keep = if answer.errors.is_empty() { keep.as_secs() } else { 0 };
    let mut response = answer::write(answer, media, Stage::Reached);
    if let (1.., Ok(value)) = (keep, HeaderValue::from_str(&format!("public, max-age={keep}"))) {
        response.headers_mut().insert(header::CACHE_CONTROL, value);
        response.headers_mut().append(header::VARY, HeaderValue::from_static("authorization, cookie"));
    }
    response
}

/// The operation of a request.
pub(super) fn operation(state: &State, id: &RequestId, caller: Caller) -> Arc<Op> {
    let (platform, config) = (state.platform.clone(), state.config.clone());
    Arc::new(Op::new(caller.viewer, platform, config, caller.origin, id.0.clone()))
}

/// The kind of an operation, for the log.
pub(super) fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Query => "query",
        Kind::Mutation => "mutation",
        Kind::Subscription => "subscription",
    }
}

/// The name of an operation, for the log: what the document says, cut.
pub(super) fn title(prepared: &Prepared) -> Option<String> {
    prepared.name.as_ref().map(|name| name.chars().take(64).collect())
}

async fn read(state: &State, parts: &Parts, body: Body) -> Result<Posted> {
    let limits = &state.config.limits;
    if parts.method == Method::GET {
        return form::from_query(&parts.uri, limits.document_nesting).map(|asked| Posted::One(Box::new(asked)));
    }
    negotiate::check_content_type(&parts.headers)?;
    let body = tokio::time::timeout(limits.request_timeout, collect(parts, body, limits.body_bytes));
    // A client that stalls is its own fault, not that of a server that took too long.
    let stalled = |_| Error::new(Code::Timeout, "The body did not arrive in time.").with_status(408);
    let body = body.await.map_err(stalled)??;
    form::from_body(&body, limits.document_nesting, limits.batch)
}

async fn collect(parts: &Parts, body: Body, limit: usize) -> Result<Bytes> {
    let too_large = || Error::new(Code::PayloadTooLarge, format!("A body may have {limit} bytes."));
    let told = parts.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    // Who asks before sending is told before sending.
    let asks_first = parts.headers.contains_key(header::EXPECT);
    if told.is_some_and(|length| length > limit as u64) {
        if !asks_first {
            discard(body, limit).await;
        }
        return Err(too_large());
    }
    let mut chunks = body.into_data_stream();
    let mut collected =
        Vec::with_capacity(told.and_then(|length| usize::try_from(length).ok()).unwrap_or(0).min(limit));
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            tracing::debug!(%error, source = ?error.source(), "a body broke off");
            Error::new(Code::BadRequest, "The body broke off.")
        })?;
        if collected.len() + chunk.len() > limit {
            discard(Body::from_stream(chunks), limit).await;
            return Err(too_large());
        }
        collected.extend_from_slice(&chunk);
    }
    Ok(collected.into())
}

/// Reads on for a moment without keeping anything.
pub(super) async fn discard(body: Body, limit: usize) {
    let mut chunks = body.into_data_stream();
    let mut left = limit.saturating_mul(LINGER);
    let reading = async {
        while let Some(Ok(chunk)) = chunks.next().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(5), reading).await;
}

fn allow(mut response: Response, methods: &'static str) -> Response {
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
    response
}

/// Adds what is known of the operation to what is known of its errors.
fn describe(mut response: Response, facts: Facts) -> Response {
    let codes = response.extensions_mut().remove::<Facts>().map(|facts| facts.codes).unwrap_or_default();
    response.extensions_mut().insert(Facts { codes, ..facts });
    response
}
