//! Requests a second, each kind of question on both sides in turn.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};

use crate::{
    Plan,
    data::{Data, PASSWORD, VIEWERS},
    load::{self, Figures, Wire, request},
    process::{Scratch, Server},
    questions::Question,
};

/// Connections of the client.
const CONNECTIONS: usize = 32;
/// Different requests of each kind.
const VARIETY: usize = 2_000;

/// One side's figures on one question.
#[derive(Clone, Copy, Default)]
struct Side {
    figures: Figures,
    cpu: Duration,
}

impl Side {
    fn rate(&self) -> f64 {
        self.figures.count as f64 / self.figures.took
    }

    fn cpu_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.figures.count.max(1) as f64
    }
}

/// Signs everybody in who asks.
pub(crate) async fn sign_in(address: SocketAddr) -> Vec<String> {
    let mut wire = Wire::open(address).await;
    let mut tokens = Vec::new();
    for viewer in 0..VIEWERS {
        let body = json!({
            "query": "mutation In($input: SignInInput!) { signIn(input: $input) { accessToken } }",
            "variables": { "input": { "login": format!("viewer{viewer}"), "password": PASSWORD } },
        });
        let (_, answer) = wire.ask(&request("/graphql", "", &body).replace_header()).await;
        let answer: Value = serde_json::from_slice(answer).expect("JSON");
        let token = answer["data"]["signIn"]["accessToken"].as_str();
        tokens.push(token.unwrap_or_else(|| panic!("no sign-in: {answer}")).to_owned());
    }
    tokens
}

trait WithoutToken {
    /// The request without an `Authorization` header.
    fn replace_header(self) -> Vec<u8>;
}

impl WithoutToken for Vec<u8> {
    fn replace_header(self) -> Vec<u8> {
        String::from_utf8(self).expect("text").replace("Authorization: Bearer \r\n", "").into_bytes()
    }
}

/// Measures all questions and prints the table.
pub(crate) async fn measure(plan: &Plan, url: &str, scratch: &Scratch, data: &Data) {
    let (polyphony, floor) = (Server::polyphony(url, scratch), Server::floor(url, scratch));
    let tokens = sign_in(polyphony.address).await;
    println!(
        "| | floor req/s | p50 / p99 ms | CPU µs | Polyphony req/s | p50 / p99 ms | CPU µs | statements | of the floor |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let names = ["Q1", "Q2", "Q3", "Q4", "M1"];
    for (question, name) in Question::ALL.into_iter().zip(names) {
        if !plan.wants(name, &names) {
            continue;
        }
        compare(question, &tokens[0], data, &polyphony, &floor).await;
        let statements = statements(question, &tokens[0], data, &polyphony).await;
        let of = |graphql: bool| -> Vec<Vec<u8>> {
            let each = (0..VARIETY).map(|turn| {
                let viewer = turn % VIEWERS;
                let subject = question.subject(data, viewer, turn);
                match graphql {
                    true => request("/graphql", &tokens[viewer], &question.graphql(subject)),
                    false => request(question.path(), &tokens[viewer], &question.by_hand(subject)),
                }
            });
            each.collect()
        };
        let (ours, theirs) = (of(true), of(false));
        let file = scratch.path("requests");
        let side = |server: &Server, requests: &[Vec<u8>], time| {
            let before = server.cpu();
            let figures = load::run(server.address, requests, &file, CONNECTIONS, time);
            assert_eq!(figures.faults, 0, "{question:?}: answers with errors");
            Side { figures, cpu: server.cpu() - before }
        };
        let warm = Duration::from_millis(500);
        let _ = (side(&floor, &theirs, warm), side(&polyphony, &ours, warm));
        let (mut hand, mut graph) = (Vec::new(), Vec::new());
        for _ in 0..plan.rounds {
            hand.push(side(&floor, &theirs, plan.seconds));
            graph.push(side(&polyphony, &ours, plan.seconds));
        }
        let mut ratios: Vec<f64> = hand.iter().zip(&graph).map(|(floor, ours)| ours.rate() / floor.rate()).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        let (hand, graph) = (median(hand), median(graph));
        println!(
            "| {name} | {:.0} | {:.1} / {:.1} | {:.0} | {:.0} | {:.1} / {:.1} | {:.0} | {statements} | {:.2} ({:.2} to {:.2}) |",
            hand.rate(),
            hand.figures.p50,
            hand.figures.p99,
            hand.cpu_each(),
            graph.rate(),
            graph.figures.p50,
            graph.figures.p99,
            graph.cpu_each(),
            ratios[ratios.len() / 2],
            ratios[0],
            ratios[ratios.len() - 1],
        );
    }
}

fn median(mut sides: Vec<Side>) -> Side {
    sides.sort_by(|a, b| a.rate().total_cmp(&b.rate()));
    sides[sides.len() / 2]
}

/// Both sides must say the same, but for ids (the floor gives them as they are stored) and the way instants are written.
async fn compare(question: Question, token: &str, data: &Data, polyphony: &Server, floor: &Server) {
    let subject = question.subject(data, 0, 5);
    let ours = request("/graphql", token, &question.graphql(subject));
    let theirs = request(question.path(), token, &question.by_hand(subject));
    let (mut graph, mut hand) = (Wire::open(polyphony.address).await, Wire::open(floor.address).await);
    let read = |answer: &[u8]| {
        let mut answer: Value = serde_json::from_slice(answer).expect("JSON");
        let mut answer = answer["data"].take();
        normalise(&mut answer);
        answer
    };
    let (ours, theirs) = (read(graph.ask(&ours).await.1), read(hand.ask(&theirs).await.1));
    let show = |answer: &Value| answer.to_string().chars().take(600).collect::<String>();
    let (left, right) = (show(&ours), show(&theirs));
    assert!(!ours.is_null() && ours == theirs, "{question:?}: the two sides answer differently:\n{left}\n{right}");
}

fn normalise(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "id" => *text = "an id".into(),
                    // M1 writes a message on each side, each at its own time.
                    Value::String(text) if name.ends_with("At") => {
                        let time = chrono::DateTime::parse_from_rfc3339(text).expect("an instant").to_utc();
                        *value = json!(time.timestamp() / 600);
                    }
                    value => normalise(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(normalise),
        _ => {}
    }
}

/// Statements one operation takes, by the server's own count.
async fn statements(question: Question, token: &str, data: &Data, polyphony: &Server) -> u64 {
    let mut wire = Wire::open(polyphony.address).await;
    let ask = request("/graphql", token, &question.graphql(question.subject(data, 0, 5)));
    let mut counts = Vec::new();
    for _ in 0..5 {
        // Asking for the count takes statements itself.
        let (first, second) = (count(&mut wire).await, count(&mut wire).await);
        wire.ask(&ask).await;
        counts.push((count(&mut wire).await - second).saturating_sub(second - first));
    }
    // Timers read too: the fewest is the operation alone.
    counts.into_iter().min().unwrap_or_default()
}

async fn count(wire: &mut Wire) -> u64 {
    figure(wire, "polyphony_database_statements_total").await
}

/// One of the server's own figures.
pub(crate) async fn figure(wire: &mut Wire, name: &str) -> u64 {
    let scrape = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let (_, text) = wire.ask(scrape).await;
    let text = String::from_utf8_lossy(text);
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).unwrap_or_default()
}
