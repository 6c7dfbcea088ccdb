//! The operations of a socket, between `connection_ack` and the end.
//!
//! Each runs in its own task and writes by itself whatever it has ready, in one go. Who wants to write waits for those who came
//! before, so one that floods cannot starve the others; when the reader at the other end is slow, the operations wait, and
//! their subscriptions resume from the log. What an operation still says that the client has completed meanwhile is thrown away, so
//! the client may use its id again at once.

use std::{
    collections::{HashMap, hash_map::Entry},
    future::poll_fn,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Instant,
};

use async_graphql::{Response as Answer, Value};
use axum::extract::ws::Message;
use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    State, answer, graphql,
    layers::{self, RequestId},
    protocol::{self, Close, Incoming},
    rates::{self, Turn},
    websocket::{self, CROWDED, End, SharedSink, Sink, Stream, WRITE_TIMEOUT, flooded, receive},
};
use crate::{
    access::{Connection, Op, Origin, Viewer},
    base::error::{Code, Error, Result},
    domains::auth as accounts,
    platform::{
        buckets::{Flow, Level},
        metrics::{self, Running},
        patience::patiently,
    },
    schema::{Asked, Kind, Prepared, Told},
};

/// A socket whose viewer is known.
pub(super) struct Session {
    state: State,
    /// Who greeted, by which sign-in and token; what they may was read then. A renewal replaces it, never by another person.
    greeted: watch::Sender<Viewer>,
    /// Who they are as last heard.
    viewer: watch::Sender<Viewer>,
    /// Why the socket is over, once it is.
    over: watch::Sender<Option<Error>>,
    origin: Origin,
    id: RequestId,
    count: AtomicU64,
    running: Mutex<HashMap<String, Arc<Operation>>>,
    sink: SharedSink,
    /// Nothing can be written any more.
    broken: CancellationToken,
    /// Cancels every operation.
    stop: CancellationToken,
}

/// One operation.
struct Operation {
    id: String,
    stop: CancellationToken,
}

