//! A socket's life: the upgrade, `connection_init`, and how it ends. What happens in between is in `operations`.
//!
//! Who asks is settled once, at `connection_init`: by the token in its payload, else by the `Authorization` header or the access
//! cookie of the upgrade. When that sign-in ends, the socket is closed with 4403 and our code as the reason; the same person's next
//! token, presented by a mutation, lets it go on. What the person may is read anew for each operation; when they may less, only the
//! subscriptions that were begun with more are ended.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{
        FromRequestParts,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    },
    http::{HeaderValue, header, request::Parts},
    response::Response,
};
use futures_util::{SinkExt, StreamExt, stream::SplitSink, stream::SplitStream};
use serde_json::{Map, Value as Json};
use tokio::sync::Mutex;

use super::{
    State, answer,
    answer::Stage,
    auth::{self, Credentials},
    csrf,
    layers::RequestId,
    negotiate::Media,
    operations::{self, Session},
    protocol::{self, Close, Incoming},
    sockets::Place,
};
use crate::{
    access::{Origin, Viewer},
    base::error::{Code, Error, Result},
    domains::auth as accounts,
    platform::{
        buckets::Flow,
        metrics::{self, Running},
        patience::patiently,
    },
};

/// The version of WebSocket.
const VERSION: &str = "13";
/// Read and write buffers: a default socket costs 130 KiB, most of it these.
const BUFFER: usize = 4096;
/// How long a frame may take to leave before the reader at the other end counts as gone.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the other end gets to answer a close frame.
const GOODBYE: Duration = Duration::from_secs(2);

/// When to come back if all places for sockets are taken: nobody knows when one is given up.
pub(super) const CROWDED: Duration = Duration::from_secs(10);

/// The sending half.
pub(super) type Sink = SplitSink<WebSocket, Message>;
/// It, for all operations of a socket: whoever wants to write waits for those who came before.
pub(super) type SharedSink = Arc<Mutex<Sink>>;
/// The receiving half.
pub(super) type Stream = SplitStream<WebSocket>;

/// How a socket ended.
pub(super) enum End {
    /// We close it.
    Close(Close),
    /// The other end closes it.
    Left,
    /// It is broken, or its other end does not read.
    Gone,
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}

/// Takes the upgrade.
pub(super) async fn upgrade(state: State, mut parts: Parts) -> Response {
    let id = RequestId::of(&parts.extensions);
    let refuse = |error| answer::refuse(&state, &id, error, Media::Json, Stage::Refused);
    let mut upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(why) => {
            let error = Error::new(Code::BadRequest, format!("This is no WebSocket handshake: {why}."));
            // RFC 6455, section 4.4: who speaks another version is told which one is spoken here.
            let other = parts.headers.get(header::SEC_WEBSOCKET_VERSION).is_some_and(|version| version != VERSION);
            let mut response = refuse(if other { error.with_status(426) } else { error });
            response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
            if other {
                response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            }
            return response;
        }
    };
    if state.sockets.draining().is_cancelled() {
        return refuse(
            Error::unavailable("The server is going away; try again in a moment.").with_retry_after(GOODBYE),
        );
    }
    // A browser's socket could say it nowhere else than in `connection_init`, so nothing is gained by a token that others can read.
    if !matches!(auth::token_in_address(&parts), Ok(None)) {
        return refuse(auth::misplaced_token());
    }
    let credentials = Credentials::read(&parts.headers, state.config.app.environment);
    if let Err(error) = csrf::check_socket(&parts, &state.config.app, credentials.access_cookie.is_some()) {
        return refuse(error);
    }
    let origin = auth::origin(&state, &parts);
    let Some(place) = state.sockets.admit_waiting(&origin.address(), state.config.limits.sockets_per_viewer) else {
        let sentence = "Too many sockets of this address wait for connection_init.";
        return refuse(Error::new(Code::RateLimitExceeded, sentence).with_retry_after(CROWDED));
    };
    let speaks_ours = upgrade.requested_protocols().any(|offered| offered == protocol::NAME);
    // Clients give up on a handshake that picks none of what they offered, and would not read why: 4406 comes after it.
    let picked = if speaks_ours {
        Some(HeaderValue::from_static(protocol::NAME))
    } else {
        upgrade.requested_protocols().next().cloned()
    };
    if let Some(picked) = picked.filter(|picked| !picked.is_empty()) {
        upgrade.set_selected_protocol(picked);
    }
    let frame = state.config.limits.frame_bytes;
    upgrade.read_buffer_size(BUFFER).write_buffer_size(BUFFER).max_message_size(frame).max_frame_size(frame).on_upgrade(
        move |socket| async move {
            let greeting = Greeting { credentials, origin, place, id, speaks_ours };
            Box::pin(serve(state, socket, greeting)).await;
        },
    )
}

