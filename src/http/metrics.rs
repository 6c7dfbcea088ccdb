//! Figures for Prometheus: requests, sockets, subscriptions, listeners of the log.

use std::{sync::OnceLock, time::Duration};

use axum::{
    body::Body,
    extract::{self, Request},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use subtle::ConstantTimeEq;

use super::{
    State,
    answer::{self, Stage},
    auth,
    layers::RequestId,
    negotiate::Media,
};
use crate::{base::error::Error, platform::tasks::Tasks};

const REQUESTS: &str = "polyphony_requests_total";
const SECONDS: &str = "polyphony_request_seconds";
const SOCKETS: &str = "polyphony_sockets";
const SUBSCRIPTIONS: &str = "polyphony_subscriptions";
const LISTENERS: &str = "polyphony_log_listeners";
const TOPICS: &str = "polyphony_log_topics";
/// How often the samples of the histograms are folded; between scrapes they would pile up.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder of this process: many servers in one process, as in the tests, share it.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Installs the recorder on first use.
pub(super) fn install(tasks: &Tasks) {
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        let buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
        let builder = match builder.set_buckets_for_metric(Matcher::Full(SECONDS.to_owned()), &buckets) {
            Ok(builder) => builder,
            Err(_) => PrometheusBuilder::new(),
        };
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("somebody else records the metrics of this process; /metrics stays empty");
        }
        metrics::describe_counter!(REQUESTS, "Requests by kind of operation (or route) and status");
        metrics::describe_histogram!(SECONDS, "How long requests took");
        metrics::describe_gauge!(SOCKETS, "Open sockets and event streams");
        metrics::describe_gauge!(SUBSCRIPTIONS, "Running subscriptions");
        metrics::describe_gauge!(LISTENERS, "Listeners of the event log in this instance");
        metrics::describe_gauge!(
            "polyphony_log_horizon_lag_seconds",
            "How long committed events have been waiting for another transaction to end (PostgreSQL)"
        );
        metrics::describe_gauge!("polyphony_log_horizon_lag_events", "How many committed events wait (PostgreSQL)");
        metrics::describe_gauge!(TOPICS, "Topics of the event log somebody listens to");
        handle
    });
    tasks.spawn_until_stop(async {
        loop {
            tokio::time::sleep(UPKEEP).await;
            if let Some(handle) = RECORDER.get() {
                handle.run_upkeep();
            }
        }
    });
}

/// A request was answered.
pub(super) fn request(kind: &str, status: StatusCode, took: Duration) {
    let kind = kind.to_owned();
    metrics::counter!(REQUESTS, "kind" => kind.clone(), "status" => status.as_u16().to_string()).increment(1);
    metrics::histogram!(SECONDS, "kind" => kind).record(took.as_secs_f64());
}

/// Counts as open or running until dropped.
pub(super) struct Running(metrics::Gauge);

impl Running {
    fn new(gauge: metrics::Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }

    /// A socket or an event stream.
    pub(super) fn socket() -> Self {
        Self::new(metrics::gauge!(SOCKETS))
    }

    /// A subscription.
    pub(super) fn subscription() -> Self {
        Self::new(metrics::gauge!(SUBSCRIPTIONS))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// GET `/metrics`.
pub(super) async fn scrape(extract::State(state): extract::State<State>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if !may_see_details(&state, &parts) {
        let error = Error::denied("Metrics are for METRICS_TOKEN as a bearer token, or without one for this machine.");
        return answer::refuse(&state, &RequestId::of(&parts.extensions), error, Media::Json, Stage::Refused);
    }
    let (listeners, topics) = state.platform.events.listeners();
    metrics::gauge!(LISTENERS).set(listeners as f64);
    metrics::gauge!(TOPICS).set(topics as f64);
    let mut response = Response::new(Body::from(RECORDER.get().map(PrometheusHandle::render).unwrap_or_default()));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whether a request may see what goes on inside: by the metrics token, or without one from this machine.
pub(super) fn may_see_details(state: &State, parts: &Parts) -> bool {
    let sent = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match (&state.config.app.metrics_token, sent.map(auth::bearer)) {
        (Some(token), Some(Ok(sent))) => token.as_bytes().ct_eq(sent.as_bytes()).into(),
        (Some(_), _) => false,
        (None, _) => auth::is_loopback(parts),
    }
}
