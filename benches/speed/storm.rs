//! A blip that drops every socket of a room at once: all come back at the same moment with their last cursor, and want what they missed.

use std::{
    env::Args,
    io::{BufRead as _, BufReader, Write as _},
    iter::Skip,
    net::SocketAddr,
    process::{Command, Stdio},
    time::Instant,
};

use serde_json::{Value, json};
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    task::{JoinSet, LocalSet},
};

use crate::{
    Plan,
    data::{Data, id_text},
    listen::{frame, now, open, say, stamp},
    listeners::Latency,
    load::{Wire, request},
    process::{Scratch, Server},
    requests::{figure, sign_in},
};

/// Messages that are said while nobody is there.
const MISSED: usize = 20;

/// The crowd's process: gathers, says `ready`, and with each line it reads lets go of every socket, or brings all of them back and says
/// how many were closed meanwhile, and how long it took each.
pub(crate) fn main(mut arguments: Skip<Args>) {
    let mut next = || arguments.next().expect("an argument");
    let address: SocketAddr = next().parse().expect("an address");
    let count: usize = next().parse().expect("a count");
    let subscribe = json!({ "type": "subscribe", "id": "1",
        "payload": serde_json::from_str::<Value>(&next()).expect("JSON") });
    let tokens: Vec<String> = next().split(',').map(str::to_owned).collect();
    let texts = |number: usize| {
        let init = json!({ "type": "connection_init",
            "payload": { "authorization": format!("Bearer {}", tokens[number % tokens.len()]) } });
        [init.to_string(), subscribe.to_string()]
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(LocalSet::new().run_until(async move {
        let mut lines = std::io::stdin().lines();
        let mut crowd = Vec::new();
        for number in 0..count {
            crowd.push(open(address, "/graphql", &texts(number)).await);
        }
        // Sockets that have not read their acknowledgement yet are not listening.
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        say("ready");
        lines.next().expect("a line").expect("input");
        crowd.clear();
        say("gone");
        lines.next().expect("a line").expect("input");
        let begun = Instant::now();
        let mut back = JoinSet::new();
        for number in 0..count {
            let texts = texts(number);
            back.spawn_local(async move {
                let mut closed = 0;
                loop {
                    // Who is closed because the server could not get to them in time comes back, as a client would.
                    match catch_up(open(address, "/graphql", &texts).await).await {
                        Some(stream) => return (begun.elapsed(), stream, closed),
                        None => closed += 1,
                    }
                }
            });
        }
        // Kept until the last is served: who has what it wants stays.
        let done = back.join_all().await;
        let mut times: Vec<f64> = done.iter().map(|(took, ..)| took.as_secs_f64() * 1e3).collect();
        say(&done.iter().map(|(.., closed)| closed).sum::<u32>().to_string());
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[(times.len() as f64 * share) as usize];
        say(&serde_json::to_string(&Latency { count: times.len(), p50: at(0.5), p99: at(0.99) }).expect("JSON"));
    }));
}

/// Reads until everything that was missed has come; `None` when the socket was closed before.
async fn catch_up(mut stream: TcpStream) -> Option<TcpStream> {
    let (mut buffer, mut heard) = (Vec::with_capacity(4096), 0);
    while heard < MISSED {
        while let Some((payload, rest)) = frame(&buffer) {
            heard += usize::from(stamp(&buffer[payload]).is_some());
            buffer.drain(..rest);
        }
        if heard < MISSED && stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
            return None;
        }
    }
    Some(stream)
}

/// Where the log stands.
async fn cursor(wire: &mut Wire, token: &str, hall: &str) -> Value {
    let query = "query Where($room: ID!) { conversation(id: $room) { messages(last: 1) { eventCursor } } }";
    let (_, answer) =
        wire.ask(&request("/graphql", token, &json!({ "query": query, "variables": { "room": hall } }))).await;
    let mut answer: Value = serde_json::from_slice(answer).expect("JSON");
    answer["data"]["conversation"]["messages"]["eventCursor"].take()
}

/// Says something in the hall.
async fn tell(wire: &mut Wire, token: &str, hall: &str) {
    let say = json!({ "query": "mutation Say($room: ID!, $text: String!) { \
        sendMessage(input: { conversationId: $room, content: $text }) { message { id } } }",
        "variables": { "room": hall, "text": format!("t={:016} said to nobody", now()) } });
    assert!(wire.ask(&request("/graphql", token, &say)).await.0, "what was to be told was refused");
}

/// Measures storms of several sizes and prints the table.
pub(crate) async fn measure(plan: &Plan, url: &str, scratch: &Scratch, data: &Data) {
    println!(
        "\n| sockets dropped | missed each | back: p50 / p99 / all ms | closed meanwhile | CPU ms each | reads of the log | statements each |"
    );
    println!("|---|---|---|---|---|---|---|");
    let sizes = ["1000", "5000"];
    for size in sizes.into_iter().filter(|size| plan.wants(size, &sizes)) {
        let sockets: f64 = size.parse().expect("a number");
        let server = Server::polyphony(url, scratch);
        let tokens = sign_in(server.address).await;
        let (mut wire, hall) = (Wire::open(server.address).await, id_text("conversation", data.hall));
        // A place the server remembers: where the log stood before its start, it would have to look up.
        let before = cursor(&mut wire, &tokens[0], &hall).await;
        tell(&mut wire, &tokens[0], &hall).await;
        let mut after = before.clone();
        while after == before {
            after = cursor(&mut wire, &tokens[0], &hall).await;
        }
        let subscription = json!({
            "query": "subscription Hall($room: ID!, $after: String) { messageEvents(conversationId: $room, after: $after) { \
                      cursor ... on MessageSent { message { id seq content sender { id username displayName } } } } }",
            "variables": { "room": &hall, "after": after },
        });
        let mut crowd = Command::new(std::env::current_exe().expect("this program"))
            .args(["crowd", &server.address.to_string(), size, &subscription.to_string(), &tokens.join(",")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a crowd");
        let mut input = crowd.stdin.take().expect("input");
        let mut output = BufReader::new(crowd.stdout.take().expect("output")).lines();
        let mut line = || output.next().expect("the crowd is gone").expect("a line");
        assert_eq!(line(), "ready");
        writeln!(input, "go").expect("to say");
        assert_eq!(line(), "gone");
        // The server hangs up on who says nothing for long.
        wire = Wire::open(server.address).await;
        for _ in 0..MISSED {
            tell(&mut wire, &tokens[0], &hall).await;
        }
        let reads = figure(&mut wire, "polyphony_log_reads_total").await;
        let statements = figure(&mut wire, "polyphony_database_statements_total").await;
        let (begun, busy) = (Instant::now(), server.cpu());
        writeln!(input, "back").expect("to say");
        let closed = line();
        let back: Latency = serde_json::from_str(&line()).expect("figures");
        let (took, busy) = (begun.elapsed(), server.cpu() - busy);
        wire = Wire::open(server.address).await;
        let reads = figure(&mut wire, "polyphony_log_reads_total").await - reads;
        let statements = figure(&mut wire, "polyphony_database_statements_total").await - statements;
        crowd.wait().expect("the crowd to leave");
        println!(
            "| {size} | {MISSED} | {:.0} / {:.0} / {:.0} | {closed} | {:.2} | {reads} | {:.1} |",
            back.p50,
            back.p99,
            took.as_secs_f64() * 1e3,
            busy.as_secs_f64() * 1e3 / sockets,
            statements as f64 / sockets,
        );
    }
}
