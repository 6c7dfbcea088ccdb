//! Probes: for people (`/health`, `/health/deep`) and for Kubernetes (`/healthz`, `/readyz`).

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use axum::{
    extract::{self, Request},
    http::{StatusCode, request::Parts},
    response::Response,
};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{State, auth, layers, metrics};
use crate::{
    base::error::Result,
    domains::auth as accounts,
    platform::jobs::{self, Backlog},
};

/// How long a probe waits for one component.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a deep report is kept: it makes connections, and anybody may ask.
const KEEP: Duration = Duration::from_secs(5);
/// How long a job may be due before it is said that nobody works: a worker looks every other second, and its hands are rarely full for
/// minutes.
const OVERDUE: TimeDelta = TimeDelta::minutes(5);

/// What the probes remember.
#[derive(Default)]
pub(super) struct Probes {
    /// Migrations are not taken back while a server runs.
    migrated: AtomicBool,
    deep: Mutex<Option<(Instant, Report)>>,
}

#[derive(Clone)]
struct Report {
    status: &'static str,
    checks: Value,
}

/// GET `/health`: up, which version, since when.
pub(super) async fn health(extract::State(state): extract::State<State>) -> Response {
    let uptime = state.started.elapsed().as_secs();
    layers::json(&json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION"), "uptimeSeconds": uptime }))
}

/// GET `/healthz`: the process answers.
pub(super) async fn alive() -> &'static str {
    "ok"
}

/// GET `/readyz`: send traffic here, or not. Signing keys that cannot be opened are a warning and no reason: the server signs with a key of
/// its own, and no sign-in ends.
pub(super) async fn ready(extract::State(state): extract::State<State>) -> Response {
    let reason = if state.sockets.draining().is_cancelled() {
        Some("draining")
    } else if !timed(reachable(&state)).await.0 {
        Some("the database does not answer or is not migrated")
    } else {
        None
    };
    let mut warnings = Vec::new();
    if reason.is_none()
        && let Ok(Ok(count @ 1..)) = tokio::time::timeout(PATIENCE, accounts::unopened_keys(&state.platform)).await
    {
        warnings.push(format!("{count} signing keys cannot be opened. {}", accounts::UNOPENED_KEYS));
    }
    let mut response = layers::json(&json!({ "ready": reason.is_none(), "reason": reason, "warnings": warnings }));
    if reason.is_some() {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

/// GET `/health/deep`: each thing outside with its timing, and the queue; the details only for who may see them: an administrator by their
/// access token or cookie, and whoever may scrape the metrics.
pub(super) async fn deep(extract::State(state): extract::State<State>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let report = {
        // Held while checking: whoever asks meanwhile gets the same report.
        let mut kept = state.probes.deep.lock().await;
        match &*kept {
            Some((at, report)) if at.elapsed() < KEEP => report.clone(),
            _ => {
                let report = check(&state).await;
                *kept = Some((Instant::now(), report.clone()));
                report
            }
        }
    };
    let mut body = json!({ "status": report.status, "version": env!("CARGO_PKG_VERSION") });
    if let (true, Some(fields)) = (may_see_details(&state, &parts).await, body.as_object_mut()) {
        fields.insert("checks".to_owned(), report.checks);
        fields.insert("sockets".to_owned(), state.open_sockets().into());
    }
    let mut response = layers::json(&body);
    if report.status == "down" {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

async fn may_see_details(state: &State, parts: &Parts) -> bool {
    if metrics::may_see_details(state, parts) {
        return true;
    }
    // Whoever cannot be found out sees what everybody sees.
    let caller = tokio::time::timeout(PATIENCE, auth::identify(state, parts)).await;
    matches!(caller, Ok(Ok(caller)) if caller.viewer.admin().is_ok())
}

async fn check(state: &State) -> Report {
    let platform = &state.platform;
    let mut backlog = None;
    let (database, cache, mail, queue, keys) = tokio::join!(
        timed(reachable(state)),
        timed(platform.cache.is_reachable()),
        timed(async { platform.mail.is_reachable().await }),
        timed(async {
            let found = backlog.insert(jobs::backlog(platform).await?);
            Ok(found.oldest.is_none_or(|waiting| waiting < OVERDUE))
        }),
        timed(async { Ok(accounts::unopened_keys(platform).await? == 0) })
    );
    let status = match (database.0, cache.0 && mail.0 && queue.0 && keys.0) {
        (false, _) => "down",
        (true, false) => "degraded",
        (true, true) => "ok",
    };
    let line = |(ok, ms): (bool, f64)| json!({ "ok": ok, "ms": ms });
    let backend = if platform.database.is_sqlite() { "sqlite" } else { "postgres" };
    let mut checks = json!({
        "database": line(database),
        "cache": line(cache),
        "mail": line(mail),
        "queue": line(queue),
        "signingKeys": line(keys),
    });
    if let Some(Backlog { due, running, failed, oldest }) = backlog {
        let queue = &mut checks["queue"];
        (queue["due"], queue["running"], queue["failed"]) = (due.into(), running.into(), failed.into());
        queue["oldestSeconds"] = oldest.map(|waiting| waiting.num_seconds()).into();
    }
    checks["database"]["backend"] = backend.into();
    checks["cache"]["backend"] = if state.config.cache.redis_url.is_some() { "redis" } else { "process" }.into();
    Report { status, checks }
}

async fn reachable(state: &State) -> Result<bool> {
    if !state.probes.migrated.load(Ordering::Relaxed) {
        let migrated = state.platform.database.is_migrated().await?;
        state.probes.migrated.store(migrated, Ordering::Relaxed);
        return Ok(migrated);
    }
    state.platform.database.ping().await.map(|()| true)
}

/// Whether it came out well in time, and how many milliseconds that took.
async fn timed(check: impl Future<Output = Result<bool>>) -> (bool, f64) {
    let started = Instant::now();
    let ok = match tokio::time::timeout(PATIENCE, check).await {
        Ok(Ok(ok)) => ok,
        Ok(Err(error)) => {
            tracing::warn!(?error, "a health check failed");
            false
        }
        Err(_) => false,
    };
    (ok, layers::millis(started.elapsed()))
}
