//! Many requests over kept connections, from a process of its own: each connection sends the next request when the answer to the
//! last one is there.

use std::{
    env::Args,
    fs,
    iter::Skip,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    rc::Rc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::LocalSet,
};

/// What came of it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Figures {
    /// Answers.
    pub(crate) count: u64,
    /// Answers that were not 200, or had errors.
    pub(crate) faults: u64,
    /// In seconds.
    pub(crate) took: f64,
    /// Of ten answers five came within this many milliseconds.
    pub(crate) p50: f64,
    /// Of a hundred answers 99 did.
    pub(crate) p99: f64,
}

/// A request as it goes over the wire.
pub(crate) fn request(path: &str, token: &str, body: &serde_json::Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Accept: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Sends these requests over and over for a while.
pub(crate) fn run(
    address: SocketAddr,
    requests: &[Vec<u8>],
    file: &Path,
    connections: usize,
    time: Duration,
) -> Figures {
    let mut bytes = Vec::new();
    for request in requests {
        bytes.extend(u32::try_from(request.len()).expect("short").to_le_bytes());
        bytes.extend(request);
    }
    fs::write(file, bytes).expect("a file");
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["load", &address.to_string(), &connections.to_string(), &time.as_millis().to_string()])
        .arg(file)
        .stderr(Stdio::inherit())
        .output()
        .expect("a client");
    serde_json::from_slice(&output.stdout).expect("figures")
}

/// The client's process.
pub(crate) fn main(mut arguments: Skip<Args>) {
    let mut next = || arguments.next().expect("an argument");
    let address: SocketAddr = next().parse().expect("an address");
    let connections: usize = next().parse().expect("connections");
    let time = Duration::from_millis(next().parse().expect("milliseconds"));
    let bytes = fs::read(next()).expect("requests");
    let mut requests = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some((length, more)) = rest.split_first_chunk::<4>() {
        let (request, more) = more.split_at(u32::from_le_bytes(*length) as usize);
        requests.push(request.to_vec());
        rest = more;
    }
    let requests = Rc::new(requests);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let figures = runtime.block_on(LocalSet::new().run_until(async move {
        let begun = Instant::now();
        let tasks: Vec<_> = (0..connections)
            .map(|first| {
                let requests = requests.clone();
                tokio::task::spawn_local(async move { converse(address, &requests, first, begun + time).await })
            })
            .collect();
        let (mut times, mut faults) = (Vec::new(), 0);
        for task in tasks {
            let (mine, bad) = task.await.expect("a connection");
            times.extend(mine);
            faults += bad;
        }
        let took = begun.elapsed().as_secs_f64();
        times.sort_unstable();
        let at = |share: f64| times.get((times.len() as f64 * share) as usize).map_or(0.0, |t| t.as_secs_f64() * 1e3);
        Figures { count: times.len() as u64, faults, took, p50: at(0.5), p99: at(0.99) }
    }));
    println!("{}", serde_json::to_string(&figures).expect("figures"));
}

async fn converse(address: SocketAddr, requests: &[Vec<u8>], first: usize, end: Instant) -> (Vec<Duration>, u64) {
    let mut wire = Wire::open(address).await;
    let (mut times, mut faults) = (Vec::new(), 0);
    let mut turn = first * 101;
    while Instant::now() < end {
        let begun = Instant::now();
        let (is_fine, _) = wire.ask(&requests[turn % requests.len()]).await;
        times.push(begun.elapsed());
        faults += u64::from(!is_fine);
        turn += 1;
    }
    (times, faults)
}

/// A kept connection.
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("nodelay");
        Self { stream, buffer: Vec::with_capacity(1 << 16) }
    }

    /// Sends a request and reads the whole answer: whether it is a good one, and its body.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> (bool, &[u8]) {
        self.stream.write_all(request).await.expect("to send");
        self.buffer.clear();
        let mut body: Option<(usize, usize)> = None;
        loop {
            if let Some((start, length)) = body
                && self.buffer.len() >= start + length
            {
                let is_fine =
                    self.buffer.starts_with(b"HTTP/1.1 200") && !self.buffer[start..].starts_with(b"{\"errors\"");
                return (is_fine, &self.buffer[start..]);
            }
            assert!(self.stream.read_buf(&mut self.buffer).await.expect("to read") > 0, "the server hung up");
            if body.is_none()
                && let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n")
            {
                let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
                let (_, length) = head.split_once("content-length:").expect("a length");
                let length =
                    length.lines().next().and_then(|text| text.trim().parse::<usize>().ok()).expect("a number");
                body = Some((end + 4, length));
            }
        }
    }
}
