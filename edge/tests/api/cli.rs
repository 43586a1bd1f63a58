//! The program itself: setting up, serving, ending.

use crate::house::{House, PIN};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

pub(crate) fn usher_edge(arguments: &[&str], data: &Path, input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_usher-edge"))
        .args(arguments)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn init_prints_one_request_for_one_box() {
    let data = tempfile::tempdir().unwrap();
    let first = usher_edge(&["init"], data.path(), "");
    let request: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!((&request["format"], request["public_key"].as_str().unwrap().len()), (&json!(1), 64));
    assert_eq!(usher_edge(&["init"], data.path(), "").stdout, first.stdout);
}

#[test]
fn what_cannot_be_done_is_said_and_ends_in_a_failure() {
    let data = tempfile::tempdir().unwrap();
    let table: [(&[&str], &str, &str); 4] = [
        (&["serve", "--listen", "127.0.0.1:0"], "", "no join file yet"),
        (&["join", "/nowhere/join.json"], "", "/nowhere/join.json"),
        (&["staff", "add", "x", "--role", "cashier"], "12\n", "a PIN is 4 to 12 digits"),
        (&["staff", "add", "x", "--role", "owner"], "1234\n", "no role"),
    ];
    for (arguments, input, expected) in table {
        let output = usher_edge(arguments, data.path(), input);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(text(&output.stderr).contains(expected), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[tokio::test]
async fn a_box_serves_until_it_is_told_to_end() {
    let mut house = House::open().await;
    house.stop().await;
    let added = usher_edge(&["staff", "add", "Window 2", "--role", "cashier"], house.data.path(), "998877\n");
    assert!(added.status.success(), "{}", text(&added.stderr));
    let mut child = Command::new(env!("CARGO_BIN_EXE_usher-edge"))
        .args(["serve", "--listen", "127.0.0.1:0", "--heartbeat-ms", "1000"])
        .env("USHER_DATA", house.data.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let base = line.trim().strip_prefix("listening on ").unwrap().to_owned();
    let login = async |staff: &str, pin: &str| {
        let body = json!({"staff": staff, "pin": pin});
        let answer = house.client.post(format!("{base}/v1/session")).json(&body).send().await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(login("Window 2", "998877").await, 200);
    assert_eq!(login("counter", PIN).await, 200);
    house.vouch(&base).await;
    for path in ["/livez", "/readyz", "/metrics", "/", "/door"] {
        assert_eq!(house.client.get(format!("{base}{path}")).send().await.unwrap().status(), 200, "{path}");
    }
    let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
    assert!(ended.success(), "{ended}");
}
