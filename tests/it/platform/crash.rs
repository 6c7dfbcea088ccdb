//! `kill -9` under writes: every acknowledged message is there afterwards, numbered without gaps, with its event, once.
//!
//! The real program on a real disk, killed at seeded moments: a few times here, five hundred times by `tests/soak kills`.

use std::{
    collections::HashMap,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::house::{amount, figures, skip, spawn, variable, within};

/// Kills in the short form.
const KILLS: u64 = 5;
/// Writers at once.
const WRITERS: [&str; 3] = ["alice", "bob", "carol"];

struct Server {
    child: Child,
    url: String,
}

impl Server {
    async fn start(folder: &Path, database: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_polyphony"))
            .env_clear()
            .envs([("PORT", "0"), ("DATABASE_URL", database), ("LOG_LEVEL", "warn"), ("DEMO_DATA", "true")])
            .env("DATA_DIR", folder)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = within("the server to listen", async {
            loop {
                let line = lines.next_line().await.unwrap().expect("the server ended before it listened");
                if let Some((_, url)) = line.split_once("listening on ") {
                    return url.to_owned();
                }
            }
        })
        .await;
        // Whatever else it prints must not fill the pipe.
        spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, url }
    }

    async fn ask(&self, token: Option<&str>, query: &str, variables: Value) -> Option<Value> {
        ask(&self.url, token, query, variables).await
    }

    async fn sign_in(&self, login: &str) -> String {
        let query = "mutation($login: String!, $password: String!) { signIn(input: { login: $login, password: $password }) { accessToken } }";
        let variables = json!({ "login": login, "password": polyphony::demo::PASSWORD });
        let answer = self.ask(None, query, variables).await.expect("an answer to signing in");
        answer["data"]["signIn"]["accessToken"].as_str().unwrap().to_owned()
    }
}

/// The answer, or nothing when the server was gone before it came.
async fn ask(url: &str, token: Option<&str>, query: &str, variables: Value) -> Option<Value> {
    let mut request = reqwest::Client::new()
        .post(format!("{url}/graphql"))
        .timeout(Duration::from_secs(10))
        .json(&json!({ "query": query, "variables": variables }));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    request.send().await.ok()?.json().await.ok()
}

const SEND: &str = "mutation($room: ID!, $text: String!) {
    sendMessage(input: { conversationId: $room, content: $text, clientId: $text }) { message { id seq } }
}";

/// Sends until the server is gone; gives what was acknowledged.
async fn write_on(url: String, token: String, room: String, name: String) -> HashMap<String, i64> {
    let mut acknowledged = HashMap::new();
    for number in 0.. {
        let text = format!("{name}-{number}");
        let Some(answer) = ask(&url, Some(&token), SEND, json!({ "room": room, "text": text })).await else { break };
        let seq = answer["data"]["sendMessage"]["message"]["seq"].as_i64();
        acknowledged.insert(text, seq.unwrap_or_else(|| panic!("refused: {answer}")));
    }
    acknowledged
}

async fn survives(database: &str) {
    let folder = tempfile::tempdir().unwrap();
    let database = match database {
        "" => format!("sqlite://{}/crash.db", folder.path().display()),
        other => other.to_owned(),
    };
    let mut expected: HashMap<String, i64> = HashMap::new();
    let mut room = String::new();
    let (kills, began) = (amount("KILLS", KILLS), Instant::now());
    for kill in 0..kills {
        let mut server = Server::start(folder.path(), &database).await;
        if room.is_empty() {
            let token = server.sign_in("alice").await;
            let rooms =
                server.ask(Some(&token), "{ conversations(search: \"general\") { nodes { id } } }", json!({})).await;
            room = rooms.unwrap()["data"]["conversations"]["nodes"][0]["id"].as_str().unwrap().to_owned();
        }
        let mut writers = Vec::new();
        for writer in WRITERS {
            let token = server.sign_in(writer).await;
            writers.push(spawn(write_on(server.url.clone(), token, room.clone(), format!("{writer}-{kill}"))));
        }
        // Seeded moments, none of them round.
        tokio::time::sleep(Duration::from_millis(150 + kill * 61 % 240)).await;
        server.child.kill().await.unwrap();
        for writer in writers {
            expected.extend(writer.await.unwrap());
        }
    }
    assert!(expected.len() as u64 > 4 * kills, "only {} messages were acknowledged", expected.len());

    // The server comes up on what was left; then its rows are read beside it.
    let server = Server::start(folder.path(), &database).await;
    let rows = Database::connect(&database).await.unwrap();
    let query =
        async |sql: &str| rows.query_all_raw(Statement::from_string(rows.get_database_backend(), sql)).await.unwrap();
    let found: HashMap<String, i64> = query("SELECT client_id, seq FROM messages WHERE client_id IS NOT NULL")
        .await
        .iter()
        .map(|row| (row.try_get("", "client_id").unwrap(), row.try_get("", "seq").unwrap()))
        .collect();
    for (text, seq) in &expected {
        assert_eq!(found.get(text), Some(seq), "{text} was acknowledged");
    }
    let check = "SELECT c.last_seq AS last_seq, count(m.id) AS messages, max(m.seq) AS highest, \
                 (SELECT count(*) FROM events e WHERE e.kind = 'message.sent') AS told, \
                 (SELECT count(*) FROM messages) AS said \
                 FROM conversations c JOIN messages m ON m.conversation_id = c.id GROUP BY c.id, c.last_seq";
    for row in query(check).await {
        let value = |name: &str| row.try_get::<i64>("", name).unwrap();
        assert_eq!(value("messages"), value("last_seq"), "numbers have no gaps");
        assert_eq!(value("highest"), value("last_seq"));
        assert_eq!(value("told"), value("said"), "every message has its event, and every event its message");
    }
    drop(server);
    let (acknowledged, more, took) = (expected.len(), found.len() - expected.len(), began.elapsed());
    let kind = if database.starts_with("sqlite") { "SQLite" } else { "PostgreSQL" };
    figures(&format!(
        "kills on {kind}: {kills} × kill -9, {acknowledged} messages acknowledged and none lost, {more} written but not acknowledged \
         in time, {took:?}"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_kills_on_sqlite() {
    survives("").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_writes_survive_kills_on_postgres() {
    let Some(base) = variable("POLYPHONY_TEST_POSTGRES") else { return skip("PostgreSQL") };
    let name = format!("crash_{}", std::process::id());
    let admin = Database::connect(&base).await.unwrap();
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    let (server, _) = base.rsplit_once('/').unwrap();
    survives(&format!("{server}/{name}")).await;
    admin.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
}
