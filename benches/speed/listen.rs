//! Many sockets that listen, in a process of their own. It says `ready`, then a line each time another message has reached them all,
//! and at the end of its input how long the deliveries took.

use std::{
    cell::RefCell,
    env::Args,
    io::{Read as _, Write as _},
    iter::Skip,
    net::SocketAddr,
    rc::Rc,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::LocalSet,
};

use crate::listeners::Latency;

/// Microseconds since 1970: what a message carries behind `t=`.
pub(crate) fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_micros()).expect("small")
}

#[derive(Default)]
struct Heard {
    times: Vec<u32>,
    told: usize,
}

/// The listeners' process.
pub(crate) fn main(mut arguments: Skip<Args>) {
    let mut next = || arguments.next().expect("an argument");
    let address: SocketAddr = next().parse().expect("an address");
    let count: usize = next().parse().expect("a count");
    let subscription = next();
    let tokens: Vec<String> = next().split(',').map(str::to_owned).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(LocalSet::new().run_until(async move {
        let heard = Rc::new(RefCell::new(Heard::default()));
        for number in 0..count {
            let stream = match subscription.as_str() {
                "" => open(address, "/listen", &[]).await,
                _ => {
                    let init = json!({ "type": "connection_init",
                        "payload": { "authorization": format!("Bearer {}", tokens[number % tokens.len()]) } });
                    let payload: serde_json::Value = serde_json::from_str(&subscription).expect("JSON");
                    let subscribe = json!({ "type": "subscribe", "id": "1", "payload": payload });
                    open(address, "/graphql", &[init.to_string(), subscribe.to_string()]).await
                }
            };
            tokio::task::spawn_local(follow(stream, heard.clone(), count));
        }
        // Sockets that have not read their acknowledgement yet are not listening.
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        say("ready");
        // The parent says goodbye by closing our input.
        let closed = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        closed.await.expect("a thread").expect("input");
        let mut times = std::mem::take(&mut heard.borrow_mut().times);
        times.sort_unstable();
        let at = |share: f64| times.get((times.len() as f64 * share) as usize).map_or(0.0, |t| f64::from(*t) / 1e3);
        say(&serde_json::to_string(&Latency { count: times.len(), p50: at(0.5), p99: at(0.99) }).expect("JSON"));
    }));
}

/// A line to whoever started this process.
pub(crate) fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().expect("output");
}

/// Shakes hands and sends these texts.
pub(crate) async fn open(address: SocketAddr, path: &str, texts: &[String]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("nodelay");
    let protocol = if texts.is_empty() { "" } else { "Sec-WebSocket-Protocol: graphql-transport-ws\r\n" };
    let hello = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{protocol}\r\n"
    );
    stream.write_all(hello.as_bytes()).await.expect("to send");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("an answer"));
    }
    assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    for text in texts {
        // A client masks what it sends; a mask of zeros changes nothing.
        let mut frame = vec![0x81, 0xFE];
        frame.extend(u16::try_from(text.len()).expect("short").to_be_bytes());
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        stream.write_all(&frame).await.expect("to send");
    }
    stream
}

async fn follow(mut stream: TcpStream, heard: Rc<RefCell<Heard>>, sockets: usize) {
    let mut buffer = Vec::with_capacity(4096);
    loop {
        while let Some((frame, rest)) = frame(&buffer) {
            if let Some(sent) = stamp(&buffer[frame]) {
                let mut heard = heard.borrow_mut();
                heard.times.push(u32::try_from(now().saturating_sub(sent)).unwrap_or(u32::MAX));
                if heard.times.len() / sockets > heard.told {
                    heard.told += 1;
                    say("all");
                }
            }
            buffer.drain(..rest);
        }
        if stream.read_buf(&mut buffer).await.expect("to read") == 0 {
            return;
        }
    }
}

/// The first whole frame: where its payload is, and where the next one begins.
pub(crate) fn frame(bytes: &[u8]) -> Option<(std::ops::Range<usize>, usize)> {
    let (start, length) = match *bytes.get(1)? & 0x7F {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
        short => (2, usize::from(short)),
    };
    (bytes.len() >= start + length).then_some((start..start + length, start + length))
}

/// What a message carries behind `t=`.
pub(crate) fn stamp(payload: &[u8]) -> Option<u64> {
    let at = payload.windows(2).position(|two| two == b"t=")? + 2;
    std::str::from_utf8(payload.get(at..at + 16)?).ok()?.parse().ok()
}
