//! Clients that mean harm: whatever they do, the server stays up, everybody else is answered in time, and its memory is bounded.
//!
//! Each siege is against the program itself, with its own settings, so that its memory can be measured. Beside it somebody goes on
//! asking, over HTTP and over a socket.

use std::{
    io::Write as _,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use futures_util::{FutureExt, SinkExt, StreamExt, future::LocalBoxFuture};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use tokio_tungstenite::{
    client_async,
    tungstenite::{Message as Wire, client::IntoClientRequest, http::HeaderValue},
};

use crate::house::{Program, Socket, spawn, within};

/// Everybody else is answered within this, on a machine that is busy with other tests.
const BOUND: Duration = Duration::from_secs(5);
/// A siege may take this long.
const LONGEST: Duration = Duration::from_secs(90);
/// MiB a siege may cost at the most.
const MEMORY: u64 = 256;

const ME: &str = "{ me { username } }";

/// A server under siege.
struct Siege {
    program: Program,
    token: String,
}

impl Siege {
    /// `127.0.0.1:…`
    fn address(&self) -> &str {
        self.program.url.trim_start_matches("http://")
    }

    /// The figure of `/metrics` with this name.
    async fn figure(&self, name: &str) -> Option<f64> {
        let text = reqwest::get(format!("{}/metrics", self.program.url)).await.ok()?.text().await.ok()?;
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    }

    /// A body sent as it is; its status, or nothing when the connection was cut.
    async fn post(&self, headers: HeaderMap, body: impl Into<reqwest::Body>) -> Option<u16> {
        let request = reqwest::Client::new().post(format!("{}/graphql", self.program.url)).headers(headers);
        let sent = request.header("content-type", "application/json").body(body).send().await;
        sent.ok().map(|response| response.status().as_u16())
    }
}

/// Runs an attack beside somebody who goes on asking.
async fn under_siege(attack: impl for<'a> FnOnce(&'a Siege) -> LocalBoxFuture<'a, ()>) {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(folder.path(), &[]).await;
    let token = program.sign_in("alice").await;
    let siege = Siege { program, token };
    // What is made on first use counts as the server's own.
    siege.program.ask(Some(&siege.token), ME, Value::Null).await;
    let before = siege.program.peak_memory();

    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let (url, token) = (siege.program.url.clone(), siege.token.clone());
    let mut socket = Socket::try_open(&url, &[("sec-websocket-protocol", "graphql-transport-ws")]).await.unwrap();
    socket.say(json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {token}") } }));
    assert_eq!(socket.recv().await["type"], "connection_ack");
    let canary = spawn(async move {
        let (client, mut slowest, mut answers) = (reqwest::Client::new(), Duration::ZERO, 0u32);
        while stopped.try_recv().is_err() {
            let asked = Instant::now();
            let request = client.post(format!("{url}/graphql")).bearer_auth(&token).json(&json!({ "query": ME }));
            let answer: Value =
                within("an answer over HTTP", async { request.send().await.unwrap().json().await.unwrap() }).await;
            assert_eq!(answer["data"]["me"]["username"], "alice", "{answer}");
            slowest = slowest.max(asked.elapsed());
            let asked = Instant::now();
            assert_eq!(socket.subscribe(ME, Value::Null).next().await["me"]["username"], "alice");
            slowest = slowest.max(asked.elapsed());
            answers += 2;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        (slowest, answers)
    });
    let outcome = tokio::time::timeout(LONGEST, std::panic::AssertUnwindSafe(attack(&siege)).catch_unwind()).await;
    let _ = stop.send(());
    let (slowest, answers) = canary.await.unwrap();
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(_) => panic!("the siege took longer than {LONGEST:?}"),
    }
    assert!(slowest < BOUND && answers > 0, "somebody else waited {slowest:?}, among {answers} answers");
    if let (Some(before), Some(after)) = (before, siege.program.peak_memory()) {
        assert!(after < before + MEMORY, "the memory grew from {before} to {after} MiB");
    }
    siege.program.sign_in("bob").await;
}

/// Opens a line whose other end may be left unread: with a small buffer of its own.
async fn line(siege: &Siege) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    within("a connection", socket.connect(siege.address().parse().unwrap())).await.unwrap()
}

