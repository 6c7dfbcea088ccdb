//! Floor 6: everything that comes in over the wire. One address for GraphQL, `/graphql`, by POST, GET, WebSocket and server-sent
//! events; beside it the playground, health, metrics and the CSRF token.
//!
//! The library's own handlers are not used: they run mutations over GET, take any content type, answer 200 to everything and close
//! sockets with the wrong codes.

use std::{sync::Arc, time::Instant};

use axum::{
    Router, middleware,
    routing::{any, get},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{config::Config, domains::auth as auth_room, platform::Platform, schema::Api};

/// Which media types a client takes and sends.
mod negotiate;
/// From a body or a query string to a GraphQL request.
mod form;
/// From a GraphQL answer to an HTTP answer.
mod answer;
/// Who asks, and from where.
mod auth;
/// Requests a browser was tricked into sending.
mod csrf;
/// POST and GET.
mod graphql;
/// The messages of graphql-transport-ws.
mod protocol;
/// A socket: upgrade, `connection_init`, close.
mod websocket;
/// The operations of a socket.
mod operations;
/// Server-sent events.
mod sse;
/// Which sockets and streams are open.
mod sockets;
/// What every request passes: id, log, metrics, panics, headers.
mod layers;
/// The playground.
mod playground;
/// Probes for people and for Kubernetes.
mod health;
/// The public keys of our access tokens.
mod keys;
/// Figures for Prometheus.
mod metrics;
/// Taking connections, and giving up on some.
mod accept;

/// What every handler has.
#[derive(Clone)]
pub struct State(Arc<Inner>);

/// What is behind a [`State`].
pub struct Inner {
    /// Everything outside.
    pub platform: Platform,
    /// Settings.
    pub config: Arc<Config>,
    /// The schema.
    pub api: Api,
    sockets: sockets::Sockets,
    watch: auth_room::Watch,
    probes: health::Probes,
    started: Instant,
}

impl State {
    /// The state of one server.
    pub fn new(platform: Platform, config: Arc<Config>, api: Api) -> Self {
        metrics::install(&platform.tasks);
        let watch = auth_room::Watch::start(&platform, config.clone());
        Self(Arc::new(Inner {
            watch,
            platform,
            config,
            api,
            sockets: sockets::Sockets::default(),
            probes: health::Probes::default(),
            started: Instant::now(),
        }))
    }

    /// Sockets and event streams open now.
    pub fn open_sockets(&self) -> usize {
        self.sockets.open()
    }

    /// Tells sockets and streams to leave, and `/readyz` to say so.
    pub fn drain(&self) {
        self.sockets.drain();
    }
}

impl std::ops::Deref for State {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// Every route, with everything a request passes on its way.
pub fn router(state: State) -> Router {
    let routes = Router::new()
        .route("/graphql", any(graphql::endpoint))
        .route("/csrf-token", get(csrf::issue))
        .route("/.well-known/jwks.json", get(keys::jwks))
        .route("/", get(playground::index))
        .route("/playground", get(playground::index))
        .route("/playground/{*path}", get(playground::asset))
        .route("/favicon.ico", get(playground::favicon))
        .route("/health", get(health::health))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/health/deep", get(health::deep))
        .route("/metrics", get(metrics::scrape))
        .fallback(layers::not_found)
        .method_not_allowed_fallback(layers::method_not_allowed);
    // The last layer is the first to see a request: headers, CORS, compression, then id, log, metrics and panics.
    let routes = routes
        .layer(middleware::from_fn_with_state(state.clone(), layers::frame))
        .layer(layers::compression())
        .layer(layers::cors(&state.config.app))
        .layer(middleware::from_fn_with_state(state.clone(), layers::security_headers));
    routes.with_state(state)
}

/// Serves until `shutdown`, then takes no more connections, asks sockets and streams to leave, lets running requests end, and
/// returns when all are gone or `limits.drain` is over.
///
/// # Errors
/// When the listener is broken.
pub async fn serve(listener: TcpListener, state: State, shutdown: CancellationToken) -> std::io::Result<()> {
    let stopping = {
        let (state, shutdown) = (state.clone(), shutdown.clone());
        async move {
            shutdown.cancelled().await;
            state.drain();
        }
    };
    let limit = state.config.limits.drain;
    let serving = accept::serve(listener, router(state.clone()), &state.config.limits, stopping);
    let overdue = async {
        shutdown.cancelled().await;
        tokio::time::sleep(limit).await;
    };
    tokio::select! {
        served = async { served_and_left(serving.await, &state).await } => served,
        () = overdue => {
            tracing::warn!(left = state.open_sockets(), "some requests or sockets did not end in time");
            Ok(())
        }
    }
}

async fn served_and_left(served: std::io::Result<()>, state: &State) -> std::io::Result<()> {
    // An upgraded connection is no longer one the HTTP server waits for.
    state.sockets.all_left().await;
    served
}
