//! The operations of a socket, between `connection_ack` and the end.
//!
//! Each runs in its own task, and all write through one bounded channel to a single writer. The channel serves those who wait in
//! their order, so one that floods cannot starve the others; when the reader at the other end is slow, the operations wait, and
//! their subscriptions resume from the log. A frame of an operation that the client has completed meanwhile is thrown away, so the
//! client may use its id again at once.

use std::{
    collections::{HashMap, hash_map::Entry},
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use async_graphql::{Request, Response as Answer, Value};
use axum::extract::ws::Message;
use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    State, answer, graphql,
    layers::{self, RequestId},
    protocol::{self, Close, Incoming},
    rates::{self, Turn},
    websocket::{CROWDED, End, Sink, Stream, WRITE_TIMEOUT, flooded, receive},
};
use crate::{
    access::{Op, Origin, Viewer},
    base::error::{Code, Error, Result},
    domains::auth as accounts,
    platform::{
        buckets::{Flow, Level},
        metrics::{self, Running},
        patience::patiently,
    },
    schema::{Kind, Prepared},
};

/// A socket whose viewer is known.
pub(super) struct Session {
    state: State,
    /// Who greeted; what they may was read then.
    greeted: Viewer,
    /// Who they are as last heard.
    viewer: watch::Sender<Viewer>,
    /// Why the socket is over, once it is.
    over: watch::Sender<Option<Error>>,
    origin: Origin,
    id: RequestId,
    count: AtomicU64,
    running: Mutex<HashMap<String, Arc<Operation>>>,
    /// Cancels every operation.
    stop: CancellationToken,
}

/// One operation.
struct Operation {
    id: String,
    stop: CancellationToken,
}

/// What waits to be written.
struct Frame {
    message: Message,
    /// Whose it is, and whether it is its last.
    of: Option<(Arc<Operation>, bool)>,
}

impl Frame {
    fn text(text: String) -> Self {
        Self { message: Message::Text(text.into()), of: None }
    }
}

impl Session {
    /// A session without operations.
    pub(super) fn new(state: State, viewer: Viewer, origin: Origin, id: RequestId) -> Self {
        Self {
            state,
            viewer: watch::Sender::new(viewer.clone()),
            greeted: viewer,
            over: watch::Sender::new(None),
            origin,
            id,
            count: AtomicU64::new(0),
            running: Mutex::default(),
            stop: CancellationToken::new(),
        }
    }

    /// Cancels every operation when it is dropped: for whoever serves the socket, whatever way that ends. The session cannot hold it
    /// itself, because its operations hold the session.
    pub(super) fn stop_on_drop(&self) -> DropGuard {
        self.stop.clone().drop_guard()
    }

    /// Follows the sign-in, and tells running operations what the viewer may; comes with the reason when the socket is over.
    pub(super) async fn watch(&self, watched: Option<accounts::Watched>) -> Error {
        let follow = async {
            let Some(mut watched) = watched else { return std::future::pending().await };
            loop {
                match watched.change().await {
                    Ok(person) => drop(self.viewer.send_replace(Viewer::Person(person))),
                    Err(error) => return error,
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
        let read = || accounts::renew(platform, config, &self.greeted);
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

    /// Whether a frame may still go out; an operation's last frame frees its id.
    fn releases(&self, frame: &Frame) -> bool {
        let Some((operation, is_last)) = &frame.of else { return true };
        if operation.stop.is_cancelled() {
            return false;
        }
        if *is_last {
            self.running().remove(&operation.id);
        }
        true
    }
}

/// Serves a socket until it ends.
pub(super) async fn serve(session: &Arc<Session>, sink: &mut Sink, stream: &mut Stream) -> End {
    let (frames, outbox) = mpsc::channel(session.state.config.limits.socket_buffer.max(1));
    tokio::select! {
        end = read(session, stream, frames.clone()) => end,
        () = write(session, sink, outbox) => End::Gone,
        () = ping(session, frames) => End::Gone,
    }
}

async fn read(session: &Arc<Session>, stream: &mut Stream, frames: mpsc::Sender<Frame>) -> End {
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
                if let Some(operation) = session.running().remove(&id) {
                    operation.stop.cancel();
                }
                None
            }
            Ok(Incoming::Subscribe { id, request }) => match start(session, id, *request, &frames) {
                Ok(refusal) => refusal,
                Err(close) => return close.into(),
            },
        };
        // Waits while the outbox is full: who does not read is not read either.
        if let Some(reply) = reply
            && frames.send(Frame::text(reply)).await.is_err()
        {
            return End::Gone;
        }
    }
}

async fn write(session: &Session, sink: &mut Sink, mut outbox: mpsc::Receiver<Frame>) {
    while let Some(first) = outbox.recv().await {
        // What waits already leaves together, in as few packets as it fits.
        let mut next = Some(first);
        while let Some(frame) = next {
            if session.releases(&frame) && !in_time(session, sink.feed(frame.message)).await {
                return;
            }
            next = outbox.try_recv().ok();
        }
        if !in_time(session, sink.flush()).await {
            return;
        }
    }
}

/// Whether a step of writing succeeded before the reader at the other end counts as gone.
async fn in_time(session: &Session, step: impl Future<Output = Result<(), axum::Error>>) -> bool {
    match tokio::time::timeout(WRITE_TIMEOUT, step).await {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => tracing::debug!(socket = &*session.id.0, %error, "a socket broke"),
        Err(_) => tracing::debug!(socket = &*session.id.0, "a socket is not read at its other end"),
    }
    false
}

/// Pings for ever. A full outbox needs none: something is on its way.
async fn ping(session: &Session, frames: mpsc::Sender<Frame>) {
    let every = session.state.config.limits.ping_interval;
    loop {
        tokio::time::sleep(every).await;
        let _ = frames.try_send(Frame { message: Message::Ping(Bytes::new()), of: None });
    }
}

/// Starts an operation; gives the message of a refusal that does not cost the socket.
fn start(
    session: &Arc<Session>,
    id: String,
    request: Request,
    frames: &mpsc::Sender<Frame>,
) -> Result<Option<String>, Close> {
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
    let outbox = Outbox { operation: operation.clone(), frames: frames.clone() };
    let task = run(session.clone(), request_id, request, outbox);
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
    operation: Arc<Operation>,
    frames: mpsc::Sender<Frame>,
}

impl Outbox {
    async fn put(&self, text: String, is_last: bool) {
        let of = Some((self.operation.clone(), is_last));
        // Nobody takes it any more when the socket has ended, and then this operation is cancelled.
        let _ = self.frames.send(Frame { message: Message::Text(text.into()), of }).await;
    }