impl Session {
    /// A session without operations.
    pub(super) fn new(state: State, viewer: Viewer, origin: Origin, id: RequestId, sink: SharedSink) -> Self {
        let greeted = watch::Sender::new(viewer.clone());
        let connection = Some(Connection::new(greeted.clone()));
        Self {
            state,
            viewer: watch::Sender::new(viewer),
            greeted,
            over: watch::Sender::new(None),
            origin: Origin { connection, ..origin },
            id,
            count: AtomicU64::new(0),
            running: Mutex::default(),
            sink,
            broken: CancellationToken::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Cancels every operation when it is dropped: for whoever serves the socket, whatever way that ends. The session cannot hold it
    /// itself, because its operations hold the session.
    pub(super) fn stop_on_drop(&self) -> DropGuard {
        self.stop.clone().drop_guard()
    }

    /// Follows the sign-in, and tells running operations what the viewer may; comes with the reason when the socket is over.
    pub(super) async fn watch(&self) -> Error {
        let mut greeted = self.greeted.subscribe();
        let follow = async {
            loop {
                let viewer = greeted.borrow_and_update().clone();
                let Some(mut watched) = websocket::watch(&self.state, &viewer) else {
                    return std::future::pending().await;
                };
                let renewed = loop {
                    tokio::select! {
                        // A renewal that came in time counts, also when the end comes in the same moment.
                        biased;
                        renewed = greeted.changed() => break renewed,
                        change = watched.change() => match change {
                            Ok(person) => drop(self.viewer.send_replace(Viewer::Person(person))),
                            Err(error) => return error,
                        },
                    }
                };
                if renewed.is_ok() {
                    self.viewer.send_replace(greeted.borrow().clone());
                }
            }
        };
        let mut over = self.over.subscribe();
        let told = async {
            match over.wait_for(Option::is_some).await.ok().and_then(|error| error.clone()) {
                Some(error) => error,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            error = follow => error,
            error = told => error,
        }
    }

    /// The viewer with the rights of this moment. When the sign-in is over, so is the socket.
    async fn renewed(&self) -> Result<Viewer> {
        let (platform, config) = (&self.state.platform, &self.state.config);
        let greeted = self.greeted.borrow().clone();
        let read = || accounts::renew(platform, config, &greeted);
        let renewed = patiently("reading somebody's rights", read).await;
        if let Err(error) = &renewed
            && error.code() != Code::ServiceUnavailable
        {
            self.over.send_replace(Some(error.clone()));
        }
        renewed
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Operation>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes something that belongs to no operation; waits for those who came before.
    async fn say(&self, message: Message) {
        let mut sink = self.sink.lock().await;
        let writing = async {
            sink.feed(message).await?;
            sink.flush().await
        };
        self.in_time(writing).await;
    }

    /// Whether a step of writing succeeded before the reader at the other end counts as gone.
    async fn in_time(&self, step: impl Future<Output = Result<(), axum::Error>>) -> bool {
        let mut step = pin!(step);
        // Most often there is nothing to wait for, and then no timer is needed.
        let at_once = poll_fn(|context| Poll::Ready(step.as_mut().poll(context))).await;
        let written = match at_once {
            Poll::Ready(written) => Ok(written),
            Poll::Pending => tokio::time::timeout(WRITE_TIMEOUT, step).await,
        };
        match written {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => tracing::debug!(socket = &*self.id.0, %error, "a socket broke"),
            Err(_) => tracing::debug!(socket = &*self.id.0, "a socket is not read at its other end"),
        }
        self.broken.cancel();
        false
    }
}

/// Serves a socket until it ends.
pub(super) async fn serve(session: &Arc<Session>, stream: &mut Stream) -> End {
    tokio::select! {
        end = read(session, stream) => end,
        () = session.broken.cancelled() => End::Gone,
        () = ping(session) => End::Gone,
    }
}

async fn read(session: &Arc<Session>, stream: &mut Stream) -> End {
    let limits = &session.state.config.limits;
    // Two pings unanswered and half a third: whoever is there has answered one of them.
    let silence = limits.ping_interval.mul_f32(2.5);
    let mut flow = Flow::default();
    loop {
        let text = match tokio::time::timeout(silence, receive(stream)).await {
            Ok(Ok(Some(text))) => text,
            Ok(Ok(None)) => continue,
            Ok(Err(end)) => return end,
            Err(_) => return Close::silent().into(),
        };
        if let Err(close) = flooded(&session.state, &mut flow) {
            return close.into();
        }
        let reply = match protocol::parse(&text, limits.document_nesting) {
            Err(why) => return Close::malformed(why).into(),
            Ok(Incoming::Init(_)) => return Close::too_many_inits().into(),
            Ok(Incoming::Pong) => None,
            Ok(Incoming::Ping(payload)) => Some(protocol::pong(payload)),
            Ok(Incoming::Complete(id)) => {
                // Under the lock: see `Outbox::put`.
                let mut running = session.running();
                if let Some(operation) = running.remove(&id) {
                    operation.stop.cancel();
                }
                None
            }
            Ok(Incoming::Subscribe { id, asked }) => match start(session, id, *asked) {
                Ok(refusal) => refusal,
                Err(close) => return close.into(),
            },
        };
        // Waits while nothing can be written: who does not read is not read either.
        if let Some(reply) = reply {
            session.say(Message::Text(reply.into())).await;
        }
    }
}

/// Pings for ever. While somebody writes, none is needed: something is on its way.
async fn ping(session: &Session) {
    let every = session.state.config.limits.ping_interval;
    loop {
        tokio::time::sleep(every).await;
        if session.sink.try_lock().is_ok() {
            session.say(Message::Ping(Bytes::new())).await;
        }
    }
}

/// Starts an operation; gives the message of a refusal that does not cost the socket.
fn start(session: &Arc<Session>, id: String, asked: Asked) -> Result<Option<String>, Close> {
    let state = &session.state;
    let limit = state.config.limits.socket_operations;
    let number = session.count.fetch_add(1, Ordering::Relaxed) + 1;
    let request_id: Arc<str> = format!("{}-{number}", session.id.0).into();
    let refuse = |id: &str, error| {
        let refusal = state.api.refusal(error, &request_id, state.platform.clock.now());
        Ok(Some(protocol::error(id, &refusal)))
    };
    // An id that is taken closes the socket, however often it was asked.
    let is_free = !session.running().contains_key(&id);
    if is_free && let Err(level) = rates::pass(state, session.origin.ip) {
        return refuse(&id, level.refusal());
    }
    let operation = {
        let mut running = session.running();
        let count = running.len();
        match running.entry(id.clone()) {
            Entry::Occupied(_) => return Err(Close::taken(&id)),
            Entry::Vacant(_) if count >= limit => {
                let sentence = format!("A socket runs {limit} operations at once.");
                return refuse(&id, Error::new(Code::RateLimitExceeded, sentence).with_retry_after(CROWDED));
            }
            Entry::Vacant(free) => {
                let operation = Arc::new(Operation { id, stop: session.stop.child_token() });
                free.insert(operation.clone());
                operation
            }
        }
    };
    let outbox = Outbox { head: protocol::next_head(&operation.id), session: session.clone(), operation };
    let operation = outbox.operation.clone();
    let task = run(request_id, asked, outbox);
    state.platform.tasks.spawn(async move {
        tokio::select! {
            biased;
            () = operation.stop.cancelled() => {}
            () = task => {}
        }
    });
    Ok(None)
}

/// Where an operation puts its frames.
struct Outbox {
    session: Arc<Session>,
    operation: Arc<Operation>,
    /// How each of its `next` begins.
    head: String,
}

impl Outbox {
    /// Writes these together. The last frame of an operation frees its id.
    async fn put(&self, texts: impl Iterator<Item = String>, is_last: bool) {
        let mut sink = self.session.sink.lock().await;
        for text in texts {
            let ready = poll_fn(|context| sink.poll_ready_unpin(context));
            if !self.session.in_time(ready).await || !self.feed(&mut sink, text, is_last) {
                return;
            }
        }
        self.session.in_time(sink.flush()).await;
    }

    /// Hands over a frame, unless the client has completed the operation: the lock keeps that from happening in between.
    fn feed(&self, sink: &mut Sink, text: String, is_last: bool) -> bool {
        let mut running = self.session.running();
        if self.operation.stop.is_cancelled() {
            return false;
        }
        if is_last {
            running.remove(&self.operation.id);
        }
        let fed = sink.start_send_unpin(Message::Text(text.into()));
        fed.inspect_err(|_| self.session.broken.cancel()).is_ok()
    }

    /// Answers of the operation, of which there are more to come.
    async fn next(&self, told: impl IntoIterator<Item = Told>) {
        let text = |told| match told {
            Told::Shared(payload) => protocol::next(&self.head, &payload.json),
            Told::Answer(answer) => protocol::next(&self.head, &protocol::result(&answer)),
        };
        self.put(told.into_iter().map(text), false).await;
    }

    async fn error(&self, answer: &Answer) {
        self.put([protocol::error(&self.operation.id, answer)].into_iter(), true).await;
    }

    async fn complete(&self) {
        self.put([protocol::complete(&self.operation.id)].into_iter(), true).await;
    }
}

/// An operation that may be run.
struct Begun {
    op: Arc<Op>,
    prepared: Prepared,
    /// What is left of the viewer's limit.
    level: Level,
    rights: watch::Receiver<Viewer>,
}

/// Runs an operation to its end and says so, also when it panics.
async fn run(request_id: Arc<str>, asked: Asked, outbox: Outbox) {
    let session = &outbox.session;
    let (api, clock) = (&session.state.api, &session.state.platform.clock);
    let refusal = |error| api.refusal(error, &request_id, clock.now());
    // Boxed, and let go of: a subscription would keep the room for all that beginning takes.
    let Begun { op, prepared, level, rights } = match Box::pin(begin(session, &request_id, asked)).await {
        Ok(begun) => begun,
        Err(error) => return outbox.error(&refusal(error)).await,
    };
    let work = async {
        match prepared.kind {
            Kind::Subscription => {
                let viewer = op.viewer.clone();
                let cut = tokio::select! {
                    () = follow(op, prepared, &outbox) => return,
                    cut = outranked(session, &viewer, rights) => cut,
                };
                outbox.error(&refusal(cut)).await;
            }
            kind => Box::pin(answer_once(&op, prepared, (kind, level), &outbox)).await,
        }
    };
    if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
        let error = Error::internal(format!("a panic: {}", layers::panic_text(panic.as_ref())));
        outbox.error(&refusal(error)).await;
    }
}

/// Everything before the schema: the viewer's limits, the document, and the viewer's rights as they are now.
async fn begin(session: &Session, request_id: &Arc<str>, asked: Asked) -> Result<Begun> {
    let state = &session.state;
    let greeted = session.greeted.borrow().clone();
    let turn = Turn::begin(state, &greeted, &session.origin, None)?;
    let prepared = state.api.prepare(&state.platform.cache, asked).await?;
    let level = turn.settle(prepared.kind, prepared.weight(&state.config.limits))?;
    // Before the rights are read: what is taken away after that is heard of.
    let rights = session.viewer.subscribe();
    let viewer = session.renewed().await?;
    let (platform, config) = (state.platform.clone(), state.config.clone());
    let op = Arc::new(Op::new(viewer, platform, config, session.origin.clone(), request_id.clone()));
    Ok(Begun { op, prepared, level, rights })
}

/// Comes when the viewer may less than when the operation was begun.
async fn outranked(session: &Session, viewer: &Viewer, mut rights: watch::Receiver<Viewer>) -> Error {
    while rights.changed().await.is_ok() {
        let less = viewer.outranks(&rights.borrow_and_update());
        // What is heard may have been read before the operation was begun.
        if less && Box::pin(session.renewed()).await.is_ok_and(|now| viewer.outranks(&now)) {
            return accounts::rights_changed();
        }
    }
    std::future::pending().await
}

async fn answer_once(op: &Arc<Op>, prepared: Prepared, (kind, level): (Kind, Level), outbox: &Outbox) {
    let started = Instant::now();
    let operation = graphql::title(&prepared);
    let mut answer = outbox.session.state.api.execute(op.clone(), prepared).await;
    // Over HTTP headers tell it.
    if let Ok(told) = Value::from_json(level.told()) {
        answer.extensions.insert("rateLimit".to_owned(), told);
    }
    log(op, kind, operation.as_deref(), started, &answer);
    if answer::is_request_error(&answer) {
        outbox.error(&answer).await;
    } else {
        outbox.next([Told::Answer(Box::new(answer))]).await;
        outbox.complete().await;
    }
}

async fn follow(op: Arc<Op>, prepared: Prepared, outbox: &Outbox) {
    let _running = Running::subscription();
    let started = Instant::now();
    let operation = graphql::title(&prepared);
    let state = &outbox.session.state;
    let mut turns = state.api.stream(op.clone(), prepared).ready_chunks(state.config.limits.socket_turn.max(1));
    while let Some(mut told) = turns.next().await {
        let is_fatal = |told: &Told| matches!(told, Told::Answer(answer) if answer::is_fatal(answer));
        let end = told.iter().position(is_fatal).map(|at| told.drain(at..).next());
        outbox.next(told).await;
        if let Some(Some(Told::Answer(answer))) = end {
            log(&op, Kind::Subscription, operation.as_deref(), started, &answer);
            return outbox.error(&answer).await;
        }
    }
    outbox.complete().await;
}

/// The same line as for a request over HTTP.
fn log(op: &Op, kind: Kind, operation: Option<&str>, started: Instant, answer: &Answer) {
    let (kind, took, codes) = (graphql::name(kind), started.elapsed(), answer::codes(answer).join(","));
    let codes = (!codes.is_empty()).then_some(codes);
    let status = answer::status(answer, super::negotiate::Media::GraphqlResponse, answer::Stage::Reached).as_u16();
    metrics::request(kind, status, took);
    let (ms, request_id) = (layers::millis(took), &*op.request_id);
    tracing::info!(target: "polyphony::request", method = "WS", path = "/graphql", status, ms, request_id, kind, operation, codes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size<A, B, C, F>(_: impl FnOnce(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    /// Thousands of them wait for something to happen.
    #[test]
    fn what_waits_is_small() {
        let sizes = [size(run), size(websocket::serve)];
        assert!(sizes[0] <= 2304 && sizes[1] <= 5376, "box what is long before it waits: {sizes:?}");
    }
}
