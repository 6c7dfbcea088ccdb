//! What answers from the moment the server listens: that it is starting, and once everything is open, the routes.

use std::sync::{Arc, OnceLock};

use axum::{
    Router,
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::json;
use tower::ServiceExt;

use super::{State, layers, router};
use crate::{
    base::{clock::Clock, error::Code, ids::Ids, random::Random},
    config::Environment,
};

/// The door of one server.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    environment: Environment,
    ids: Ids,
    opened: OnceLock<(State, Router)>,
}

impl Door {
    /// A door that is still closed.
    pub fn new(environment: Environment) -> Self {
        let ids = Ids::new(Clock::system(), Random::system());
        Self(Arc::new(Inner { environment, ids, opened: OnceLock::new() }))
    }

    /// Lets requests in.
    pub fn open(&self, state: State) {
        let _ = self.0.opened.set((state.clone(), router(state)));
    }

    /// The state of the server once it is open.
    pub(super) fn state(&self) -> Option<&State> {
        self.0.opened.get().map(|(state, _)| state)
    }

    /// Answers a request.
    pub(super) async fn answer(&self, request: Request) -> Response {
        match self.0.opened.get() {
            Some((_, router)) => match router.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            },
            None => self.not_yet(request.uri().path()),
        }
    }

    /// The process lives but is not ready: for as long as migrations, demo data or another process that migrates take.
    fn not_yet(&self, path: &str) -> Response {
        const MESSAGE: &str = "The server is starting; try again in a moment.";
        let id = self.0.ids.uuid().to_string();
        let mut response = match path {
            "/healthz" => layers::json(&json!("ok")),
            "/health" => layers::json(&json!({ "status": "starting", "version": env!("CARGO_PKG_VERSION") })),
            "/readyz" => layers::json(&json!({ "ready": false, "reason": "starting" })),
            _ => {
                let code = Code::ServiceUnavailable;
                let extensions =
                    json!({ "code": code.as_str(), "status": code.status(), "retryAfter": 1, "requestId": id });
                layers::json(&json!({ "errors": [{ "message": MESSAGE, "extensions": extensions }] }))
            }
        };
        if !matches!(path, "/healthz" | "/health") {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(HeaderName::from_static("x-request-id"), id);
        }
        layers::secure(response.headers_mut(), self.0.environment);
        response
    }
}