    async fn next(&self, answer: &Answer) {
        self.put(protocol::next(&self.operation.id, &protocol::result(answer)), false).await;
    }

    async fn error(&self, answer: &Answer) {
        self.put(protocol::error(&self.operation.id, answer), true).await;
    }

    async fn complete(&self) {
        self.put(protocol::complete(&self.operation.id), true).await;
    }
}

/// Runs an operation to its end and says so, also when it panics.
async fn run(session: Arc<Session>, request_id: Arc<str>, request: Request, outbox: Outbox) {
    let state = &session.state;
    let refusal = |error| state.api.refusal(error, &request_id, state.platform.clock.now());
    let turn = match Turn::begin(state, &session.greeted, &session.origin, None) {
        Ok(turn) => turn,
        Err(error) => return outbox.error(&refusal(error)).await,
    };
    let prepared = match state.api.prepare(request) {
        Ok(prepared) => prepared,
        Err(error) => return outbox.error(&refusal(error)).await,
    };
    let level = match turn.settle(prepared.kind, state.config.limits.weight(prepared.price.cost)) {
        Ok(level) => level,
        Err(error) => return outbox.error(&refusal(error)).await,
    };
    // Before the rights are read: what is taken away after that is heard of.
    let rights = session.viewer.subscribe();
    let viewer = match session.renewed().await {
        Ok(viewer) => viewer,
        Err(error) => return outbox.error(&refusal(error)).await,
    };
    let (platform, config) = (state.platform.clone(), state.config.clone());
    let op = Arc::new(Op::new(viewer, platform, config, session.origin.clone(), request_id.clone()));
    let work = async {
        match prepared.kind {
            Kind::Subscription => {
                let cut = tokio::select! {
                    () = follow(state, &op, prepared, &outbox) => return,
                    cut = outranked(&session, &op.viewer, rights) => cut,
                };
                outbox.error(&refusal(cut)).await;
            }
            kind => answer_once(state, &op, prepared, (kind, level), &outbox).await,
        }
    };
    if let Err(panic) = AssertUnwindSafe(work).catch_unwind().await {
        let error = Error::internal(format!("a panic: {}", layers::panic_text(panic.as_ref())));
        outbox.error(&refusal(error)).await;
    }
}

/// Comes when the viewer may less than when the operation was begun.
async fn outranked(session: &Session, viewer: &Viewer, mut rights: watch::Receiver<Viewer>) -> Error {
    while rights.changed().await.is_ok() {
        let less = viewer.outranks(&rights.borrow_and_update());
        // What is heard may have been read before the operation was begun.
        if less && session.renewed().await.is_ok_and(|now| viewer.outranks(&now)) {
            return accounts::rights_changed();
        }
    }
    std::future::pending().await
}

async fn answer_once(state: &State, op: &Arc<Op>, prepared: Prepared, (kind, level): (Kind, Level), outbox: &Outbox) {
    let started = Instant::now();
    let operation = graphql::title(&prepared);
    let mut answer = state.api.execute(op.clone(), prepared).await;
    // Over HTTP headers tell it.
    if let Ok(told) = Value::from_json(level.told()) {
        answer.extensions.insert("rateLimit".to_owned(), told);
    }
    log(op, kind, operation.as_deref(), started, &answer);
    if answer::is_request_error(&answer) {
        outbox.error(&answer).await;
    } else {
        outbox.next(&answer).await;
        outbox.complete().await;
    }
}

async fn follow(state: &State, op: &Arc<Op>, prepared: Prepared, outbox: &Outbox) {
    let _running = Running::subscription();
    let started = Instant::now();
    let operation = graphql::title(&prepared);
    let mut answers = state.api.stream(op.clone(), prepared);
    while let Some(answer) = answers.next().await {
        if answer::is_fatal(&answer) {
            log(op, Kind::Subscription, operation.as_deref(), started, &answer);
            return outbox.error(&answer).await;
        }
        outbox.next(&answer).await;
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
