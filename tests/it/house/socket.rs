//! A client of the graphql-transport-ws protocol that can also misbehave.
//!
//! One task reads the line and hands each frame to the subscription it belongs to, so that several can be waited for in any order.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, watch},
    task::AbortHandle,
};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message as Wire, client::IntoClientRequest, http::HeaderValue},
};

use super::{Answer, spawn, within};

/// How a socket was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The close code; 1006 when the line was cut without one.
    pub code: u16,
    /// The reason given.
    pub reason: String,
}

type Routes = Arc<Mutex<HashMap<String, mpsc::UnboundedSender<Value>>>>;

/// A socket.
pub struct Socket {
    out: mpsc::UnboundedSender<Wire>,
    routes: Routes,
    frames: mpsc::UnboundedReceiver<Value>,
    closed: watch::Receiver<Option<Closed>>,
    /// The subprotocol the server chose.
    pub protocol: Option<String>,
    next_id: AtomicU64,
    line: [AbortHandle; 2],
}

impl Socket {
    pub(super) async fn open(url: &str) -> Self {
        match Self::try_open(url, &[("sec-websocket-protocol", "graphql-transport-ws")]).await {
            Ok(socket) => socket,
            Err(status) => panic!("the server answered {status} to a WebSocket"),
        }
    }

    /// Opens a socket with these headers, or gives the status of the refusal.
    pub async fn try_open(url: &str, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let mut request = format!("{}/graphql", url.replacen("http", "ws", 1)).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let (line, response) = match within("a socket", connect_async(request)).await {
            Ok(open) => open,
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => return Err(response.status().as_u16()),
            Err(error) => panic!("no socket: {error}"),
        };
        let protocol =
            response.headers().get("sec-websocket-protocol").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (mut sink, mut source) = line.split();
        let (out, mut outgoing) = mpsc::unbounded_channel::<Wire>();
        let (unclaimed, frames) = mpsc::unbounded_channel();
        let (closing, closed) = watch::channel(None);
        let routes = Routes::default();
        let (table, answers) = (routes.clone(), out.clone());
        let writing = spawn(async move {
            while let Some(frame) = outgoing.recv().await {
                if sink.send(frame).await.is_err() {
                    break;
                }
            }
        });
        let reading = spawn(async move {
            let mut end = Closed { code: 1006, reason: "the line was cut".to_owned() };
            while let Some(Ok(frame)) = source.next().await {
                match frame {
                    Wire::Text(text) => {
                        let frame: Value = serde_json::from_str(&text).unwrap_or_else(|_| json!(text.to_string()));
                        if frame["type"] == "ping" {
                            let _ = answers.send(Wire::text(json!({ "type": "pong" }).to_string()));
                        }
                        let route = frame["id"].as_str().and_then(|id| table.lock().unwrap().get(id).cloned());
                        let _ = match route {
                            Some(route) => route.send(frame),
                            None => unclaimed.send(frame),
                        };
                    }
                    Wire::Close(frame) => {
                        end = frame.map_or(Closed { code: 1005, reason: String::new() }, |frame| Closed {
                            code: frame.code.into(),
                            reason: frame.reason.to_string(),
                        });
                        break;
                    }
                    _ => {}
                }
            }
            let _ = closing.send(Some(end));
            table.lock().unwrap().clear();
        });
        let line = [writing.abort_handle(), reading.abort_handle()];
        Ok(Self { out, routes, frames, closed, protocol, next_id: AtomicU64::new(1), line })
    }

    /// Sends a frame.
    pub fn say(&self, frame: Value) {
        self.send_text(&frame.to_string());
    }

    /// Sends any text.
    pub fn send_text(&self, text: &str) {
        let _ = self.out.send(Wire::text(text));
    }

    /// Sends bytes, which the protocol knows nothing of.
    pub fn send_bytes(&self, bytes: &[u8]) {
        let _ = self.out.send(Wire::binary(bytes.to_vec()));
    }

    /// The next frame that belongs to no subscription.
    pub async fn recv(&mut self) -> Value {
        match within("a frame", self.frames.recv()).await {
            Some(frame) => frame,
            None => panic!("the socket was closed instead: {:?}", *self.closed.borrow()),
        }
    }

