//! Whoever calls the server: with a token or without.

use std::ops::Deref;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Answer, Instance, Person, Socket, Sse, Subscription, within};

/// A client of one instance.
#[derive(Clone, Debug)]
pub struct Caller {
    http: reqwest::Client,
    /// `http://127.0.0.1:…`
    pub url: String,
    /// The access token.
    pub token: Option<String>,
}

impl Caller {
    pub(super) fn new(instance: &Instance) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { http, url: instance.url.clone(), token: None }
    }

    /// The same client without a token, or with another.
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// The same client at another instance.
    pub fn at(&self, instance: &Instance) -> Self {
        Self { url: instance.url.clone(), ..self.clone() }
    }

    /// A request to a path, with the token if there is one.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request made by hand.
    pub async fn send_request(&self, request: RequestBuilder) -> Answer {
        let request = request.build().unwrap();
        let asked = format!("{} {}", request.method(), request.url());
        let response = within("an answer", self.http.execute(request)).await.unwrap();
        within("a body", Answer::read(asked, response)).await
    }

    /// Runs an operation.
    pub async fn ask(&self, query: &str, variables: Value) -> Answer {
        let body = json!({ "query": query, "variables": variables });
        let request = self.request(Method::POST, "/graphql").json(&body);
        let response = within("an answer", request.send()).await.unwrap();
        within("a body", Answer::read(format!("{query}\n{variables}"), response)).await
    }

    /// A socket, greeted and ready.
    pub async fn socket(&self) -> Socket {
        let mut socket = Socket::open(&self.url).await;
        let token = self.token.as_ref().map(|token| json!({ "authorization": format!("Bearer {token}") }));
        socket.say(json!({ "type": "connection_init", "payload": token.unwrap_or(json!({})) }));
        let greeting = socket.recv().await;
        assert_eq!(greeting["type"], "connection_ack", "{greeting}");
        socket
    }

    /// A socket that has said nothing yet.
    pub async fn silent_socket(&self) -> Socket {
        Socket::open(&self.url).await
    }

    /// A subscription on a socket of its own.
    pub async fn subscribe(&self, query: &str, variables: Value) -> Subscription {
        let socket = self.socket().await;
        socket.subscribe(query, variables).keeping(socket)
    }

    /// A subscription over server-sent events.
    pub async fn subscribe_sse(&self, query: &str, variables: Value) -> Sse {
        let body = json!({ "query": query, "variables": variables });
        let request = self.request(Method::POST, "/graphql").header("accept", "text/event-stream").json(&body);
        Sse::new(within("an answer", request.send()).await.unwrap())
    }
}

impl Deref for Person {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}