/// Sockets that ask and never read: what they asked for waits for them within bounds, and then they are cut off.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_never_reads() {
    // Sixty kilobytes that cost nothing to make.
    let names = (0..60).map(|number| format!("a{number}{}: __typename ", "x".repeat(1000)));
    let large = format!("{{ {} }}", names.collect::<String>());
    under_siege(|siege| {
        Box::pin(async move {
            let deaf = (0..4).map(|_| async {
                let mut request = format!("ws://{}/graphql", siege.address()).into_client_request().unwrap();
                request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
                let (socket, _) = within("a socket", client_async(request, line(siege).await)).await.unwrap();
                let (mut sink, unread) = socket.split();
                let init = json!({ "type": "connection_init", "payload": { "token": siege.token } });
                let follow = json!({ "id": "live", "type": "subscribe", "payload": { "query": "subscription { inboxChanged { __typename } }" } });
                for frame in [init, follow] {
                    sink.send(Wire::text(frame.to_string())).await.unwrap();
                }
                // Until nothing is taken any more, and then until the line is cut.
                let mut number = 0u64;
                loop {
                    number += 1;
                    let ask = json!({ "id": number.to_string(), "type": "subscribe", "payload": { "query": large } });
                    if sink.send(Wire::text(ask.to_string())).await.is_err() {
                        return (sink, unread);
                    }
                }
            });
            let held = futures_util::future::join_all(deaf).await;
            // The one that is left is the one who reads.
            while siege.figure("polyphony_sockets").await != Some(1.0) {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            drop(held);
        })
    })
    .await;
}

/// Sockets that ask as fast as they can be answered, and one among them that wants a sign of life.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_floods() {
    under_siege(|siege| {
        Box::pin(async move {
            let until = Instant::now() + Duration::from_secs(4);
            let floods = (0..4).map(|_| async {
                let mut socket =
                    Socket::try_open(&siege.program.url, &[("sec-websocket-protocol", "graphql-transport-ws")])
                        .await
                        .unwrap();
                socket.say(json!({ "type": "connection_init", "payload": { "token": siege.token } }));
                assert_eq!(socket.recv().await["type"], "connection_ack");
                let mut answered = 0;
                while Instant::now() < until {
                    // More than may run at once: what is too much is refused one by one.
                    let mut burst: Vec<_> = (0..150).map(|_| socket.subscribe(ME, Value::Null)).collect();
                    let asked = Instant::now();
                    socket.ping().await;
                    assert!(asked.elapsed() < BOUND, "a sign of life took {:?}", asked.elapsed());
                    for question in &mut burst {
                        let code = question.end().await;
                        assert!(matches!(code.as_deref(), None | Some("RATE_LIMIT_EXCEEDED")), "{code:?}");
                        answered += u32::from(code.is_none());
                    }
                }
                answered
            });
            let answered: u32 = futures_util::future::join_all(floods).await.into_iter().sum();
            assert!(answered > 400, "only {answered} were answered");
        })
    })
    .await;
}