    /// Begins a subscription.
    pub fn subscribe(&self, query: &str, variables: Value) -> Subscription {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed).to_string();
        self.subscribe_as(&id, query, variables)
    }

    /// Begins a subscription with an id of the test's choice.
    pub fn subscribe_as(&self, id: &str, query: &str, variables: Value) -> Subscription {
        let (route, frames) = mpsc::unbounded_channel();
        self.routes.lock().unwrap().insert(id.to_owned(), route);
        self.say(json!({ "id": id, "type": "subscribe", "payload": { "query": query, "variables": variables } }));
        Subscription { id: id.to_owned(), query: query.to_owned(), frames, out: self.out.clone(), socket: None }
    }

    /// Asks the server for a sign of life and waits for it: everything said before has been read by then.
    pub async fn ping(&mut self) {
        self.say(json!({ "type": "ping" }));
        while self.recv().await["type"] != "pong" {}
    }

    /// Waits for the server to close the socket.
    pub async fn closed(&mut self) -> Closed {
        let closed = within("the socket to be closed", self.closed.wait_for(Option::is_some)).await.unwrap();
        closed.clone().unwrap()
    }

    /// The code the server closes the socket with.
    pub async fn close_code(&mut self) -> u16 {
        self.closed().await.code
    }

    /// Nobody has closed it.
    pub fn is_open(&self) -> bool {
        self.closed.borrow().is_none()
    }

    /// Cuts the line, as a network does: nobody says goodbye, and what was under way is lost.
    pub fn cut(&self) {
        self.line.iter().for_each(AbortHandle::abort);
    }

    /// Closes the socket politely.
    pub fn close(&self) {
        let _ = self.out.send(Wire::Close(None));
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.close();
    }
}

/// What came of a subscription.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    /// An answer.
    Next(Value),
    /// It could not be run, or ended with this error.
    Error(Value),
    /// It ended.
    Complete,
    /// The socket was closed.
    Cut,
}

/// A subscription.
pub struct Subscription {
    /// Its id on the socket.
    pub id: String,
    query: String,
    frames: mpsc::UnboundedReceiver<Value>,
    out: mpsc::UnboundedSender<Wire>,
    socket: Option<Box<Socket>>,
}

impl Subscription {
    pub(super) fn keeping(mut self, socket: Socket) -> Self {
        self.socket = Some(Box::new(socket));
        self
    }

    /// The next thing to happen.
    pub async fn frame(&mut self) -> Frame {
        within(&format!("a frame of\n{}", self.query), self.frames.recv()).await.map_or(Frame::Cut, read)
    }

    /// The data of the next answer, which must be without errors.
    pub async fn next(&mut self) -> Value {
        match self.frame().await {
            Frame::Next(payload) => Answer::of(&self.query, payload).ok().clone(),
            other => panic!("expected an answer, got {other:?} of\n{}", self.query),
        }
    }

    /// Waits for the end and gives the code of the error it ended with. Answers that come before are passed over.
    pub async fn end(&mut self) -> Option<String> {
        let mut code = None;
        loop {
            match self.frame().await {
                Frame::Next(payload) => code = Answer::of(&self.query, payload).code().map(str::to_owned).or(code),
                Frame::Error(errors) => return errors[0]["extensions"]["code"].as_str().map(str::to_owned),
                Frame::Complete | Frame::Cut => return code,
            }
        }
    }

    /// Nothing comes for a while.
    pub async fn expect_none_for(&mut self, millis: u64) {
        if let Ok(frame) = tokio::time::timeout(Duration::from_millis(millis), self.frames.recv()).await {
            panic!("expected silence, got {:?} of\n{}", frame.map(read), self.query);
        }
    }

    /// Says that nobody listens any more.
    pub fn complete(&self) {
        let _ = self.out.send(Wire::text(json!({ "id": self.id, "type": "complete" }).to_string()));
    }

    /// Its own socket, when it has one.
    pub fn socket(&mut self) -> &mut Socket {
        self.socket.as_mut().expect("the subscription has no socket of its own")
    }
}

fn read(mut frame: Value) -> Frame {
    let payload = frame["payload"].take();
    match frame["type"].as_str() {
        Some("next") => Frame::Next(payload),
        Some("error") => Frame::Error(payload),
        Some("complete") => Frame::Complete,
        _ => panic!("an unknown frame: {frame}"),
    }
}
