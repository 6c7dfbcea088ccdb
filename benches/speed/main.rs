//! How fast Polyphony is, beside the floor it cannot beat: hand-written handlers over the same data, in the same run.
//!
//! `cargo bench --bench speed` measures everything on both databases and prints tables in Markdown. Words after `--` pick parts:
//! `sqlite`, `postgres`, `requests`, `listeners`, `storm`, `process`; `seconds=N` and `rounds=N` set the length. PostgreSQL is the one named by
//! `POLYPHONY_BENCH_POSTGRES` (a superuser's address), or else a throw-away one that is started for the run.

#![expect(clippy::print_stdout, reason = "this program prints its figures")]
#![expect(clippy::disallowed_methods, reason = "no platform here: this program stands beside the server")]

/// The data both sides serve: the same rows on both databases.
mod data;
/// The floor on both databases, and the raw broadcast.
mod floor;
/// Many requests over kept connections.
mod load;
/// Many sockets that listen.
mod listen;
/// Child processes, their time and memory.
mod process;
/// What is asked, in GraphQL.
mod questions;
/// Everything about listeners: deliveries and memory.
mod listeners;
/// Everything about requests.
mod requests;
/// Every socket of a room dropped at once.
mod storm;

use std::{env, time::Duration};

use process::{Scratch, Services};

/// What the command line asked for.
pub(crate) struct Plan {
    words: Vec<String>,
    /// How long each side is asked each question, each round.
    pub(crate) seconds: Duration,
    /// How often the two sides take turns.
    pub(crate) rounds: usize,
}

impl Plan {
    fn read(arguments: impl Iterator<Item = String>) -> Self {
        let mut plan = Self { words: Vec::new(), seconds: Duration::from_secs(3), rounds: 3 };
        for word in arguments.filter(|word| !word.starts_with("--")) {
            match word.split_once('=') {
                Some(("seconds", count)) => plan.seconds = Duration::from_secs(count.parse().expect("seconds=N")),
                Some(("rounds", count)) => plan.rounds = count.parse().expect("rounds=N"),
                _ => plan.words.push(word),
            }
        }
        plan
    }

    /// True for what was named, and for everything of its group when none of the group was.
    pub(crate) fn wants(&self, word: &str, group: &[&str]) -> bool {
        let named = |word: &str| self.words.iter().any(|known| known == word);
        named(word) || !group.iter().any(|word| named(word))
    }
}

fn main() {
    let mut arguments = env::args().skip(1);
    let runtime = |threads: usize| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build().expect("a runtime")
    };
    // The other roles of this program are processes of their own, so that each side's time can be told from the client's.
    match arguments.next().as_deref() {
        Some("floor") => runtime(2).block_on(floor::serve(&arguments.next().expect("a database"))),
        Some("load") => load::main(arguments),
        Some("listen") => listen::main(arguments),
        Some("crowd") => storm::main(arguments),
        first => {
            let plan = Plan::read(first.map(str::to_owned).into_iter().chain(arguments));
            runtime(1).block_on(measure(&plan));
        }
    }
}

async fn measure(plan: &Plan) {
    let scratch = Scratch::new();
    let databases = ["sqlite", "postgres"];
    let parts = ["requests", "listeners", "storm", "process"];
    for database in databases.into_iter().filter(|database| plan.wants(database, &databases)) {
        let services = (database == "postgres").then(Services::start);
        let url = match &services {
            Some(services) => services.fresh_database().await,
            None => format!("sqlite://{}", scratch.path("bench.db").display()),
        };
        println!("\n## {database}\n");
        process::migrate(&url, &scratch);
        let data = data::fill(&url).await;
        if plan.wants("requests", &parts) {
            requests::measure(plan, &url, &scratch, &data).await;
        }
        if plan.wants("listeners", &parts) {
            listeners::measure(plan, &url, &scratch, &data).await;
        }
        if plan.wants("storm", &parts) {
            storm::measure(plan, &url, &scratch, &data).await;
        }
        if plan.wants("process", &parts) {
            process::measure(&url, &scratch).await;
        }
    }
}
