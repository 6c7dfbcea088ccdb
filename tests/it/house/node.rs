//! Scripts that run in Node: the stock clients of `tests/clients`, as they come from their registry.

use std::{path::PathBuf, process::Stdio, time::Duration};

use chrono::TimeDelta;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::Command,
    sync::OnceCell,
};

use super::{World, in_ci, project, skip, spawn};

/// How long a script may take.
const PATIENCE: Duration = Duration::from_secs(100);

/// A folder with the packages that its lock file names.
pub struct Node {
    folder: PathBuf,
}

impl Node {
    /// Installs the packages unless they are there; `None` where they cannot be had, which in CI is a failure.
    pub async fn ready() -> Option<Self> {
        static READY: OnceCell<Result<(), String>> = OnceCell::const_new();
        let folder = project().join("tests/clients");
        match READY.get_or_init(|| install(&folder)).await {
            Ok(()) => Some(Self { folder }),
            Err(why) => {
                assert!(!in_ci(), "the packages of tests/clients could not be installed: {why}");
                skip("Node with the packages of tests/clients");
                None
            }
        }
    }

    /// Runs a script to its end, which must be a good one; gives what it said last. A line `advance N` moves the world's clock by so
    /// many minutes.
    pub async fn run(&self, world: &World, script: &str, arguments: &[&str]) -> String {
        let mut child = Command::new("node")
            // The recipes stand elsewhere, and find the packages here.
            .args(["--preserve-symlinks", "--preserve-symlinks-main", script])
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (mut input, mut complaints) = (child.stdin.take().unwrap(), child.stderr.take().unwrap());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let complaining = spawn(async move {
            let mut all = String::new();
            let _ = complaints.read_to_string(&mut all).await;
            all
        });
        let work = async {
            let mut last = String::new();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(minutes) = line.strip_prefix("advance ") {
                    world.advance(TimeDelta::minutes(minutes.parse().unwrap()));
                    input.write_all(b"done\n").await.unwrap();
                } else {
                    last = line;
                }
            }
            (child.wait().await.unwrap(), last)
        };
        let Ok((status, last)) = tokio::time::timeout(PATIENCE, work).await else {
            panic!("{script} {arguments:?} did not end");
        };
        let complaints = complaining.await.unwrap();
        assert!(status.success(), "{script} {arguments:?}: {status}, {last}\n{complaints}");
        last
    }

    /// Runs a program of one of the packages in a folder beside them; gives all it said.
    pub async fn program(&self, folder: &str, name: &str, arguments: &[&str]) -> String {
        let program = self.folder.join("node_modules/.bin").join(name);
        let run =
            Command::new(program).args(arguments).current_dir(self.folder.join(folder)).kill_on_drop(true).output();
        let output = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{name}: {}\n{said}", output.status);
        said
    }
}

/// Says why when it cannot be done.
async fn install(folder: &std::path::Path) -> Result<(), String> {
    let read = |path: &str| std::fs::read_to_string(folder.join(path)).unwrap_or_default();
    let wanted = read("package-lock.json");
    if read("node_modules/installed.json") == wanted {
        return Ok(());
    }
    let run = Command::new("npm").args(["ci", "--ignore-scripts"]).current_dir(folder).output().await;
    let output = run.map_err(|error| format!("npm: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    std::fs::write(folder.join("node_modules/installed.json"), wanted).map_err(|error| error.to_string())
}
