//! What tests are made of.
//!
//! ```ignore
//! both! {
//!     /// A message reaches who listens.
//!     async fn a_message_arrives(world) {
//!         let (alice, bob) = (world.person("alice").await, world.person("bob").await);
//!         let room = alice.create_room("Studio", "PUBLIC").await;
//!         bob.join(&room).await;
//!         let mut events = bob.listen_from_now(&room).await;
//!         alice.send(&room, "Hello").await;
//!         assert_eq!(events.next().await["messageEvents"]["message"]["content"], "Hello");
//!     }
//! }
//! ```

/// The database of one test, and how it is made quickly.
mod database;
/// The answer of the server to one request.
mod answer;
/// Whoever calls the server.
mod caller;
/// People who have an account.
mod person;
/// graphql-transport-ws.
mod socket;
/// Real browsers.
mod browser;
/// Server-sent events.
mod sse;
/// What a database holds, to see that nothing changed.
mod dump;
/// Mails in the mailbox folder.
mod mailbox;
/// The program as a process, and servers of its own.
mod program;
/// Scripts in Node, with stock clients.
mod node;
/// The server, the clock and everything around them.
mod world;

pub use answer::Answer;
pub use browser::Browser;
pub use caller::Caller;
pub use database::Backend;
pub use node::Node;
pub use person::{MESSAGE_EVENTS, PASSWORD, Person};
pub use program::{EmptyDatabase, Program, Redis, free_port};
pub use socket::{Frame, Socket, Subscription};
pub use sse::Sse;
pub use world::{Instance, Settle, World};

use std::{future::Future, path::Path, time::Duration};

/// How long anything may take that is waited for. Far more than it takes; it only turns a hanging test into a failing one.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Waits, but not for ever.
#[track_caller]
pub fn within<F: Future>(what: &str, future: F) -> impl Future<Output = F::Output> {
    let (what, asked) = (what.to_owned(), std::panic::Location::caller());
    async move {
        match tokio::time::timeout(PATIENCE, future).await {
            Ok(value) => value,
            Err(_) => panic!("waited {} seconds in vain for {what}, at {asked}", PATIENCE.as_secs()),
        }
    }
}

/// Runs something beside the test.
#[expect(
    clippy::disallowed_methods,
    reason = "it belongs to the test, not to a server whose shutdown would wait for it"
)]
pub fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T> {
    tokio::spawn(task)
}

/// A variable of the test command, when it is set to something.
#[expect(clippy::disallowed_methods, reason = "the test command hands its servers over in variables")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// In CI nothing is skipped.
pub fn in_ci() -> bool {
    variable("CI").as_deref() == Some("true")
}

/// How much of something: as much as the short form takes, or what `tests/soak` says by `POLYPHONY_SOAK_<NAME>`.
pub fn amount(name: &str, short: u64) -> u64 {
    let told = variable(&format!("POLYPHONY_SOAK_{name}"));
    told.map_or(short, |told| told.parse().unwrap_or_else(|_| panic!("POLYPHONY_SOAK_{name} takes a number")))
}

/// Whether this is a long form, which may take as long as it takes.
pub fn in_soak() -> bool {
    variable("POLYPHONY_SOAK").is_some()
}

/// Says what a proof came to, in one line; the short forms say nothing.
#[expect(clippy::print_stdout, reason = "tests/soak shows these lines")]
pub fn figures(line: &str) {
    if in_soak() {
        println!("figures: {line}");
    }
}

/// The folder of the project.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Names a component that is not there; in CI that is a failure.
#[expect(clippy::print_stderr, reason = "who runs the tests sees what was left out")]
pub fn skip(component: &str) {
    assert!(!in_ci(), "CI runs with every component, {component} is missing: run tests/run");
    eprintln!("skipped: no {component}");
}

/// Makes each test two, one on each database; each has a world of its own, called by the name in the parentheses.
macro_rules! both {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, clippy::allow_attributes, reason = "not every test needs what its file imports")]
            use super::*;

            async fn test($world: &$crate::house::World) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                $crate::house::World::run($crate::house::Backend::Sqlite, |world| Box::pin(test(world))).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                $crate::house::World::run($crate::house::Backend::Postgres, |world| Box::pin(test(world))).await;
            }
        }
    )*};
}

/// A test for which one database is enough, because it is not about the database: SQLite.
macro_rules! once {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident) $body:block)*) => {$(
        $(#[$meta])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            async fn test($world: &$crate::house::World) $body
            $crate::house::World::run($crate::house::Backend::Sqlite, |world| Box::pin(test(world))).await;
        }
    )*};
}

/// A test about several instances: they share a PostgreSQL.
macro_rules! on_postgres {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident) $body:block)*) => {$(
        $(#[$meta])*
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            async fn test($world: &$crate::house::World) $body
            $crate::house::World::run($crate::house::Backend::Postgres, |world| Box::pin(test(world))).await;
        }
    )*};
}
