//! The program itself, started as a process, and servers it needs for itself alone.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{Backend, spawn, variable, within};

/// A running program.
pub struct Program {
    child: Child,
    /// `http://127.0.0.1:…`
    pub url: String,
}

impl Program {
    /// Starts it with these settings and no others, in a folder of its own, without waiting for anything.
    pub fn spawn(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_polyphony"))
            .args(arguments)
            .env_clear()
            .envs([("PORT", "0"), ("LOG_LEVEL", "warn")])
            .envs(settings.iter().copied())
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    /// Starts the server and waits until it is ready.
    pub async fn serve(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let mut child = Self::spawn(folder, &[], settings);
        let mut complaints = BufReader::new(child.stderr.take().unwrap()).lines();
        let complaining = spawn(async move {
            let mut all = String::new();
            while let Ok(Some(line)) = complaints.next_line().await {
                all.push_str(&line);
                all.push('\n');
            }
            all
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = within("the server to listen", async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some((_, url)) = line.split_once("listening on ") {
                    return Some(url.to_owned());
                }
            }
            None
        });
        let Some(url) = listening.await else {
            panic!("the server ended before it listened:\n{}", complaining.await.unwrap());
        };
        // Whatever else it prints must not fill the pipe.
        spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, url }
    }

    /// Runs a command to its end; gives whether it succeeded and all it said.
    pub async fn run(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> (bool, String) {
        let child = Self::spawn(folder, arguments, settings);
        let output = within("the program to end", child.wait_with_output()).await.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }

    /// Asks it to stop, as a supervisor does.
    pub async fn terminate(&self) {
        signal(&self.child, "TERM").await;
    }

    /// Waits until it has ended.
    pub async fn ended(mut self) -> ExitStatus {
        within("the program to end", self.child.wait()).await.unwrap()
    }

    /// The most memory it has had at once so far, in MiB; `None` where the system does not tell.
    pub fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
    }

    /// Runs an operation.
    pub async fn ask(&self, token: Option<&str>, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        let mut request = reqwest::Client::new().post(format!("{}/graphql", self.url)).json(&body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        within("an answer", async { request.send().await.unwrap().json().await.unwrap() }).await
    }

    /// The access token of a demo person.
    pub async fn sign_in(&self, login: &str) -> String {
        let query = "mutation($login: String!, $password: String!) { signIn(input: { login: $login, password: $password }) { accessToken } }";
        let answer = self.ask(None, query, json!({ "login": login, "password": polyphony::demo::PASSWORD })).await;
        let token = answer["data"]["signIn"]["accessToken"].as_str();
        token.unwrap_or_else(|| panic!("no token in {answer}")).to_owned()
    }
}

/// Sends a signal.
pub async fn signal(child: &Child, name: &str) {
    let id = child.id().expect("a running process").to_string();
    let sent = Command::new("kill").args([format!("-{name}"), id]).status().await.unwrap();
    assert!(sent.success());
}

/// A port nobody listens on at the moment.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A database with nothing in it.
pub struct EmptyDatabase {
    /// For `DATABASE_URL`.
    pub url: String,
    created: Option<(String, String)>,
}

impl EmptyDatabase {
    /// Makes one; `None` when there is no server for it.
    pub async fn make(backend: Backend, folder: &Path) -> Option<Self> {
        if backend == Backend::Sqlite {
            let path: PathBuf = folder.join("data").join("polyphony.db");
            return Some(Self { url: format!("sqlite://{}", path.display()), created: None });
        }
        let base = variable("POLYPHONY_TEST_POSTGRES")?;
        let name = format!("empty_{}_{}", std::process::id(), free_port());
        let admin = Database::connect(&base).await.unwrap();
        admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        let _ = admin.close().await;
        let (server, _) = base.rsplit_once('/').unwrap();
        Some(Self { url: format!("{server}/{name}"), created: Some((base, name)) })
    }

    /// Takes it away again.
    pub async fn remove(self) {
        if let Some((base, name)) = self.created {
            let admin = Database::connect(&base).await.unwrap();
            admin.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
            let _ = admin.close().await;
        }
    }
}

/// A Redis server of a test's own, to be stopped and started.
pub struct Redis {
    /// For `REDIS_URL`.
    pub url: String,
    port: u16,
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Redis {
    /// Starts one; `None` where there is none installed.
    pub async fn start() -> Option<Self> {
        Command::new("redis-server").arg("--version").stdout(Stdio::null()).status().await.ok()?;
        let port = free_port();
        let folder = tempfile::tempdir().unwrap();
        let mut redis = Self { url: format!("redis://127.0.0.1:{port}"), port, folder, child: None };
        redis.start_again().await;
        Some(redis)
    }

    /// Starts it on the same port, empty.
    pub async fn start_again(&mut self) {
        let port = self.port.to_string();
        let child = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"])
            .current_dir(self.folder.path())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        self.child = Some(child);
        within("Redis to listen", async {
            while tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        })
        .await;
    }

    /// Kills it: connections are refused.
    pub async fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await.unwrap();
        }
    }

    /// Lets it hang: connections are taken and nothing is answered.
    pub async fn freeze(&self) {
        signal(self.child.as_ref().unwrap(), "STOP").await;
    }

    /// Lets it go on.
    pub async fn thaw(&self) {
        signal(self.child.as_ref().unwrap(), "CONT").await;
    }
}
