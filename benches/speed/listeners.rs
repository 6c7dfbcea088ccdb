//! Deliveries to many sockets, and what a listening socket costs, beside a raw broadcast of one pre-encoded frame.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Plan,
    data::{Data, id_text},
    listen::now,
    load::{Wire, request},
    process::{Scratch, Server},
    requests::sign_in,
};

/// Messages on their way at once, when it is about as many as can be.
const AT_ONCE: usize = 8;

/// How long deliveries took.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Latency {
    /// Deliveries.
    pub(crate) count: usize,
    /// Half of them, in milliseconds.
    pub(crate) p50: f64,
    /// 99 of a hundred.
    pub(crate) p99: f64,
}

/// The sockets, in their own process.
struct Crowd {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Crowd {
    fn gather(address: SocketAddr, count: usize, subscription: &str, tokens: &[String]) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["listen", &address.to_string(), &count.to_string(), subscription, &tokens.join(",")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("listeners");
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().expect("output")));
        let mut crowd = Self { child, input, output };
        assert_eq!(crowd.line(), "ready");
        crowd
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.output.read_line(&mut line).expect("a line") > 0, "the listeners are gone");
        line.trim_end().to_owned()
    }

    fn leave(mut self) -> Latency {
        self.input = None;
        loop {
            let line = self.line();
            if line != "all" {
                let _ = self.child.wait();
                return serde_json::from_str(&line).expect("figures");
            }
        }
    }
}

/// How one side tells the sockets something.
enum Teller {
    /// By `sendMessage`.
    Polyphony { hall: String, token: String },
    /// By handing out the frame.
    Floor,
}

impl Teller {
    fn request(&self) -> Vec<u8> {
        let text = format!("t={:016} and the rest of what somebody says in a hall full of people", now());
        match self {
            Self::Polyphony { hall, token } => {
                let document = "mutation Say($room: ID!, $text: String!) { \
                    sendMessage(input: { conversationId: $room, content: $text }) { message { id } } }";
                request("/graphql", token, &json!({ "query": document, "variables": { "room": hall, "text": text } }))
            }
            // As long as the frame the other side makes of it.
            Self::Floor => {
                let frame = json!({ "id": "1", "type": "next", "payload": { "data": { "messageEvents": {
                    "cursor": "0000000000000000000000000000", "message": { "id": "message_00000000000000000000000000",
                    "seq": 1, "content": text, "sender": { "id": "user_00000000000000000000000000",
                    "username": "viewer0", "displayName": "Person number 0" } } } } } });
                request("/publish", "", &frame)
            }
        }
    }
}

struct Measured {
    rate: f64,
    calm: Latency,
    memory: f64,
    cpu_each: f64,
}

async fn hear(
    plan: &Plan,
    server: &Server,
    sockets: usize,
    subscription: &str,
    tokens: &[String],
    teller: &Teller,
) -> Measured {
    let before = server.memory();
    let mut crowd = Crowd::gather(server.address, sockets, subscription, tokens);
    let memory = (server.memory().saturating_sub(before)) as f64 / sockets as f64;
    let mut wire = Wire::open(server.address).await;
    // As many as can be.
    let (begun, busy) = (Instant::now(), server.cpu());
    let (mut sent, mut arrived) = (0, 0);
    while begun.elapsed() < plan.seconds {
        while sent - arrived < AT_ONCE {
            assert!(wire.ask(&teller.request()).await.0, "what was to be told was refused");
            sent += 1;
        }
        assert_eq!(crowd.line(), "all");
        arrived += 1;
    }
    while arrived < sent {
        assert_eq!(crowd.line(), "all");
        arrived += 1;
    }
    let rate = (arrived * sockets) as f64 / begun.elapsed().as_secs_f64();
    let cpu_each = (server.cpu() - busy).as_secs_f64() * 1e6 / (arrived * sockets) as f64;
    crowd.leave();
    // Ten a second.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let crowd = Crowd::gather(server.address, sockets, subscription, tokens);
    for _ in 0..30 {
        assert!(wire.ask(&teller.request()).await.0, "what was to be told was refused");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    Measured { rate, calm: crowd.leave(), memory, cpu_each }
}

/// Measures deliveries to crowds of several sizes and prints the table.
pub(crate) async fn measure(plan: &Plan, url: &str, scratch: &Scratch, data: &Data) {
    println!(
        "\n| sockets | | deliveries/s | CPU µs each | 10 messages/s: p50 / p99 ms | KiB a socket | of the floor |"
    );
    println!("|---|---|---|---|---|---|---|");
    let sizes = ["200", "1000", "5000"];
    for size in sizes.into_iter().filter(|size| plan.wants(size, &sizes)) {
        let sockets: usize = size.parse().expect("a number");
        let (polyphony, floor) = (Server::polyphony(url, scratch), Server::floor(url, scratch));
        let tokens = sign_in(polyphony.address).await;
        let hall = id_text("conversation", data.hall);
        let subscription = json!({
            "query": "subscription Hall($room: ID!) { messageEvents(conversationId: $room) { cursor ... on MessageSent { \
                      message { id seq content sender { id username displayName } } } } }",
            "variables": { "room": hall },
        });
        let teller = Teller::Polyphony { hall, token: tokens[0].clone() };
        let hand = hear(plan, &floor, sockets, "", &[], &Teller::Floor).await;
        let ours = hear(plan, &polyphony, sockets, &subscription.to_string(), &tokens, &teller).await;
        for (name, side) in [("raw broadcast", &hand), ("Polyphony", &ours)] {
            println!(
                "| {sockets} | {name} | {:.0} | {:.1} | {:.1} / {:.1} | {:.1} | {:.2} |",
                side.rate,
                side.cpu_each,
                side.calm.p50,
                side.calm.p99,
                side.memory,
                side.rate / hand.rate
            );
        }
    }
}
