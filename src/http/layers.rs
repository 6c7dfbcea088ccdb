//! What every request passes: its id, a line in the log, metrics, panics, and the headers of every answer.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    extract::{self, MatchedPath, Request},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;
use tower_http::{
    compression::{
        CompressionLayer,
        predicate::{And, DefaultPredicate, Predicate, SizeAbove},
    },
    cors::{AllowHeaders, AllowOrigin, Any, CorsLayer},
};
use uuid::Uuid;

use super::{
    State,
    answer::{self, Facts, Stage},
    negotiate::{self, Media},
    rates,
};
use crate::{
    base::error::{Code, Error},
    config::{
        Environment,
        app::{App, Origins},
    },
    platform::metrics,
};

/// Where the id travels.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Bytes of a body that leaves in one packet with its headers anyway, so that packing it would only take time.
const SMALL: u64 = 860;

/// The id of a request, in its answer, its errors and the log.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) Arc<str>);

impl RequestId {
    /// The id [`frame`] gave the request.
    pub(super) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_else(|| Self("unknown".into()))
    }
}

/// Gives a request its id and its answer the headers of every answer; writes the log line and the metrics.
pub(super) async fn frame(extract::State(state): extract::State<State>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    // One that a gateway gave is kept; anything that is no UUID is not put into logs.
    let given = request.headers().get(&X_REQUEST_ID).and_then(|id| Uuid::try_parse_ascii(id.as_bytes()).ok());
    let id = RequestId(given.unwrap_or_else(|| state.platform.ids.uuid()).to_string().into());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    request.extensions_mut().insert(id.clone());
    let mut response = if has_one_host(&request) {
        next.run(request).await
    } else {
        let error = Error::new(Code::BadRequest, "A request has one Host header.");
        answer::refuse(&state, &id, error, Media::Json, Stage::Refused)
    };
    secure(response.headers_mut(), state.config.app.environment);
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    let elapsed = started.elapsed();
    let facts = response.extensions_mut().remove::<Facts>().unwrap_or_default();
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    metrics::request(facts.kind.unwrap_or(route), response.status().as_u16(), elapsed);
    log(&method, &path, response.status(), millis(elapsed), &id, &facts);
    response
}

/// False for a request that does not say for whom it is, or says it twice, so that nobody on its way reads it otherwise than we do
/// (RFC 9112, section 3.2). The library below lets both through.
fn has_one_host(request: &Request) -> bool {
    match request.headers().get_all(header::HOST).iter().count() {
        0 => request.version() != Version::HTTP_11,
        hosts => hosts == 1,
    }
}

/// A panic is an error of this one request.
pub(super) async fn catch_panics(
    extract::State(state): extract::State<State>,
    request: Request,
    next: Next,
) -> Response {
    let id = RequestId::of(request.extensions());
    let accept = request.headers().get(header::ACCEPT).cloned();
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            let error = Error::internal(format!("a panic: {}", panic_text(panic.as_ref())));
            let accept = accept.map(|accept| HeaderMap::from_iter([(header::ACCEPT, accept)])).unwrap_or_default();
            let media = negotiate::accepted(&accept).media.unwrap_or(Media::Json);
            answer::refuse(&state, &id, error, media, Stage::Refused)
        }
    }
}

/// One line a request. Never a query string, a body or a token.
fn log(method: &Method, path: &str, status: StatusCode, ms: f64, id: &RequestId, facts: &Facts) {
    let (status, id) = (status.as_u16(), &*id.0);
    let (kind, operation, codes) = (facts.kind, facts.operation.as_deref(), facts.codes.join(","));
    let codes = (!codes.is_empty()).then_some(codes);
    // Probes, scrapes and the files of the playground would bury the rest, and so would a flood; the metrics count what is refused.
    if status == 429 {
        tracing::debug!(target: "polyphony::request", %method, path, status, ms, request_id = id, codes);
    } else if path.starts_with("/graphql") || status >= 500 || !is_routine(path) {
        tracing::info!(target: "polyphony::request", %method, path, status, ms, request_id = id, kind, operation, codes);
    } else {
        tracing::debug!(target: "polyphony::request", %method, path, status, ms, request_id = id);
    }
}

