//! What an operation costs before it runs, and what resolvers and loaders cost when it does: `cargo bench`.
//!
//! Each document runs on the embedded database with the demo data, once with edges loaded ahead for whole lists and once by loaders
//! alone. Medians, in microseconds; statements of one run beside them. At the end, what the limits cost that every operation passes.
//! Compare runs on one machine only.

use std::{io::Write, sync::Arc, time::Instant};

use chrono::TimeDelta;
use entity::ids::{TypedId, UserId};
use polyphony::{
    access::{Op, Person, Roles, Viewer},
    app::App,
    config::{Config, Env, limits::Rate},
    platform::{
        Chosen,
        buckets::{Bucket, Whose},
    },
    schema::{Api, Asked},
};

const RUNS: usize = 200;

const DOCUMENTS: [(&str, &str); 4] = [
    ("one field", "{ me { username } }"),
    ("a list", "{ users(first: 5) { nodes { id username displayName createdAt } } }"),
    (
        "a list with edges",
        "{ conversations { nodes { name memberCount unreadCount owner { username } lastMessage { content sender { displayName } } } } }",
    ),
    (
        "lists in lists",
        "{ conversations(first: 5) { nodes { name messages(last: 10) { nodes { content sender { username } mentions { username }
            reactions { emoji count } replyTo { content } } } members(first: 10) { nodes { role user { username } } } } } }",
    ),
];

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().to_string_lossy().into_owned();
    let mut config = Config::read(&mut Env::of([("DATA_DIR", path.as_str())]))?;
    config.app.demo_data = false;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{:<20} {:>10} {:>12} {:>12} {:>11} {:>11}",
        "", "prepare", "ahead", "loaders", "statements", "by loaders"
    )?;
    let app = App::open(Arc::new(config.clone()), Chosen::default()).await.map_err(told)?;
    let ids = polyphony::demo::fill(&app.config).await.map_err(told)?;
    let alice = UserId::parse(&ids["user:alice"])?;
    for (name, document) in DOCUMENTS {
        let mut columns = Vec::new();
        for prefetch in [true, false] {
            config.limits.prefetch = prefetch;
            let config = Arc::new(config.clone());
            let api = Api::new(config.clone()).await.map_err(told)?;
            let op = Op::system("bench", app.platform.clone(), config).with_viewer(Viewer::Person(person(&app, alice)));
            columns.push(measure(&api, &Arc::new(op), document).await?);
        }
        let [(prepare, ahead, some), (_, loaders, more)] = columns[..] else { continue };
        writeln!(out, "{name:<20} {prepare:>10} {ahead:>12} {loaders:>12} {some:>11} {more:>11}")?;
    }
    writeln!(out, "limits of one operation: {:.2} µs", limits(&app, alice))?;
    app.platform.close().await;
    Ok(())
}

/// Microseconds that a mutation spends at the limits of its address, of everybody, of its viewer and of its kind, while many others are
/// known.
fn limits(app: &App, alice: UserId) -> f64 {
    let rate = Rate::new(1_000_000, 1);
    let address = |number: u32| Whose::Address(Some(number.to_be_bytes().into()));
    for number in 0..50_000 {
        let _ = app.platform.buckets.take(&Bucket { name: "address", whose: address(number), rate }, 1);
    }
    let began = Instant::now();
    for number in 0..100_000 {
        for (name, whose) in [
            ("address", address(number % 50_000)),
            ("overall", Whose::Everybody),
            ("person", Whose::Person(alice)),
            ("person-mutations", Whose::Person(alice)),
        ] {
            let _ = app.platform.buckets.take(&Bucket { name, whose, rate }, 1);
        }
    }
    began.elapsed().as_secs_f64() * 10.0
}

fn told(error: polyphony::base::error::Error) -> String {
    format!("{error:?}")
}

fn person(app: &App, id: UserId) -> Person {
    Person {
        id,
        session: app.platform.ids.new_id(),
        roles: Roles::default(),
        token_version: 0,
        is_freshly_proved: false,
        token_expires_at: app.platform.clock.now() + TimeDelta::hours(1),
        only: None,
    }
}

/// Microseconds to prepare, microseconds to run, statements of one run.
async fn measure(api: &Api, op: &Arc<Op>, document: &str) -> Outcome<(u128, u128, u64)> {
    let (mut preparing, mut running, mut statements) = (Vec::new(), Vec::new(), 0);
    for _ in 0..RUNS {
        let began = Instant::now();
        let prepared = api.prepare(&op.platform.cache, Asked::of(document)).await.map_err(told)?;
        preparing.push(began.elapsed().as_micros());
        let (began, before) = (Instant::now(), op.platform.database.statements());
        let answer = api.execute(op.clone(), prepared).await;
        running.push(began.elapsed().as_micros());
        statements = op.platform.database.statements() - before;
        if let Some(error) = answer.errors.first() {
            return Err(error.message.clone().into());
        }
    }
    Ok((median(preparing), median(running), statements))
}

fn median(mut times: Vec<u128>) -> u128 {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
