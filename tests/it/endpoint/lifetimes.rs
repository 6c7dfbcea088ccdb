//! Sockets and streams that live too long, say nothing, do not read, or shout.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::house::{Caller, Frame, Person, Program, Socket, Sse, spawn, within};

const ME: &str = "{ me { username } }";
const TYPING: &str = "subscription($id: ID!) { typingChanged(conversationId: $id) { typing } }";
const EVENTS: &str =
    "subscription($id: ID!) { messageEvents(conversationId: $id) { ... on MessageSent { message { content } } } }";

/// A socket by hand, frame by frame: it answers nothing by itself.
struct Line(TcpStream);

impl Line {
    /// Shakes hands and greets.
    async fn open(caller: &Caller) -> Self {
        let address = caller.url.trim_start_matches("http://").parse().unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        // Little is on its way before the other end notices that nobody reads.
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        let head = "GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                    sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(within("the handshake", stream.read_u8()).await.unwrap());
        }
        assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
        let mut line = Self(stream);
        let token = caller.token.as_ref().map(|token| format!("Bearer {token}"));
        line.say(json!({ "type": "connection_init", "payload": { "authorization": token } })).await;
        assert_eq!(line.frame().await, (1, b"{\"type\":\"connection_ack\"}".to_vec()));
        line
    }

    async fn say(&mut self, message: Value) {
        let text = message.to_string();
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        // Masked by nothing.
        let head = [0x81, 0x80 | 126, length[0], length[1], 0, 0, 0, 0];
        self.0.write_all(&[&head, text.as_bytes()].concat()).await.unwrap();
    }

    /// The next frame: its kind, and what it carries.
    async fn frame(&mut self) -> (u8, Vec<u8>) {
        within("a frame", async {
            let kind = self.0.read_u8().await.unwrap() & 15;
            let length = match self.0.read_u8().await.unwrap() {
                126 => usize::from(self.0.read_u16().await.unwrap()),
                length => usize::from(length),
            };
            let mut content = vec![0; length];
            self.0.read_exact(&mut content).await.unwrap();
            (kind, content)
        })
        .await
    }
}

/// A socket that has greeted as this person and not heard whether it may stay.
async fn knocking(url: &str, person: &Person) -> Socket {
    let protocol = [("sec-websocket-protocol", "graphql-transport-ws")];
    // In a box: who knocks again and again would carry it in its own future.
    let socket = Box::pin(Socket::try_open(url, &protocol)).await.unwrap_or_else(|status| panic!("{status}"));
    socket.say(json!({ "type": "connection_init", "payload": { "token": person.token } }));
    socket
}

/// The hint in the reason of a 1001.
fn hint(reason: &str) -> u64 {
    let (_, wait) = reason.split_once("retry after ").unwrap_or_else(|| panic!("no hint in {reason:?}"));
    wait.trim_end_matches(" ms").parse().unwrap()
}

