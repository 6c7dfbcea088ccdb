//! Starting and stopping: several processes at once, one that is killed in the middle, and what the probes say meanwhile.

use std::{path::Path, time::Duration};

use polyphony::{
    config::{Config, Env},
    platform::exclusive,
};
use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::{Value, json};

use crate::house::{Backend, EmptyDatabase, Program, Socket, free_port, skip, spawn, within};

/// The messages of the demo data.
const MESSAGES: i64 = 15;

/// Counts rows; 0 while there is no such table.
async fn count(url: &str, table: &str) -> i64 {
    let Ok(rows) = Database::connect(url).await else { return 0 };
    let sql = format!("SELECT count(*) AS rows FROM {table}");
    let row = rows.query_one_raw(Statement::from_string(rows.get_database_backend(), sql)).await;
    let count = row.ok().flatten().map_or(0, |row| row.try_get("", "rows").unwrap());
    let _ = rows.close().await;
    count
}

async fn is_filled_once(url: &str) {
    assert_eq!(count(url, "users").await, 5);
    assert_eq!(count(url, "messages").await, MESSAGES);
    assert_eq!(count(url, "milestones").await, 2);
}

async fn started_together(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let Some(database) = EmptyDatabase::make(backend, folder.path()).await else { return skip("PostgreSQL") };
    let settings = [("DATABASE_URL", database.url.as_str())];
    let start = || Program::serve(folder.path(), &settings);
    let (first, second, third) = tokio::join!(start(), start(), start());
    is_filled_once(&database.url).await;
    // One key for all: what one signs the others take.
    let token = first.sign_in("alice").await;
    for program in [&first, &second, &third] {
        let answer = program.ask(Some(&token), "{ me { username } }", json!({})).await;
        assert_eq!(answer["data"]["me"]["username"], "alice", "{answer}");
    }
    drop((first, second, third));
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_together_all_become_ready_on_sqlite() {
    started_together(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_together_all_become_ready_on_postgres() {
    started_together(Backend::Postgres).await;
}

async fn killed_while_filling(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let Some(database) = EmptyDatabase::make(backend, folder.path()).await else { return skip("PostgreSQL") };
    let settings = [("DATABASE_URL", database.url.as_str())];
    let mut killed = Program::spawn(folder.path(), &[], &settings);
    within("the first people to be there", async {
        while count(&database.url, "users").await == 0 {
            assert!(killed.try_wait().unwrap().is_none(), "the server ended by itself");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    killed.kill().await.unwrap();
    assert!(count(&database.url, "milestones").await < 2, "it was killed too late to try anything");
    let program = Program::serve(folder.path(), &settings).await;
    is_filled_once(&database.url).await;
    program.sign_in("erin").await;
    drop(program);
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn demo_data_left_half_filled_is_made_anew_on_sqlite() {
    killed_while_filling(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn demo_data_left_half_filled_is_made_anew_on_postgres() {
    killed_while_filling(Backend::Postgres).await;
}

async fn get(url: &str) -> (u16, reqwest::header::HeaderMap, Value) {
    let response = within("an answer", reqwest::get(url)).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    (status, headers, response.json().await.unwrap_or(Value::Null))
}

/// PLT-004: 503 until everything is open, from the first moment somebody can ask.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_migrates_says_that_it_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("busy.db").display());
    let config = Config::read(&mut Env::of([("DATABASE_URL", url.as_str())])).unwrap();
    let port = free_port().to_string();
    let settings = [("DATABASE_URL", url.as_str()), ("PORT", port.as_str())];
    let address = format!("http://127.0.0.1:{port}");
    // As if another process were migrating.
    let serving = exclusive::exclusively(&config.database, async || {
        let path = folder.path().to_owned();
        let owned: Vec<(String, String)> =
            settings.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let serving = spawn(async move {
            let borrowed: Vec<(&str, &str)> =
                owned.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            Program::serve(&path, &borrowed).await
        });
        within("the server to answer at all", async {
            while reqwest::get(format!("{address}/healthz")).await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        assert_eq!(get(&format!("{address}/healthz")).await.0, 200);
        assert_eq!(get(&format!("{address}/health")).await.2["status"], "starting");
        let (status, _, body) = get(&format!("{address}/readyz")).await;
        assert_eq!((status, &body["ready"], &body["reason"]), (503, &json!(false), &json!("starting")));
        let (status, headers, body) = get(&format!("{address}/graphql?query=%7Bme%7Bid%7D%7D")).await;
        assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (503, &json!("SERVICE_UNAVAILABLE")));
        for name in ["retry-after", "x-request-id", "x-content-type-options"] {
            assert!(headers.contains_key(name), "{name} is missing: {headers:?}");
        }
        Ok(serving)
    })
    .await
    .unwrap();
    let program = serving.await.unwrap();
    assert_eq!(get(&format!("{}/readyz", program.url)).await.0, 200);
}

/// PLT-004: 503 while draining, on connections that are still taken; then it ends well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_says_so_first() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(folder.path(), &[("DRAIN_DELAY_SECONDS", "3")]).await;
    let ready = format!("{}/readyz", program.url);
    assert_eq!(get(&ready).await.0, 200);
    program.terminate().await;
    within("it to say that it drains", async {
        loop {
            let (status, _, body) = get(&ready).await;
            if status == 503 {
                assert_eq!(body["reason"], "draining");
                return;
            }
        }
    })
    .await;
    // What comes in meanwhile is still answered.
    program.sign_in("alice").await;
    assert!(program.ended().await.success());
}

/// Sockets are asked to leave, and what ran over them ends with them: nothing is waited for in vain.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_leaves_nothing_running() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(folder.path(), &[("LOG_DIR", "logs")]).await;
    let token = program.sign_in("alice").await;
    let mut socket =
        Socket::try_open(&program.url, &[("sec-websocket-protocol", "graphql-transport-ws")]).await.unwrap();
    socket.say(json!({ "type": "connection_init", "payload": { "token": token } }));
    assert_eq!(socket.recv().await["type"], "connection_ack");
    let _inbox = socket.subscribe("subscription { inboxChanged { cursor } }", Value::Null);
    within("the subscription to run", async {
        let figures =
            || async { reqwest::get(format!("{}/metrics", program.url)).await.unwrap().text().await.unwrap() };
        while !figures().await.contains("polyphony_subscriptions 1") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    program.terminate().await;
    assert_eq!(socket.close_code().await, 1001);
    assert!(program.ended().await.success());
    for file in std::fs::read_dir(folder.path().join("logs")).unwrap() {
        let log = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(!log.contains("did not stop in time"), "{log}");
    }
}

fn production(folder: &Path) -> Vec<(&'static str, String)> {
    vec![
        ("APP_ENV", "production".into()),
        ("VAULT_KEYS", "0123456789abcdef".repeat(4)),
        ("SMTP_URL", "smtp://127.0.0.1:1".into()),
        ("PUBLIC_URL", "https://api.example.org".into()),
        ("DATA_DIR", folder.join("data").display().to_string()),
    ]
}

/// A database that once was a demo has doors that everybody has a key to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_does_not_start_with_open_demo_accounts() {
    let folder = tempfile::tempdir().unwrap();
    drop(Program::serve(folder.path(), &[]).await);
    let settings = production(folder.path());
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (success, said) = Program::run(folder.path(), &["serve"], &settings).await;
    assert!(!success && said.contains("alice, bob, carol, dave, erin"), "{said}");

    let fresh = tempfile::tempdir().unwrap();
    let settings = production(fresh.path());
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let program = Program::serve(fresh.path(), &settings).await;
    let (_, headers, _) = get(&format!("{}/healthz", program.url)).await;
    assert!(headers.contains_key("strict-transport-security"), "{headers:?}");
    // Nor does it show its playground or its schema, unless told to.
    let (status, _, body) = get(&format!("{}/", program.url)).await;
    assert!(status == 200 && body["name"] == "Polyphony", "{body}");
    assert_eq!(get(&format!("{}/playground/index.html", program.url)).await.0, 404);
    let answer = program.ask(None, "{ __schema { types { name } } }", json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INTROSPECTION_DISABLED", "{answer}");
}

/// Nor is it made one: a server may be running on the database already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_takes_no_demo_data_by_command_either() {
    let folder = tempfile::tempdir().unwrap();
    let settings = production(folder.path());
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (success, said) = Program::run(folder.path(), &["demo"], &settings).await;
    assert!(!success && said.contains("production takes no demo data"), "{said}");
    assert!(!folder.path().join("data").exists(), "something was made");
    // Where it may be, it is filled in once.
    for outcome in ["holds the demo data now", "nothing was changed"] {
        let (success, said) = Program::run(folder.path(), &["demo"], &[]).await;
        assert!(success && said.contains(outcome), "{said}");
    }
    let (success, said) = Program::run(folder.path(), &["migrate", "down"], &[]).await;
    assert!(success && said.contains("The newest step is taken back."), "{said}");
}

/// PLT-034: the address of the database in parts, as hosters give it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_may_be_named_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let Some(database) = EmptyDatabase::make(Backend::Postgres, folder.path()).await else { return skip("PostgreSQL") };
    let url = url::Url::parse(&database.url).unwrap();
    let port = url.port().unwrap_or(5432).to_string();
    let mut parts = vec![
        ("DB_HOST", url.host_str().unwrap()),
        ("DB_PORT", port.as_str()),
        ("DB_USER", url.username()),
        ("DB_NAME", url.path().trim_start_matches('/')),
    ];
    parts.extend(url.password().map(|word| ("DB_PASSWORD", word)));
    let (success, said) = Program::run(folder.path(), &["migrate", "status"], &parts).await;
    assert!(success && said.contains("pending  m"), "{said}");
    let wrong = Program::run(folder.path(), &["doctor"], &[&parts[..], &[("DB_NAME", "not-there")]].concat()).await;
    assert!(!wrong.0 && wrong.1.contains("not-there"), "{}", wrong.1);
    database.remove().await;
}
