//! The figures of this process for Prometheus: their names, and one function for each thing that is counted. `http/metrics.rs`
//! keeps and serves them.

use std::time::Duration;

use metrics::{Gauge, counter, gauge, histogram};

use super::sharing::Sharing;

macro_rules! figures {
    ($($name:ident $kind:ident $text:literal $about:literal;)*) => {
        $(#[doc = $about] pub const $name: &str = $text;)*

        /// Tells the recorder what each figure is.
        pub fn describe() {
            $(figures!(@describe $kind $name $about);)*
        }
    };
    (@describe counter $name:ident $about:literal) => { metrics::describe_counter!($name, $about) };
    (@describe gauge $name:ident $about:literal) => { metrics::describe_gauge!($name, $about) };
    (@describe histogram $name:ident $about:literal) => { metrics::describe_histogram!($name, $about) };
}

figures! {
    REQUESTS counter "polyphony_requests_total" "Requests, by kind of operation (or route) and status";
    REQUEST_SECONDS histogram "polyphony_request_seconds" "How long requests took, by kind of operation (or route)";
    PANICS counter "polyphony_panics_total" "Panics, whoever caught them";
    ERRORS counter "polyphony_errors_total" "Errors answered, by code";
    REFUSALS counter "polyphony_rate_limit_refusals_total" "Uses refused by a rate limit, by limit";
    RESOLVER_SECONDS histogram "polyphony_resolver_seconds" "How long fields that give objects took with everything below them, by field; of one operation in sixteen";
    LOADER_BATCH histogram "polyphony_loader_batch_size" "Keys a loader was asked for at once, by loader";
    JOBS counter "polyphony_jobs_total" "Jobs that ended, by kind and outcome";
    JOB_SECONDS histogram "polyphony_job_seconds" "How long jobs took, by kind";
    JOBS_WAITING gauge "polyphony_jobs" "Jobs in the table, by status";
    SOCKETS gauge "polyphony_sockets" "Open sockets and event streams";
    SUBSCRIPTIONS gauge "polyphony_subscriptions" "Running subscriptions";
    SHARED_EXECUTIONS counter "polyphony_shared_executions_total" "Events of subscriptions executed once for all who listen alike";
    SHARED_DELIVERIES counter "polyphony_shared_deliveries_total" "Deliveries of what was executed once for all";
    SHARED_PERSONAL counter "polyphony_shared_personal_total" "Executions for all that turned out to depend on who listens";
    SINGLE_EXECUTIONS counter "polyphony_single_executions_total" "Events of subscriptions executed for one listener alone, that others might have shared";
    LISTENERS gauge "polyphony_log_listeners" "Listeners of the event log in this instance";
    TOPICS gauge "polyphony_log_topics" "Topics of the event log somebody listens to";
    LOG_READS counter "polyphony_log_reads_total" "Reads of the event log for listeners whose place was no longer in memory";
    LOG_LAG gauge "polyphony_log_lag_events" "Committed events this instance has not seen yet";
    HORIZON_SECONDS gauge "polyphony_log_horizon_lag_seconds" "How long committed events have been waiting for another transaction to end (PostgreSQL)";
    HORIZON_EVENTS gauge "polyphony_log_horizon_lag_events" "How many committed events wait for another transaction to end (PostgreSQL)";
    STATEMENTS counter "polyphony_database_statements_total" "Statements run by this process";
    REDIS_UP gauge "polyphony_redis_up" "1 while Redis answers, 0 while this process does without; absent without Redis";
}

/// A request was answered.
pub fn request(kind: &str, status: u16, took: Duration) {
    let kind = kind.to_owned();
    counter!(REQUESTS, "kind" => kind.clone(), "status" => status.to_string()).increment(1);
    histogram!(REQUEST_SECONDS, "kind" => kind).record(took.as_secs_f64());
}

/// Something panicked.
pub fn panicked() {
    counter!(PANICS).increment(1);
}

/// An error with this code was answered.
pub fn error(code: &'static str) {
    counter!(ERRORS, "code" => code).increment(1);
}

/// A use was refused by the limit called `what`.
pub fn refusal(what: &str) {
    counter!(REFUSALS, "limit" => what.to_owned()).increment(1);
}

/// A field was resolved. Both names come from the schema, so there are only so many.
pub fn resolver(parent: &str, field: &str, took: Duration) {
    histogram!(RESOLVER_SECONDS, "field" => format!("{parent}.{field}")).record(took.as_secs_f64());
}

/// A loader was asked for so many keys at once.
pub fn loader_batch(loader: &'static str, keys: usize) {
    histogram!(LOADER_BATCH, "loader" => loader).record(keys as f64);
}

/// A job ended.
pub fn job(kind: &str, outcome: &'static str, took: Duration) {
    counter!(JOBS, "kind" => kind.to_owned(), "outcome" => outcome).increment(1);
    histogram!(JOB_SECONDS, "kind" => kind.to_owned()).record(took.as_secs_f64());
}

/// So many jobs are in a status.
pub fn jobs(status: &'static str, count: u64) {
    gauge!(JOBS_WAITING, "status" => status).set(count as f64);
}

/// Whether Redis answers.
pub fn redis_is_up(up: bool) {
    gauge!(REDIS_UP).set(f64::from(u8::from(up)));
}

/// Who follows the log in this instance, and how often it was read for one of them.
pub fn log(listeners: usize, topics: usize, reads: u64) {
    gauge!(LISTENERS).set(listeners as f64);
    gauge!(TOPICS).set(topics as f64);
    counter!(LOG_READS).absolute(reads);
}

/// How far this instance is behind the log.
pub fn log_lag(events: u64) {
    gauge!(LOG_LAG).set(events as f64);
}

/// How long, and how many, committed events have been waiting for another transaction of the cluster to end.
pub fn horizon_lag(waiting: Duration, events: u64) {
    gauge!(HORIZON_SECONDS).set(waiting.as_secs_f64());
    gauge!(HORIZON_EVENTS).set(events as f64);
}

/// How often subscriptions were executed since the start, and for how many deliveries that did.
pub fn sharing(counts: &Sharing) {
    counter!(SHARED_EXECUTIONS).absolute(counts.executions());
    counter!(SHARED_DELIVERIES).absolute(counts.deliveries());
    counter!(SHARED_PERSONAL).absolute(counts.personal());
    counter!(SINGLE_EXECUTIONS).absolute(counts.alone());
}

/// Statements run since the start.
pub fn statements(count: u64) {
    counter!(STATEMENTS).absolute(count);
}

/// Counts as open or running until dropped.
pub struct Running(Gauge);

impl Running {
    fn new(gauge: Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }

    /// A socket or an event stream.
    pub fn socket() -> Self {
        Self::new(gauge!(SOCKETS))
    }

    /// A subscription.
    pub fn subscription() -> Self {
        Self::new(gauge!(SUBSCRIPTIONS))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