/// A frame as a client writes it, whatever it says; the mask is nought.
fn frame(head: u8, payload: &[u8], claimed: usize) -> Vec<u8> {
    let mut bytes = vec![head];
    match claimed {
        ..126 => bytes.push(0x80 | claimed as u8),
        126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend((claimed as u16).to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend((claimed as u64).to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}

/// A frame that is wrong in the way of this number.
fn malformed(number: usize) -> Vec<u8> {
    let text = |text: &str| frame(0x81, text.as_bytes(), text.len());
    let deep = |open: &str| text(&format!("{{\"type\":\"ping\",\"payload\":{}", open.repeat(number % 3000 + 100)));
    let known = r#"{"id":"1","type":"subscribe","payload":{"query":"{ me { id } }","variables":{"a":[1,"b",null]}}}"#;
    match number % 16 {
        0 => text("nonsense"),
        1 => text(&known[..number % (known.len() - 1)]),
        2 => text(r#"{"type":7}"#),
        3 => text(r#"{"type":"start","id":"1","payload":{"query":"{ me { id } }"}}"#),
        4 => deep("["),
        5 => deep("{\"a\":"),
        6 => text(r#"{"type":"subscribe","id":["1"],"payload":{"query":"{ me { id } }"}}"#),
        7 => text(r#"{"type":"subscribe","id":"1","payload":{"query":{"a":1}}}"#),
        8 => text(r#"{"type":"subscribe","id":"1","payload":{"query":"{ me { id } }","variables":"x"}}"#),
        9 => frame(0x81, &[0xFF, 0xFE, b'{', 0xC0], 4),
        10 => frame(0x82, b"{}", 2),
        // A code of an operation that does not exist, bits that belong to no extension, a ping in pieces, a piece of nothing.
        11 => frame(0x83, b"{}", 2),
        12 => frame(0xC1, b"{}", 2),
        13 => frame(0x09, b"", 0),
        14 => frame(0x80, b"{}", 2),
        // More is claimed than anybody may send.
        _ => frame(0x81, b"{", usize::MAX >> 1),
    }
}

/// The code of the close frame that ends what the server says, if there is one.
async fn close_code(line: &mut TcpStream) -> Option<u16> {
    loop {
        let head = [line.read_u8().await.ok()?, line.read_u8().await.ok()?];
        let length = match head[1] & 0x7F {
            126 => line.read_u16().await.ok()?.into(),
            127 => line.read_u64().await.ok()?,
            short => short.into(),
        };
        let mut payload = vec![0; usize::try_from(length).ok()?];
        line.read_exact(&mut payload).await.ok()?;
        if head[0] & 0x0F == 8 {
            return payload.first_chunk().map(|code| u16::from_be_bytes(*code));
        }
    }
}

/// Ten thousand frames that are wrong in sixteen ways, before and after the greeting: each socket is closed with the code that says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_malformed_frames() {
    const SOCKETS: usize = 250;
    const EACH: usize = 40;
    /// At once: fewer than may wait for their greeting.
    const CROWD: usize = 10;
    under_siege(|siege| {
        Box::pin(async move {
            let attack = |number: usize| async move {
                let mut line = within("a connection", TcpStream::connect(siege.address())).await.unwrap();
                let upgrade = format!(
                    "GET /graphql HTTP/1.1\r\nhost: {}\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n\
                     sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\
                     sec-websocket-extensions: permessage-deflate\r\n\r\n",
                    siege.address()
                );
                line.write_all(upgrade.as_bytes()).await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(within("the handshake", line.read_u8()).await.unwrap());
                }
                let head = String::from_utf8(head).unwrap().to_lowercase();
                // Frames that unpack into more than was sent are not agreed upon.
                assert!(head.starts_with("http/1.1 101") && !head.contains("permessage-deflate"), "{head}");
                let mut said = Vec::new();
                if number.is_multiple_of(2) {
                    let greeting = r#"{"type":"connection_init"}"#;
                    said.extend(frame(0x81, greeting.as_bytes(), greeting.len()));
                }
                said.extend((0..EACH).flat_map(|step| malformed(number + step * 17)));
                // Whoever is closed after the first does not take the rest.
                let _ = line.write_all(&said).await;
                let code = within("the socket to be closed", close_code(&mut line)).await;
                let codes = [4400, 4401, 1002, 1007, 1009];
                assert!(code.is_none_or(|code| codes.contains(&code)), "socket {number}: {code:?}");
                usize::from(code.is_some())
            };
            let attacks = futures_util::stream::iter(0..SOCKETS).map(attack).buffer_unordered(CROWD);
            let told: usize = attacks.collect::<Vec<_>>().await.into_iter().sum();
            // What we are still sending when the line is cut takes the code with it, sometimes.
            assert!(told * 2 > SOCKETS, "only {told} of {SOCKETS} were told why");
        })
    })
    .await;
}

/// Bodies of a megabyte that unpack into a gigabyte are not unpacked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packed_bombs() {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(&vec![b' '; 1 << 20]).unwrap();
    let member = packer.finish().unwrap();
    // A file of gzip may be several, one behind the other.
    let bomb = member.repeat((1 << 20) / member.len() - 1);
    under_siege(|siege| {
        Box::pin(async move {
            for _ in 0..8 {
                let all = ["gzip", "x-gzip", "deflate", "br", "zstd", "gzip, gzip", "identity, gzip", "nonsense"].map(
                    |packing| {
                        let headers = HeaderMap::from_iter([(
                            reqwest::header::CONTENT_ENCODING,
                            HeaderValue::from_static(packing),
                        )]);
                        let sent = siege.post(headers, bomb.clone());
                        async move { (packing, within("an answer", sent).await) }
                    },
                );
                for (packing, status) in futures_util::future::join_all(all).await {
                    assert_eq!(status, Some(415), "{packing}");
                }
            }
            // Not told that it is packed, it is no JSON.
            assert_eq!(siege.post(HeaderMap::new(), bomb).await, Some(400));
        })
    })
    .await;
}

/// Bodies of ten megabytes, their length told or not, and frames of as much.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_megabytes_at_once() {
    const LARGE: usize = 10 << 20;
    under_siege(|siege| {
        Box::pin(async move {
            let body = || bytes::Bytes::from(vec![b'['; LARGE]);
            let told = (0..30).map(|_| siege.post(HeaderMap::new(), body()).boxed_local());
            let untold = (0..30).map(|_| {
                let chunks =
                    std::iter::repeat_n(vec![b' '; 64 * 1024], LARGE / (64 * 1024)).map(Ok::<_, std::io::Error>);
                siege
                    .post(HeaderMap::new(), reqwest::Body::wrap_stream(futures_util::stream::iter(chunks)))
                    .boxed_local()
            });
            for status in futures_util::future::join_all(told.chain(untold)).await {
                assert!(matches!(status, None | Some(413)), "{status:?}");
            }
            let sockets = (0..10).map(|_| async {
                let mut socket =
                    Socket::try_open(&siege.program.url, &[("sec-websocket-protocol", "graphql-transport-ws")])
                        .await
                        .unwrap();
                socket.send_text(&" ".repeat(LARGE));
                socket.close_code().await
            });
            for code in futures_util::future::join_all(sockets).await {
                // 1006: we were still sending when it was closed.
                assert!(matches!(code, 1009 | 1006), "{code}");
            }
        })
    })
    .await;
}