once! {
    /// RFC 6455, section 4.4: whoever speaks another version of WebSocket is told which one is spoken here.
    async fn another_version_is_told_ours(world) {
        let nobody = world.anonymous();
        for (version, status) in [(Some("8"), 426), (None, 400)] {
            let request = nobody.request(Method::GET, "/graphql").header("connection", "upgrade").header("upgrade", "websocket");
            let request = request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
            let request = version.into_iter().fold(request, |request, version| request.header("sec-websocket-version", version));
            let refused = nobody.send_request(request).await;
            refused.expect_status(status).expect_code("BAD_REQUEST");
            assert_eq!(refused.header("sec-websocket-version"), "13");
        }
    }

    /// The server pings; who answers stays, and who does not has gone.
    async fn a_socket_that_says_nothing_is_closed(world) {
        let quick = world.instance(|config| config.limits.ping_interval = Duration::from_millis(200)).await;
        let nobody = world.anonymous().at(&quick);
        let mut answering = nobody.socket().await;
        let mut silent = Line::open(&nobody).await;
        let mut pings = 0;
        let close = loop {
            match silent.frame().await {
                (9, _) => pings += 1,
                (8, close) => break close,
                (kind, content) => panic!("{kind}: {}", String::from_utf8_lossy(&content)),
            }
        };
        assert!((1..=3).contains(&pings), "{pings} pings");
        assert_eq!(u16::from_be_bytes([close[0], close[1]]), 1001);
        assert_eq!(str::from_utf8(&close[2..]), Ok("Nothing was heard for too long"));
        assert!(answering.is_open());
        answering.ping().await;
    }

    /// Nothing is open for ever; whoever follows something is told when to come back, and misses nothing.
    async fn what_has_lived_long_enough_is_closed(world) {
        let alice = world.person("alice").await;
        let room = alice.create_room("Studio", "PRIVATE").await;
        let brief = world.instance(|config| config.limits.socket_lifetime = Duration::from_millis(300)).await;
        let alice = alice.at(&brief);
        let mut socket = alice.socket().await;
        let mut stream = alice.subscribe_sse(TYPING, json!({ "id": room })).await;
        let closed = socket.closed().await;
        assert_eq!(closed.code, 1001);
        assert!((500..5000).contains(&hint(&closed.reason)), "{closed:?}");
        let (event, hint) = stream.event().await.unwrap();
        assert_eq!((event.as_str(), hint), ("", json!("")), "only the hint, no `complete`");
        assert_eq!(stream.event().await, None);
    }

    /// Who does not read is not written to for ever, nor does anybody else wait for them.
    async fn a_reader_who_does_not_read_is_dropped(world) {
        let alice = world.person("alice").await;
        let room = alice.create_room("Studio", "PRIVATE").await;
        let strict = world
            .instance(|config| {
                config.limits.sockets_per_viewer = 1;
                config.limits.write_timeout = Duration::from_millis(500);
            })
            .await;
        let mut deaf = Line::open(&alice.at(&strict)).await;
        for number in 0..50 {
            deaf.say(json!({ "id": number.to_string(), "type": "subscribe", "payload": { "query": EVENTS, "variables": { "id": room } } })).await;
        }
        let mut refused = knocking(&strict.url, &alice).await;
        assert_eq!(refused.close_code().await, 4429, "the deaf one still holds the only place");
        let long = "x".repeat(1_900);
        let (speaking, spoken) = (alice.at(&strict), room.clone());
        let shouting = spawn(async move {
            for _ in 0..100 {
                speaking.send(&spoken, &long).await;
            }
        });
        // The place is free again: the line was cut although its other end never said a word.
        within("the deaf one to be dropped", async {
            loop {
                let next = knocking(&strict.url, &alice).await;
                if let Frame::Next(_) = next.subscribe(ME, Value::Null).frame().await {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
        .await;
        within("the speaker to have been served meanwhile", shouting).await.unwrap();
        drop(deaf);
    }

    /// Subscriptions that flood leave room for the other operations of their socket.
    async fn a_flood_starves_nobody(world) {
        let alice = world.person("alice").await;
        let room = alice.create_room("Studio", "PRIVATE").await;
        let socket = alice.socket().await;
        let mut floods: Vec<_> = (0..40).map(|_| socket.subscribe(EVENTS, json!({ "id": room }))).collect();
        let mut socket = socket;
        socket.ping().await;
        let (speaking, spoken) = (alice.at(&world.first()), room.clone());
        let shouting = spawn(async move {
            for number in 0..60 {
                speaking.send(&spoken, &number.to_string()).await;
            }
        });
        let mut asked = 0;
        while !shouting.is_finished() {
            let mut query = socket.subscribe(ME, Value::Null);
            assert_eq!(query.next().await["me"]["username"], "alice");
            asked += 1;
        }
        shouting.await.unwrap();
        assert!(asked >= 3, "{asked} queries were answered beside the flood");
        for flood in &mut floods {
            for number in 0..60 {
                assert_eq!(flood.next().await["messageEvents"]["message"]["content"], number.to_string());
            }
        }
    }

    /// Ten thousand messages of nonsense and a thousand that go on too long cost nobody else anything.
    async fn nonsense_costs_nobody_else_anything(world) {
        let alice = world.person("alice").await;
        let mut canary = alice.socket().await;
        let nonsense = (0..20).map(|part| {
            let nobody = world.anonymous();
            async move {
                for number in 0..50 {
                    let mut socket = nobody.socket().await;
                    let text = if number % 2 == 0 { "{\"type\":".to_owned() } else { "[".repeat(300_000) };
                    for _ in 0..10 {
                        socket.send_text(&text);
                    }
                    assert!([4400, 1009, 1006].contains(&socket.close_code().await), "{part} {number}");
                }
            }
        });
        let storm = futures_util::future::join_all(nonsense);
        let watch = async {
            loop {
                let mut query = canary.subscribe(ME, Value::Null);
                assert_eq!(query.next().await["me"]["username"], "alice");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::select! {
            _ = storm => {}
            () = watch => {}
        }
        canary.ping().await;
    }
}

/// A server that stops tells everybody to come back, not all at the same moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_sends_its_sockets_away() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(folder.path(), &[]).await;
    let token = program.sign_in("alice").await;
    let mut sockets = Vec::new();
    for _ in 0..5 {
        let headers = [("sec-websocket-protocol", "graphql-transport-ws")];
        let mut socket = Socket::try_open(&program.url, &headers).await.unwrap_or_else(|status| panic!("{status}"));
        socket.say(json!({ "type": "connection_init", "payload": { "token": token } }));
        assert_eq!(socket.recv().await["type"], "connection_ack");
        sockets.push(socket);
    }
    let ask = "{ conversations(first: 1) { nodes { id } } }";
    let room = program.ask(Some(&token), ask, Value::Null).await["data"]["conversations"]["nodes"][0]["id"].clone();
    let request = reqwest::Client::new().request(Method::POST, format!("{}/graphql", program.url)).bearer_auth(&token);
    let body = json!({ "query": TYPING, "variables": { "id": room } });
    let request = request.header("accept", "text/event-stream").json(&body);
    let mut stream = Sse::new(within("an answer", request.send()).await.unwrap());
    assert_eq!(stream.status, 200);
    program.terminate().await;
    let mut hints = Vec::new();
    for socket in &mut sockets {
        let closed = socket.closed().await;
        assert_eq!(closed.code, 1001, "{closed:?}");
        hints.push(hint(&closed.reason));
    }
    assert!(hints.iter().all(|hint| (500..5000).contains(hint)), "{hints:?}");
    hints.dedup();
    assert!(hints.len() > 1, "all are told the same: {hints:?}");
    while let Some((event, _)) = stream.event().await {
        assert_ne!(event, "complete", "who follows it comes back");
    }
    assert!(program.ended().await.success());
}
