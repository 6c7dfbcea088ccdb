//! Tokens that are good for one thing (IDN-046): what they open, what they do not, and how they end.

use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use polyphony::{
    access::TokenScope,
    base::error::Code,
    domains::auth::{authenticate, authenticate_scoped},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::house::{Caller, MESSAGE_EVENTS, Person, Program, Socket, Sse, within};

const ISSUE: &str =
    "mutation($scope: TokenScope!) { issueScopedToken(input: { scope: $scope }) { token scope expiresIn } }";
const DENIED: &str = "PERMISSION_DENIED";

async fn issue(person: &Person, scope: &str) -> String {
    let answer = person.ask(ISSUE, json!({ "scope": scope })).await;
    assert_eq!(
        (answer.text("issueScopedToken.scope").as_str(), answer.number("issueScopedToken.expiresIn")),
        (scope, 300)
    );
    answer.text("issueScopedToken.token")
}

/// As a browser's `EventSource` opens its address.
fn event_source(caller: &Caller, token: &str, query: &str, variables: &Value) -> RequestBuilder {
    let request = caller.with_token(None).request(Method::GET, "/graphql").header("accept", "text/event-stream");
    request.query(&[("query", query), ("variables", &variables.to_string()), ("access_token", token)])
}

async fn open(caller: &Caller, token: &str, query: &str, variables: &Value) -> Sse {
    let answer = within("an answer", event_source(caller, token, query, variables).send()).await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "no-store");
    Sse::new(answer)
}

