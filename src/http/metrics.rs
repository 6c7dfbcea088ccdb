//! GET `/metrics`: the figures of `platform/metrics.rs` for Prometheus, and who may see them.

use std::{sync::OnceLock, time::Duration};

use axum::{
    body::Body,
    extract::{self, Request},
    http::{HeaderValue, header, request::Parts},
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
use crate::{
    base::error::Error,
    platform::{
        jobs,
        metrics::{self, LOADER_BATCH},
        tasks::Tasks,
    },
};

/// How often the samples of the histograms are folded; between scrapes they would pile up.
const UPKEEP: Duration = Duration::from_secs(5);

/// How long a scrape waits for the database.
const PATIENCE: Duration = Duration::from_secs(2);

/// The recorder of this process: many servers in one process, as in the tests, share it.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Installs the recorder on first use.
pub(super) fn install(tasks: &Tasks) {
    RECORDER.get_or_init(|| {
        let seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
        let keys = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0];
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &seconds)
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(LOADER_BATCH.to_owned()), &keys))
            .unwrap_or_else(|_| PrometheusBuilder::new());
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if ::metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("somebody else records the metrics of this process; /metrics stays empty");
        }
        metrics::describe();
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

/// GET `/metrics`.
pub(super) async fn scrape(extract::State(state): extract::State<State>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if !may_see_details(&state, &parts) {
        let error = Error::denied("Metrics are for METRICS_TOKEN as a bearer token, or without one for this machine.");
        return answer::refuse(&state, &RequestId::of(&parts.extensions), error, Media::Json, Stage::Refused);
    }
    let (listeners, topics) = state.platform.events.listeners();
    metrics::log(listeners, topics, state.platform.events.reads());
    metrics::sharing(&state.platform.sharing);
    metrics::statements(state.platform.database.statements());
    // Figures that have to be asked for; a database that does not answer must not hide the others.
    if let Ok(Ok(lag)) = tokio::time::timeout(PATIENCE, state.platform.events.lag()).await {
        metrics::log_lag(lag);
    }
    if let Ok(Ok(counts)) = tokio::time::timeout(PATIENCE, jobs::counts(&state.platform)).await {
        counts.into_iter().for_each(|(status, count)| metrics::jobs(status, count));
    }
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