/// What is known of a socket before `connection_init`.
pub(super) struct Greeting {
    credentials: Credentials,
    origin: Origin,
    place: Place,
    id: RequestId,
    speaks_ours: bool,
}

pub(super) async fn serve(state: State, socket: WebSocket, greeting: Greeting) {
    let _open = Running::socket();
    let id = greeting.id.clone();
    let (sink, mut stream) = socket.split();
    let sink = Arc::new(Mutex::new(sink));
    let end = live(&state, &sink, &mut stream, greeting).await;
    let close = match end {
        End::Close(close) => close,
        End::Left => return see_out(&mut stream).await,
        End::Gone => return tracing::debug!(socket = &*id.0, "a socket is gone"),
    };
    tracing::debug!(socket = &*id.0, code = close.code, reason = close.reason, "a socket is closed");
    let code = close.code;
    let frame = CloseFrame { code, reason: close.reason.into() };
    let goodbye = async { sink.lock().await.send(Message::Close(Some(frame))).await };
    if !matches!(tokio::time::timeout(GOODBYE, goodbye).await, Ok(Ok(()))) {
        return;
    }
    see_out(&mut stream).await;
    if matches!(code, 1002 | 1007 | 1009) {
        // After a frame that cannot be read there is no reading on; only time can tell.
        tokio::time::sleep(GOODBYE / 2).await;
    }
}

/// Reads until the closing handshake is through. Cut at once, the connection would lose the close frame on its way.
async fn see_out(stream: &mut Stream) {
    let answered = async { while stream.next().await.is_some_and(|message| message.is_ok()) {} };
    let _ = tokio::time::timeout(GOODBYE, answered).await;
}

/// From the greeting to the end.
async fn live(state: &State, sink: &SharedSink, stream: &mut Stream, greeting: Greeting) -> End {
    if !greeting.speaks_ours {
        return Close::not_acceptable().into();
    }
    let draining = state.sockets.draining();
    let init = tokio::select! {
        init = tokio::time::timeout(state.config.limits.init_timeout, await_init(state, sink, stream)) => init,
        () = draining.cancelled() => return going_away(state).await.into(),
    };
    let payload = match init {
        Ok(Ok(payload)) => payload,
        Ok(Err(end)) => return end,
        Err(_) => return Close::init_timeout().into(),
    };
    // Boxed, and let go of: a socket would keep the room for as long as it is open.
    let viewer = match Box::pin(identify(state, &greeting.credentials, &payload)).await {
        Ok(viewer) => viewer,
        Err(error) => return Close::because(&error).into(),
    };
    let limit = state.config.limits.sockets_per_viewer;
    let Some(_place) = state.sockets.admit(who(&viewer, &greeting.origin), limit) else {
        return Close::too_many_sockets(limit).into();
    };
    drop(greeting.place);
    if send(sink, protocol::ack()).await.is_err() {
        return End::Gone;
    }
    let session = Arc::new(Session::new(state.clone(), viewer, greeting.origin, greeting.id, sink.clone()));
    let _stop = session.stop_on_drop();
    tokio::select! {
        end = operations::serve(&session, stream) => end,
        error = session.watch() => Close::because(&error).into(),
        close = async { draining.cancelled().await; going_away(state).await } => close.into(),
        () = tokio::time::sleep(state.config.limits.socket_lifetime) => Close::too_old(retry_after(state)).into(),
    }
}