async fn greet(caller: &Caller, token: &str) -> Socket {
    let socket = caller.silent_socket().await;
    socket.say(json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {token}") } }));
    socket
}

async fn greeted(caller: &Caller, token: &str) -> Socket {
    let mut socket = greet(caller, token).await;
    assert_eq!(socket.recv().await["type"], "connection_ack");
    socket
}

both! {
    /// A `CHAT` token follows subscriptions, over an event stream by its address and over a socket, and does nothing else.
    async fn a_chat_token_follows_and_does_nothing_else(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let room = alice.create_room_with("Studio", &[&bob]).await;
        let after = bob.event_cursor(&room).await;
        let token = issue(&bob, "CHAT").await;
        let variables = json!({ "id": room, "after": after });
        let mut events = open(&bob, &token, MESSAGE_EVENTS, &variables).await;
        assert_eq!((events.status, events.content_type.split(';').next()), (200, Some("text/event-stream")));
        let mut socket = greeted(&bob, &token).await;
        let mut told = socket.subscribe(MESSAGE_EVENTS, variables.clone());
        alice.send(&room, "Hello").await;
        assert_eq!(events.next().await["messageEvents"]["message"]["content"], "Hello");
        assert_eq!(told.next().await["messageEvents"]["message"]["content"], "Hello");

        let before = world.dump().await;
        let write = format!("mutation {{ sendMessage(input: {{ conversationId: \"{room}\", content: \"no\" }}) {{ message {{ id }} }} }}");
        let issue_more = "mutation { issueScopedToken(input: { scope: CHAT }) { token } }";
        for document in ["{ me { id } }", "{ version }", &write, issue_more] {
            assert_eq!(socket.subscribe(document, json!({})).end().await.as_deref(), Some(DENIED), "{document}");
        }
        let read = bob.send_request(event_source(&bob, &token, "{ me { id } }", &json!({}))).await;
        read.expect_status(403).expect_code(DENIED);
        bob.send_request(event_source(&bob, &token, &write, &json!({}))).await.expect_status(405);
        // As an access token it is none, wherever it stands.
        bob.with_token(Some(&token)).me().await.expect_status(401).expect_code("INVALID_TOKEN");
        let bearer = bob.with_token(Some(&token)).subscribe_sse(MESSAGE_EVENTS, variables.clone()).await;
        assert_eq!(bearer.status, 401);
        let csrf = bob.with_token(Some(&token)).request(Method::GET, "/csrf-token");
        bob.send_request(csrf).await.expect_status(401);
        world.dump().await.assert_unchanged(&before, "what a token of a scope may not");
        drop(told);
        assert!(socket.is_open());
        socket.ping().await;
    }

    /// No other token opens a stream by its address, and none stands in the address of anything else: never is it passed over in silence.
    async fn an_address_takes_a_chat_token_for_a_stream_alone(world) {
        let alice = world.person("alice").await;
        let room = alice.create_room("Studio", "PRIVATE").await;
        let variables = json!({ "id": room });
        let (chat, stream) = (issue(&alice, "CHAT").await, issue(&alice, "STREAM").await);
        let own = alice.token.clone().unwrap();
        // As somebody forges one who knows the public keys, which other services do.
        let header = Header { kid: jsonwebtoken::decode_header(&own).unwrap().kid, ..Header::new(Algorithm::HS256) };
        let claims: Value = jsonwebtoken::dangerous::insecure_decode(&own).unwrap().claims;
        let keys = alice.send_request(alice.request(Method::GET, "/.well-known/jwks.json")).await.body.clone();
        let forged = EncodingKey::from_secret(keys["keys"][0]["x"].as_str().unwrap().as_bytes());
        let forged = jsonwebtoken::encode(&header, &claims, &forged).unwrap();
        for token in ["", "nonsense", &own, &stream, &forged, &alice.refresh_token] {
            let refused = alice.send_request(event_source(&alice, token, MESSAGE_EVENTS, &variables)).await;
            refused.expect_status(401).expect_code("INVALID_TOKEN");
            assert_eq!(refused.header("cache-control"), "no-store");
        }
        alice.with_token(Some(&forged)).me().await.expect_code("INVALID_TOKEN");
        for token in [&stream, &forged] {
            assert_eq!(greet(&alice, token).await.close_code().await, 4403);
        }
        // Two tokens, or one where none belongs.
        let twice = event_source(&alice, &chat, MESSAGE_EVENTS, &variables);
        let twice = [twice.try_clone().unwrap().query(&[("access_token", &chat)]), twice.bearer_auth(&own)];
        let path = format!("/graphql?access_token={chat}");
        let body = json!({ "query": MESSAGE_EVENTS, "variables": variables });
        let misplaced = [
            alice.with_token(None).request(Method::POST, &path).json(&body),
            alice.with_token(None).request(Method::POST, &path).header("accept", "text/event-stream").json(&body),
            alice.with_token(None).request(Method::GET, &path).query(&[("query", "{ me { id } }")]),
            alice.with_token(None).request(Method::GET, &path).header("connection", "upgrade").header("upgrade", "websocket")
                .header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        for request in twice.into_iter().chain(misplaced) {
            let refused = alice.send_request(request).await;
            refused.expect_status(400).expect_code("BAD_REQUEST");
            assert!(refused.to_string().contains("access_token:"), "{refused}");
        }
    }

    /// Both kinds verify for their own scope and for no other, for five minutes, and only while the session lasts.
    async fn a_scope_is_one_scope(world) {
        let alice = world.person("alice").await;
        let (platform, config) = (world.platform(), world.first().config);
        let scopes = [("CHAT", TokenScope::Chat), ("STREAM", TokenScope::Stream)];
        let other = world.instance(|config| config.auth.vault_keys = vec![[9; 32]]).await;
        for (name, scope) in scopes {
            let token = issue(&alice, name).await;
            let viewer = authenticate_scoped(&platform, &config, &token, scope).await.unwrap();
            assert_eq!(viewer.id().unwrap().to_string(), alice.id);
            assert!(viewer.may_run(false).is_err() && viewer.may_run(true).is_ok() == (scope == TokenScope::Chat));
            for (_, wrong) in scopes.into_iter().filter(|(_, other)| *other != scope) {
                let refused = authenticate_scoped(&platform, &config, &token, wrong).await.unwrap_err();
                assert_eq!(refused.code(), Code::InvalidToken);
            }
            // The secret is the vault's: another vault's is another.
            assert!(authenticate_scoped(&other.platform, &config, &token, scope).await.is_err());
            assert_eq!(authenticate(&platform, &config, &token).await.unwrap_err().code(), Code::InvalidToken);
            world.advance(TimeDelta::seconds(299));
            authenticate_scoped(&platform, &config, &token, scope).await.unwrap();
            world.advance(TimeDelta::seconds(1));
            assert_eq!(authenticate_scoped(&platform, &config, &token, scope).await.unwrap_err().code(), Code::InvalidToken);
        }
        let tokens = [issue(&alice, "CHAT").await, issue(&alice, "STREAM").await];
        alice.ask("mutation { signOut(input: { scope: CURRENT }) { sessionsEnded } }", json!({})).await.ok();
        for (token, (_, scope)) in tokens.iter().zip(scopes) {
            assert_eq!(authenticate_scoped(&platform, &config, token, scope).await.unwrap_err().code(), Code::InvalidToken);
        }
    }

    /// What a token has opened outlasts it, as long as an access token of its moment would have lasted; it ends at once with the session.
    async fn what_was_opened_ends_with_the_session(world) {
        let (alice, bob) = (world.person("alice").await, world.person("bob").await);
        let room = alice.create_room_with("Studio", &[&bob]).await;
        let variables = json!({ "id": room, "after": bob.event_cursor(&room).await });
        let ended = async |events: &mut Sse| {
            let (name, answer) = loop {
                let (name, answer) = events.event().await.unwrap();
                // What was said before may still be on its way.
                if !answer["errors"].is_null() {
                    break (name, answer);
                }
            };
            assert_eq!((name.as_str(), &answer["errors"][0]["extensions"]["code"]), ("next", &json!("INVALID_TOKEN")), "{answer}");
            assert_eq!(events.event().await.map(|(name, _)| name).as_deref(), Some("complete"));
        };
        let token = issue(&bob, "CHAT").await;
        let mut events = open(&bob, &token, MESSAGE_EVENTS, &variables).await;
        world.advance(TimeDelta::minutes(6));
        alice.send(&room, "still there").await;
        assert_eq!(events.next().await["messageEvents"]["message"]["content"], "still there");
        bob.send_request(event_source(&bob, &token, MESSAGE_EVENTS, &variables)).await.expect_status(401);
        world.advance(TimeDelta::minutes(9));
        ended(&mut events).await;

        let elsewhere = bob.sign_in().await;
        let token = issue(&elsewhere, "CHAT").await;
        let mut events = open(&bob, &token, MESSAGE_EVENTS, &variables).await;
        let mut socket = greeted(&bob, &token).await;
        events.next().await;
        bob.sign_in().await.ask("mutation { signOut(input: { scope: OTHERS }) { sessionsEnded } }", json!({})).await.ok();
        ended(&mut events).await;
        assert_eq!(socket.close_code().await, 4403);
        bob.send_request(event_source(&bob, &token, MESSAGE_EVENTS, &variables)).await.expect_code("INVALID_TOKEN");
    }
}

/// What stands in an address never stands in the log, however much that tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_in_an_address_is_not_logged() {
    let home = tempfile::tempdir().unwrap();
    let program = Program::serve(home.path(), &[("LOG_DIR", "logs"), ("LOG_LEVEL", "trace")]).await;
    let alice = program.sign_in("alice").await;
    let answer = program.ask(Some(&alice), ISSUE, json!({ "scope": "CHAT" })).await;
    let token = answer["data"]["issueScopedToken"]["token"].as_str().unwrap().to_owned();
    for (token, status) in [(token.as_str(), 200), (&token[..token.len() - 3], 401)] {
        let request =
            reqwest::Client::new().get(format!("{}/graphql", program.url)).header("accept", "text/event-stream");
        let request = request.query(&[("query", "subscription { inboxChanged { cursor } }"), ("access_token", token)]);
        assert_eq!(within("an answer", request.send()).await.unwrap().status(), status);
    }
    program.terminate().await;
    program.ended().await;
    let signature = token.rsplit('.').next().unwrap();
    let mut log = String::new();
    for file in std::fs::read_dir(home.path().join("logs")).unwrap() {
        log.push_str(&std::fs::read_to_string(file.unwrap().path()).unwrap());
    }
    assert!(log.contains("kind=\"subscription\"") && !log.contains(&signature[..20]), "{}", log.len());
}
