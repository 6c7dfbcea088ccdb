//! Child processes, their time and memory.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

/// A folder for the run, gone with it.
pub(crate) struct Scratch(tempfile::TempDir);

impl Scratch {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// A server that was started for the run; killed when dropped.
pub(crate) struct Server {
    child: Child,
    _out: BufReader<ChildStdout>,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// How long it took to say so.
    pub(crate) started_in: Duration,
}

impl Server {
    fn start(mut command: Command) -> Self {
        let begun = Instant::now();
        let mut child = command.stdout(Stdio::piped()).spawn().expect("a server");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        let address = loop {
            line.clear();
            assert!(out.read_line(&mut line).expect("a line") > 0, "a server ended before it listened");
            if let Some((_, address)) = line.trim_end().split_once("http://") {
                break address.parse().expect("an address");
            }
        };
        Self { child, _out: out, address, started_in: begun.elapsed() }
    }

    /// Polyphony on this database.
    pub(crate) fn polyphony(url: &str, scratch: &Scratch) -> Self {
        Self::start(polyphony(url, scratch))
    }

    /// The floor on this database.
    pub(crate) fn floor(url: &str, scratch: &Scratch) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["floor", url]).stderr(log(scratch, "floor.log"));
        Self::start(command)
    }

    /// Time it has had of the processors.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("its figures");
        let after_name = stat.rsplit_once(')').expect("a name").1;
        let ticks: u64 = after_name.split_whitespace().skip(11).take(2).map(|t| t.parse::<u64>().expect("ticks")).sum();
        Duration::from_millis(ticks * 10)
    }

    /// Its memory, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("its figures");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("KiB")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log(scratch: &Scratch, name: &str) -> fs::File {
    fs::OpenOptions::new().create(true).append(true).open(scratch.path(name)).expect("a log")
}

/// The limits that every request passes.
const RATES: [&str; 9] = [
    "OVERALL",
    "ADDRESS",
    "PERSON",
    "PERSON_MUTATIONS",
    "PERSON_SUBSCRIPTIONS",
    "ANONYMOUS",
    "ANONYMOUS_MUTATIONS",
    "ANONYMOUS_SUBSCRIPTIONS",
    "SOCKET",
];

fn polyphony(url: &str, scratch: &Scratch) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polyphony"));
    command
        .current_dir(scratch.0.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("DATABASE_URL", url)
        .env("DATA_DIR", scratch.path("data"))
        .env("PORT", "0")
        .env("DEMO_DATA", "false")
        .env("LOG_FORMAT", "json")
        .env("SOCKETS_PER_VIEWER", "100000")
        // Raised, not removed: every request still passes all of them.
        .envs(RATES.map(|name| (format!("RATE_LIMIT_{name}"), "1000000000/1")))
        .stderr(log(scratch, "polyphony.log"));
    command
}

/// Brings a database up to date.
pub(crate) fn migrate(url: &str, scratch: &Scratch) {
    let status = polyphony(url, scratch).args(["migrate", "up"]).stdout(Stdio::null()).status().expect("migrations");
    assert!(status.success(), "the migrations failed");
}

/// Connects a client to PostgreSQL.
pub(crate) async fn postgres(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("PostgreSQL");
    tokio::spawn(connection);
    client
}

/// The PostgreSQL of the run.
pub(crate) struct Services {
    url: String,
    child: Option<Child>,
}

impl Services {
    /// The one named by the environment, or a new one.
    pub(crate) fn start() -> Self {
        if let Ok(url) = std::env::var("POLYPHONY_BENCH_POSTGRES") {
            return Self { url, child: None };
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/services.sh");
        let mut child = Command::new(script)
            .env("POLYPHONY_SERVICES_DURABLE", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("services");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        while !line.starts_with("export POLYPHONY_TEST_POSTGRES=") {
            line.clear();
            assert!(out.read_line(&mut line).expect("a line") > 0, "PostgreSQL did not start");
        }
        let url = line.trim_end().split_once('=').expect("an address").1.to_owned();
        std::thread::spawn(move || out.read_to_end(&mut Vec::new()));
        Self { url, child: Some(child) }
    }

    /// An empty database.
    pub(crate) async fn fresh_database(&self) -> String {
        let client = postgres(&self.url).await;
        for sql in ["DROP DATABASE IF EXISTS polyphony_bench WITH (FORCE)", "CREATE DATABASE polyphony_bench"] {
            client.batch_execute(sql).await.expect("a database");
        }
        let (server, _) = self.url.rsplit_once('/').expect("a name in the address");
        format!("{server}/polyphony_bench")
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
            let _ = child.wait();
        }
    }
}

/// How long a start takes on an existing database, and what an idle server holds.
pub(crate) async fn measure(url: &str, scratch: &Scratch) {
    let mut starts: Vec<Duration> = Vec::new();
    let mut memory = 0;
    for _ in 0..5 {
        let server = Server::polyphony(url, scratch);
        starts.push(server.started_in);
        tokio::time::sleep(Duration::from_secs(1)).await;
        memory = server.memory();
    }
    starts.sort_unstable();
    println!("start {:.2} s (median of 5), idle server {:.0} MiB", starts[2].as_secs_f64(), memory as f64 / 1024.0);
}
