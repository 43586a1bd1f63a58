//! A door device for a test: its own folder, its own port, stopped at the end.

use crate::fake_edge::FakeEdge;
use node::shutdown::Shutdown;
use scanner::Config;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) struct TestDoor {
    url: String,
    http: reqwest::Client,
    data: TempDir,
    shutdown: Shutdown,
    server: JoinHandle<anyhow::Result<()>>,
}

impl TestDoor {
    pub(crate) async fn start(edge: &FakeEdge) -> Self {
        Self::with(edge, |_| {}).await
    }

    pub(crate) async fn with(edge: &FakeEdge, change: impl FnOnce(&mut Config)) -> Self {
        node::telemetry::install_crypto();
        let data = tempfile::tempdir().expect("folder");
        scanner::pair(&edge.pair_url(), data.path()).await.expect("paired");
        Self::reopen(data, change).await
    }

    pub(crate) async fn reopen(data: TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config { data: data.path().into(), retry_ms: 20, ..Config::default() };
        change(&mut config);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let shutdown = Shutdown::new();
        let server = tokio::spawn(scanner::run(config, listener, shutdown.clone()));
        Self { url, http: client(), data, shutdown, server }
    }

    pub(crate) async fn stop(self) -> TempDir {
        self.shutdown.trigger();
        self.server.await.expect("joined").expect("ended well");
        self.data
    }

    pub(crate) async fn scan(&self, code: &str) -> Value {
        let (status, view) = self.post("/v1/scan", json!({"code": code}).to_string()).await;
        assert_eq!(status, 200, "{view}");
        view
    }

    pub(crate) async fn post(&self, path: &str, body: String) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.url)).header("content-type", "application/json");
        let response = request.body(body).send().await.expect("answer");
        (response.status().as_u16(), response.json().await.expect("JSON"))
    }

    /// The same where the answer may have no body.
    pub(crate) async fn send(&self, path: &str, body: String) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.url)).header("content-type", "application/json");
        let response = request.body(body).send().await.expect("answer");
        let status = response.status().as_u16();
        let text = response.text().await.expect("text");
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") })
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let response = self.http.get(format!("{}{path}", self.url)).send().await.expect("answer");
        (response.status().as_u16(), response.text().await.expect("text"))
    }

    /// The door's link for a phone, and its picture.
    pub(crate) fn link(&self) -> (String, String) {
        self.link_at("http://192.168.1.7:7420/").expect("a link")
    }

    pub(crate) fn link_at(&self, url: &str) -> anyhow::Result<(String, String)> {
        scanner::access::link(url, self.data.path())
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        self.url.trim_start_matches("http://").to_owned()
    }

    /// Follows a link; returns the cookie that it leaves.
    pub(crate) async fn follow(&self, path: &str) -> String {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
        let response = http.expect("client").get(format!("{}{path}", self.url)).send().await.expect("answer");
        assert_eq!(response.status().as_u16(), 303);
        assert_eq!(response.headers()["location"], "/");
        response.headers()["set-cookie"].to_str().expect("text").to_owned()
    }

    /// The status of an answer to a page with a cookie.
    pub(crate) async fn get_with(&self, path: &str, cookie: &str) -> u16 {
        let request = self.http.get(format!("{}{path}", self.url)).header("cookie", cookie);
        request.send().await.expect("answer").status().as_u16()
    }

    pub(crate) async fn status(&self) -> Value {
        serde_json::from_str(&self.get("/v1/status").await.1).expect("JSON")
    }

    /// The ids of the queued scans, in order.
    pub(crate) fn queue(&self) -> Vec<String> {
        self.rows("SELECT lower(hex(scan)) FROM scans WHERE state = 'queued' ORDER BY 1")
    }

    /// As if the device had died before it could write down what the edge had answered.
    pub(crate) fn forget_scans(&self) {
        let db = rusqlite::Connection::open(self.data.path().join("scanner.sqlite")).expect("store");
        for table in ["scans", "admissions"] {
            db.execute(&format!("DELETE FROM {table}"), []).expect("forgotten");
        }
    }

    /// Somebody else writes to its store until this is dropped.
    pub(crate) fn hold_store(&self) -> rusqlite::Connection {
        let db = rusqlite::Connection::open(self.data.path().join("scanner.sqlite")).expect("store");
        db.execute_batch("BEGIN IMMEDIATE").expect("the store");
        db
    }

    /// What it knows of scans cannot be read any more.
    pub(crate) fn break_store(&self) {
        let db = rusqlite::Connection::open(self.data.path().join("scanner.sqlite")).expect("store");
        db.execute_batch("ALTER TABLE scans RENAME TO lost").expect("broken");
    }

    /// How many revoked keys it has on its disk.
    pub(crate) fn revoked(&self) -> usize {
        self.rows("SELECT hex(key) FROM revoked_keys").len()
    }

    pub(crate) fn tickets_known(&self) -> Vec<String> {
        self.rows("SELECT lower(hex(ticket)) || ' ' || state FROM tickets ORDER BY 1")
    }

    /// The texts that a query of its store finds.
    pub(crate) fn rows(&self, query: &str) -> Vec<String> {
        let db = node::sqlite::open_read_only(&self.data.path().join("scanner.sqlite")).expect("store");
        let mut query = db.prepare(query).expect("query");
        let rows = query.query_map([], |row| row.get(0)).expect("rows");
        rows.collect::<Result<_, _>>().expect("text")
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("client")
}

/// Runs a device on a folder until it fails.
pub(crate) async fn run_once(data: &Path) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
    scanner::run(Config { data: data.into(), ..Config::default() }, listener, Shutdown::new()).await
}

/// Starts the real program without an edge, scans once and kills it. Returns its folder and the id of the scan.
pub(crate) async fn scan_and_kill(edge: &FakeEdge, code: &str) -> (TempDir, String) {
    node::telemetry::install_crypto();
    let data = tempfile::tempdir().expect("folder");
    scanner::pair(&edge.pair_url(), data.path()).await.expect("paired");
    let mut program = Command::new(env!("CARGO_BIN_EXE_usher-scanner"))
        .args(["serve", "--listen", "127.0.0.1:0", "--edge", "http://127.0.0.1:9", "--log", "warn", "--data"])
        .arg(data.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("program");
    let mut line = String::new();
    BufReader::new(program.stdout.take().expect("output")).read_line(&mut line).expect("line");
    let url = line.trim().strip_prefix("listening on ").expect("address").to_owned();
    let request = client().post(format!("{url}/v1/scan")).header("content-type", "application/json");
    let response = request.body(json!({"code": code}).to_string()).send().await.expect("answer");
    let view: Value = response.json().await.expect("JSON");
    program.kill().expect("killed");
    program.wait().expect("gone");
    assert_eq!(view["verdict"], "admit", "{view}");
    let db = node::sqlite::open_read_only(&data.path().join("scanner.sqlite")).expect("store");
    let id = db.query_row("SELECT lower(hex(scan)) FROM scans", [], |row| row.get(0)).expect("one scan");
    (data, id)
}

/// Waits up to ten seconds for a condition.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let end = Instant::now() + Duration::from_secs(10);
    while !condition().await {
        assert!(Instant::now() < end, "not within 10 s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