/// Everything up to `connection_init`.
async fn await_init(state: &State, sink: &SharedSink, stream: &mut Stream) -> Result<Map<String, Json>, End> {
    let mut flow = Flow::default();
    loop {
        let text = match receive(stream).await? {
            Some(text) => text,
            None => continue,
        };
        flooded(state, &mut flow)?;
        match protocol::parse(&text, state.config.limits.document_nesting).map_err(Close::malformed)? {
            Incoming::Init(payload) => return Ok(payload),
            Incoming::Ping(payload) => send(sink, protocol::pong(payload)).await.map_err(|()| End::Gone)?,
            Incoming::Pong | Incoming::Complete(_) => {}
            Incoming::Subscribe { .. } => return Err(Close::unauthorized().into()),
        }
    }
}

/// Counts a message of a socket, whatever it says.
pub(super) fn flooded(state: &State, flow: &mut Flow) -> Result<(), Close> {
    let rate = state.config.limits.requests.socket;
    if flow.passes(&state.platform.clock, rate) {
        return Ok(());
    }
    metrics::refusal("socket");
    Err(Close::too_many_messages(rate))
}

/// The next text; `None` for what the protocol below deals with.
pub(super) async fn receive(stream: &mut Stream) -> Result<Option<String>, End> {
    match stream.next().await {
        Some(Ok(Message::Text(text))) => Ok(Some(text.as_str().to_owned())),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Binary(_))) => Err(Close::malformed("Messages are text, this was a binary frame").into()),
        Some(Ok(Message::Close(_))) => Err(End::Left),
        None => Err(End::Gone),
        // The library's error is not ours to name: its words tell the cases apart.
        Some(Err(error)) => match error.to_string() {
            text if text.contains("Space limit exceeded") => Err(Close::new(1009, "The message is too large").into()),
            text if text.contains("UTF-8") => Err(Close::new(1007, "The message is not UTF-8").into()),
            text if text.contains("WebSocket protocol error") && !text.contains("without closing handshake") => {
                Err(Close::new(1002, "This is not how WebSocket works").into())
            }
            _ => Err(End::Gone),
        },
    }
}

async fn send(sink: &SharedSink, text: String) -> Result<(), ()> {
    let sending = async { sink.lock().await.send(Message::Text(text.into())).await };
    match tokio::time::timeout(WRITE_TIMEOUT, sending).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(()),
    }
}

/// Who the payload of `connection_init` says it is, else the upgrade.
async fn identify(state: &State, upgrade: &Credentials, payload: &Map<String, Json>) -> Result<Viewer> {
    let field = |name: &str| payload.get(name).filter(|value| !value.is_null());
    let told = match (field("authorization").or_else(|| field("Authorization")), field("token")) {
        (Some(value), _) => Some(auth::bearer(value.as_str().unwrap_or_default())?),
        (None, Some(token)) => Some(token.as_str().unwrap_or_default().to_owned()),
        (None, None) => None,
    };
    match told {
        Some(token) => {
            let ask = || accounts::authenticate_for_socket(&state.platform, &state.config, &token);
            patiently("checking a token", ask).await
        }
        None => patiently("checking a token", || upgrade.check(state)).await.map(|(viewer, _)| viewer),
    }
}

/// Whose socket or stream it counts as.
pub(super) fn who(viewer: &Viewer, origin: &Origin) -> String {
    viewer.id().map_or_else(|| format!("address:{}", origin.address()), |id| id.to_string())
}

/// The watch over the viewer's sign-in; `None` for who has none.
pub(super) fn watch(state: &State, viewer: &Viewer) -> Option<accounts::Watched> {
    match viewer {
        Viewer::Person(person) => Some(state.watch.over(person.clone())),
        _ => None,
    }
}

/// Waits a random part of a second, so that not all leave at the same moment, and come back spread over a few.
async fn going_away(state: &State) -> Close {
    let random = &state.platform.random;
    tokio::time::sleep(Duration::from_millis(random.below(1000))).await;
    Close::going_away(retry_after(state))
}

/// When to come back, in milliseconds: those who leave together do not return together.
pub(super) fn retry_after(state: &State) -> u64 {
    500 + state.platform.random.below(4500)
}
