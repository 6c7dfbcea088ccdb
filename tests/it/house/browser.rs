//! A real browser, driven over the Chrome DevTools Protocol.

use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::{connect_async, tungstenite::Message as Wire};

use super::{PATIENCE, spawn, variable, within};

/// How often a condition is looked at.
const STEP: Duration = Duration::from_millis(50);

/// What is waited for: the answers to commands, by their ids.
type Waiting = Arc<Mutex<std::collections::HashMap<u64, oneshot::Sender<Value>>>>;

/// A browser with one page. Its process ends with it.
pub struct Browser {
    name: String,
    // Dropped in this order: the processes go before their folder.
    _processes: Processes,
    _folder: TempDir,
    out: mpsc::UnboundedSender<Wire>,
    waiting: Waiting,
    page: String,
    next_id: AtomicU64,
    complaints: Arc<Mutex<Vec<String>>>,
}

impl Browser {
    /// Starts a browser that shows this address; `None` when there is no browser.
    pub async fn open(name: &str, url: &str) -> Option<Self> {
        let program = variable("POLYPHONY_TEST_CHROMIUM")?;
        let folder = tempfile::tempdir().unwrap();
        let profile = format!("--user-data-dir={}", folder.path().display());
        let processes = Command::new(program)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-sync",
            ])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"])
            .args(["--remote-debugging-port=0", "--window-size=1400,900", &profile, "about:blank"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let processes = Processes(processes);
        let address = within("the browser to start", address(folder.path())).await;
        let (line, _) = within("the browser to answer", connect_async(address)).await.unwrap();
        let (mut sink, mut source) = line.split();
        let (out, mut outgoing) = mpsc::unbounded_channel::<Wire>();
        let (waiting, complaints) = (Waiting::default(), Arc::<Mutex<Vec<String>>>::default());
        spawn(async move {
            while let Some(frame) = outgoing.recv().await {
                if sink.send(frame).await.is_err() {
                    break;
                }
            }
        });
        let (answers, heard, origin) = (waiting.clone(), Arc::clone(&complaints), url.trim_end_matches('/').to_owned());
        spawn(async move {
            while let Some(Ok(frame)) = source.next().await {
                let Wire::Text(text) = frame else { continue };
                let mut message: Value = serde_json::from_str(&text).unwrap();
                if let Some(id) = message["id"].as_u64() {
                    if let Some(asked) = answers.lock().unwrap().remove(&id) {
                        let _ = asked.send(message.take());
                    }
                } else if let Some(complaint) = complaint(&message, &origin) {
                    heard.lock().unwrap().push(complaint);
                }
            }
            answers.lock().unwrap().clear();
        });
        let (name, next_id) = (name.to_owned(), AtomicU64::new(1));
        let mut browser = Self {
            name,
            _processes: processes,
            _folder: folder,
            out,
            waiting,
            page: String::new(),
            next_id,
            complaints,
        };
        let target = browser.ask("Target.createTarget", json!({ "url": "about:blank" })).await["targetId"].take();
        let attached = browser.ask("Target.attachToTarget", json!({ "targetId": target, "flatten": true })).await;
        browser.page = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.ask(&format!("{domain}.enable"), json!({})).await;
        }
        browser.ask("Page.navigate", json!({ "url": url })).await;
        Some(browser)
    }

    /// Gives a command and waits for its outcome.
    async fn ask(&self, method: &str, params: Value) -> Value {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (asked, answer) = oneshot::channel();
        self.waiting.lock().unwrap().insert(id, asked);
        let mut command = json!({ "id": id, "method": method, "params": params });
        if !self.page.is_empty() {
            command["sessionId"] = json!(self.page);
        }
        self.out.send(Wire::text(command.to_string())).unwrap();
        let mut answer = within(method, answer).await.unwrap_or_else(|_| panic!("{} is gone", self.name));
        assert!(answer["error"].is_null(), "{method} in {}: {}", self.name, answer["error"]);
        answer["result"].take()
    }

    /// The value of an expression in the page; a promise is waited for.
    pub async fn value(&self, expression: &str) -> Value {
        let asked =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let mut answer = self.ask("Runtime.evaluate", asked).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression} in {}: {}", self.name, answer["exceptionDetails"]);
        answer["result"]["value"].take()
    }

    /// Whether an expression becomes true in the page before long.
    pub async fn comes_true(&self, expression: &str, soon: Duration) -> bool {
        let seen = async {
            while self.value(expression).await != true {
                tokio::time::sleep(STEP).await;
            }
        };
        tokio::time::timeout(soon, seen).await.is_ok()
    }

    /// Waits until an expression is true in the page. When it never is, there is a picture of what was to be seen instead.
    #[track_caller]
    pub fn until(&self, what: &str, expression: &str) -> impl Future<Output = ()> {
        let asked = std::panic::Location::caller();
        async move {
            if !self.comes_true(expression, PATIENCE).await {
                let picture = std::env::temp_dir().join(format!("polyphony-{}-{}.png", self.name, std::process::id()));
                self.picture(&picture).await;
                let (name, heard) = (&self.name, self.complaints());
                panic!(
                    "{name} waited in vain for {what}, at {asked}; see {}; complaints: {heard:#?}",
                    picture.display()
                );
            }
        }
    }

    /// Presses what a selector finds, once it is there and can be pressed.
    pub async fn press(&self, selector: &str) {
        let found = format!("document.querySelector({})", json!(selector));
        self.until(&format!("{selector} to press"), &format!("Boolean({found}) && !{found}.disabled")).await;
        self.value(&format!("{found}.click()")).await;
    }

    /// Saves what is to be seen.
    pub async fn picture(&self, path: &Path) {
        use base64::Engine as _;
        let shot = self.ask("Page.captureScreenshot", json!({ "format": "png" })).await;
        let bytes = base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Errors of the console, exceptions, violations of the content security policy, and requests to other origins.
    pub fn complaints(&self) -> Vec<String> {
        self.complaints.lock().unwrap().clone()
    }
}

/// A browser is a group of processes; it ends when this is dropped, also when the test fails.
struct Processes(Child);

impl Drop for Processes {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.0.id())]).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}

/// Where the browser takes commands: it writes so into its folder once it does.
async fn address(folder: &Path) -> String {
    loop {
        let text = std::fs::read_to_string(folder.join("DevToolsActivePort")).unwrap_or_default();
        if let Some((port, path)) = text.trim().split_once('\n') {
            return format!("ws://127.0.0.1:{port}{path}");
        }
        tokio::time::sleep(STEP).await;
    }
}

/// What an event of the browser has to complain of.
fn complaint(event: &Value, origin: &str) -> Option<String> {
    let params = &event["params"];
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(format!("exception: {}", params["exceptionDetails"])),
        "Runtime.consoleAPICalled" if params["type"] == "error" => Some(format!("console: {}", params["args"])),
        // Violations of the content security policy and requests that failed are told of here.
        "Log.entryAdded" if params["entry"]["level"] == "error" => Some(format!("log: {}", params["entry"])),
        "Network.requestWillBeSent" => foreign(&params["request"]["url"], origin),
        "Network.webSocketCreated" => foreign(&params["url"], &origin.replacen("http", "ws", 1)),
        _ => None,
    }
}

fn foreign(url: &Value, origin: &str) -> Option<String> {
    let url = url.as_str()?;
    let own = url.strip_prefix(origin).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    (!own && !url.starts_with("data:") && !url.starts_with("blob:")).then(|| format!("request: {url}"))
}