fn is_routine(path: &str) -> bool {
    matches!(path, "/health" | "/healthz" | "/readyz" | "/metrics" | "/favicon.ico") || path.starts_with("/playground/")
}

/// Milliseconds, to the microsecond.
pub(super) fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// What a panic said. For the log only.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&'static str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}

/// Adds the headers of every answer. The content security policy is the playground's; nothing else here is a page.
pub(super) fn secure(headers: &mut HeaderMap, environment: Environment) {
    const CSP: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; \
                       img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                       frame-ancestors 'none'";
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    // Where a proxy terminates TLS: everywhere but on a laptop.
    if environment != Environment::Development {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
}

/// Which pages of other origins may call. Cookies go only with a list.
pub(super) fn cors(app: &App) -> CorsLayer {
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([X_REQUEST_ID, header::RETRY_AFTER].into_iter().chain(rates::HEADERS).collect::<Vec<_>>())
        .max_age(Duration::from_secs(7200));
    match &app.origins {
        Origins::Any => layer.allow_origin(Any),
        Origins::Listed(list) => {
            let origins = list.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
            layer.allow_origin(AllowOrigin::list(origins)).allow_credentials(true)
        }
    }
}

/// gzip and Brotli, for all that is not small, an image or a stream of events.
pub(super) fn compression() -> CompressionLayer<And<DefaultPredicate, SizeAbove>> {
    CompressionLayer::new().gzip(true).br(true).compress_when(DefaultPredicate::new().and(SizeAbove::new(SMALL)))
}

/// Nothing is here.
pub(super) async fn not_found(extract::State(state): extract::State<State>, request: Request) -> Response {
    let error = Error::not_found("There is nothing at this address; GraphQL is at /graphql.");
    answer::refuse(&state, &RequestId::of(request.extensions()), error, Media::Json, Stage::Refused)
}

/// Something is here, but not for this method.
pub(super) async fn method_not_allowed(extract::State(state): extract::State<State>, request: Request) -> Response {
    let error = Error::new(Code::MethodNotAllowed, "This address takes GET.");
    answer::refuse(&state, &RequestId::of(request.extensions()), error, Media::Json, Stage::Refused)
}

/// A small answer in JSON that nobody keeps.
pub(super) fn json(value: &serde_json::Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use axum::{Router, middleware, routing::get};
    use tower::ServiceExt;

    use super::*;
    use crate::{
        config::{Config, Env},
        platform::{Chosen, Platform, database},
        schema::Api,
    };

    async fn edge() -> &'static str {
        panic!("over the edge of row 7")
    }

    /// PLT-020: whoever asked gets INTERNAL with the id of the request, and not a word of what the panic said.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_panic_is_answered_with_internal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        let config = Arc::new(Config::read(&mut Env::of([("DATA_DIR", path.as_str())])).unwrap());
        database::migrate(&config.database).await.unwrap();
        let platform = Platform::open(&config, Chosen::default()).await.unwrap();
        let state = State::new(platform.clone(), config.clone(), Api::new(config).await.unwrap());
        let app = Router::new()
            .route("/edge", get(edge))
            .layer(middleware::from_fn_with_state(state.clone(), catch_panics))
            .layer(middleware::from_fn_with_state(state.clone(), frame))
            .with_state(state);
        let asked = Request::get("/edge")
            .header(header::HOST, "localhost")
            .header(header::ACCEPT, "application/graphql-response+json");
        let answer = app.oneshot(asked.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(answer.headers().contains_key(header::X_CONTENT_TYPE_OPTIONS));
        let id = answer.headers()[&X_REQUEST_ID].to_str().unwrap().to_owned();
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let extensions = &body["errors"][0]["extensions"];
        assert_eq!((&extensions["code"], &extensions["requestId"]), (&"INTERNAL".into(), &id.into()), "{body}");
        assert!(!body.to_string().contains("edge"), "{body}");
        platform.close().await;
    }
}
