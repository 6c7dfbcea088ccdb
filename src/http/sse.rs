//! Server-sent events, in the distinct connections mode of graphql-sse (PROTOCOL.md): one operation a request, `next` for every
//! result, `complete` at the end.
//!
//! A result that carries a cursor gives it as the event's id, so a browser that lost the connection says in `Last-Event-ID` where to
//! go on. When the server stops, the stream ends without `complete`: clients come back.

use std::{collections::VecDeque, convert::Infallible, panic::AssertUnwindSafe, pin::Pin, time::Duration};

use async_graphql::Response as Answer;
use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::{
    FutureExt, Stream, StreamExt,
    stream::{self, BoxStream},
};
use tokio_util::sync::CancellationToken;

use super::{
    State,
    answer::{self, Stage},
    auth::Caller,
    graphql,
    layers::{self, RequestId},
    negotiate::Media,
    sockets::Place,
    websocket,
};
use crate::{
    access::Viewer,
    base::error::{Code, Error},
    domains::auth::{self as accounts, Watched},
    graphql::share,
    platform::metrics::Running,
    schema::{Kind, Prepared, Told},
};

/// How often a comment says that the connection lives.
const KEEP_ALIVE: Duration = Duration::from_secs(12);
/// A comment: no event.
const COMMENT: &[u8] = b":\n\n";

/// Runs an operation as a stream of events; what fails before its first event is an ordinary HTTP error.
pub(super) async fn stream(state: &State, id: &RequestId, caller: Caller, prepared: Prepared) -> Response {
    let refuse = |error| answer::refuse(state, id, error, Media::GraphqlResponse, Stage::Refused);
    let draining = state.sockets.draining();
    if draining.is_cancelled() {
        let wait = Duration::from_millis(websocket::retry_after(state));
        return refuse(Error::unavailable("The server is going away; try again in a moment.").with_retry_after(wait));
    }
    let limit = state.config.limits.sockets_per_viewer;
    let Some(place) = state.sockets.admit(websocket::who(&caller.viewer, &caller.origin), limit) else {
        let sentence = format!("More than {limit} sockets and streams at once.");
        return refuse(Error::new(Code::RateLimitExceeded, sentence).with_retry_after(websocket::CROWDED));
    };
    let ended = over(websocket::watch(state, &caller.viewer), caller.viewer.clone());
    let (kind, op) = (prepared.kind, graphql::operation(state, id, caller));
    let (first, rest) = if kind == Kind::Subscription {
        let mut answers = state.api.stream(op, prepared);
        // The document is checked at the first poll; an event takes longer than that.
        let first = answers.next().now_or_never();
        match first {
            Some(None) => (None, stream::empty().boxed()),
            Some(first) => (first, answers),
            None => (None, answers),
        }
    } else {
        (Some(Told::Answer(Box::new(state.api.execute(op, prepared).await))), stream::empty().boxed())
    };
    let mut headers = axum::http::HeaderMap::new();
    let answers = match first {
        Some(Told::Answer(answer))
            if answer::is_request_error(&answer) || kind == Kind::Subscription && answer::is_fatal(&answer) =>
        {
            return answer::write(answer::only_errors(*answer), Media::GraphqlResponse, Stage::Reached);
        }
        Some(mut told) => {
            if let Told::Answer(answer) = &mut told {
                headers = std::mem::take(&mut answer.http_headers);
            }
            stream::once(async move { told }).chain(rest).boxed()
        }
        None => rest,
    };
    let live = Live {
        answers: AssertUnwindSafe(answers).catch_unwind().boxed(),
        kind,
        ended: Box::pin(ended),
        age: Box::pin(tokio::time::sleep(state.config.limits.socket_lifetime)),
        draining,
        state: state.clone(),
        id: id.clone(),
        // The first bytes open the way through proxies that wait for some.
        queue: VecDeque::from([Bytes::from_static(COMMENT)]),
        is_over: false,
        _place: place,
        _running: (kind == Kind::Subscription).then(Running::subscription),
        _open: Running::socket(),
    };
    let mut response = Response::new(Body::from_stream(events(live)));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would hold events back until its buffer is full.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response.headers_mut().extend(headers);
    response
}

struct Live {
    answers: BoxStream<'static, std::thread::Result<Told>>,
    kind: Kind,
    ended: Pin<Box<dyn Future<Output = Error> + Send>>,
    /// Runs out when it has been open for as long as one may be.
    age: Pin<Box<tokio::time::Sleep>>,
    draining: CancellationToken,
    state: State,
    id: RequestId,
    queue: VecDeque<Bytes>,
    is_over: bool,
    _place: Place,
    _running: Option<Running>,
    _open: Running,
}

/// Comes when the stream's viewer is signed in no longer, or may less than when it was begun.
async fn over(watched: Option<Watched>, viewer: Viewer) -> Error {
    let Some(mut watched) = watched else { return std::future::pending().await };
    loop {
        match watched.change().await {
            Err(error) => return error,
            Ok(person) => {
                if viewer.outranks(&Viewer::Person(person)) {
                    return accounts::rights_changed();
                }
            }
        }
    }
}

fn events(live: Live) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(live, |mut live| async move {
        if live.queue.is_empty() && !live.is_over {
            live.step().await;
        }
        let event = live.queue.pop_front()?;
        Some((Ok(event), live))
    })
}

impl Live {
    /// Waits for what comes next and queues its events.
    async fn step(&mut self) {
        tokio::select! {
            biased;
            error = &mut self.ended => self.fail(error),
            () = self.draining.cancelled() => self.come_back(),
            () = &mut self.age => self.come_back(),
            answer = self.answers.next() => match answer {
                Some(Ok(Told::Shared(payload))) => self.queue.push_back(event(payload.cursor.as_deref(), &payload.json)),
                Some(Ok(Told::Answer(answer))) if self.kind == Kind::Subscription && answer::is_fatal(&answer) => {
                    self.queue.push_back(next(&answer::only_errors(*answer)));
                    self.complete();
                }
                Some(Ok(Told::Answer(answer))) => self.queue.push_back(next(&answer)),
                Some(Err(panic)) => {
                    self.fail(Error::internal(format!("a panic: {}", layers::panic_text(panic.as_ref()))));
                }
                None => self.complete(),
            },
            () = tokio::time::sleep(KEEP_ALIVE) => self.queue.push_back(Bytes::from_static(COMMENT)),
        }
    }

    /// Ends without `complete`, with a hint when to come back.
    fn come_back(&mut self) {
        let wait = websocket::retry_after(&self.state);
        self.queue.push_back(format!("retry: {wait}\n\n").into());
        self.is_over = true;
    }

    fn fail(&mut self, error: Error) {
        let answer = self.state.api.refusal(error, &self.id.0, self.state.platform.clock.now());
        self.queue.push_back(next(&answer));
        self.complete();
    }

    fn complete(&mut self) {
        // A browser passes over an event without a `data` line.
        self.queue.push_back(Bytes::from_static(b"event: complete\ndata:\n\n"));
        self.is_over = true;
    }
}

fn next(answer: &Answer) -> Bytes {
    event(share::cursor(&answer.data), &answer::json(answer))
}

fn event(cursor: Option<&str>, json: &str) -> Bytes {
    let id = cursor.map(|cursor| format!("id: {cursor}\n")).unwrap_or_default();
    // JSON has its line breaks escaped, so one `data` line is enough.
    format!("{id}event: next\ndata: {json}\n\n").into()
}
