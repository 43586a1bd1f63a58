//! Readers that need no page: an input device, and pictures that a page sends.

use crate::fake_edge::{FakeEdge, code, page, show};
use crate::test_door::{TestDoor, eventually};
use serde_json::Value;
use std::fs::OpenOptions;
use std::io::Write;
use std::process::Command;

/// The keys of the top row and the letters, by their numbers in the kernel.
fn key(character: char) -> u16 {
    let rows = [("1234567890", 2), ("QWERTYUIOP", 16), ("ASDFGHJKL", 30), ("ZXCVBNM", 44)];
    let found = rows.iter().find_map(|(row, first)| Some(row.find(character)? as u16 + first));
    found.expect("a key")
}

fn event(kind: u16, code: u16, value: i32) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[16..18].copy_from_slice(&kind.to_ne_bytes());
    bytes[18..20].copy_from_slice(&code.to_ne_bytes());
    bytes[20..].copy_from_slice(&value.to_ne_bytes());
    bytes
}

fn typed(text: &str, end: Option<u16>) -> Vec<u8> {
    let keys = text.chars().map(key).chain(end);
    keys.flat_map(|key| [event(1, key, 1), event(0, 0, 0), event(1, key, 0), event(0, 0, 0)].concat()).collect()
}

async fn next(door: &TestDoor, after: u64) -> Value {
    serde_json::from_str(&door.get(&format!("/v1/verdicts?after={after}")).await.1).expect("JSON")
}

#[tokio::test]
async fn a_reader_that_types_needs_no_page_and_a_bad_read_stops_nothing() {
    let edge = FakeEdge::start().await;
    edge.now().pages.push(page(&[show()], &[]));
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("event0");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    let mut reader = OpenOptions::new().read(true).write(true).open(&path).expect("a reader");
    let door = TestDoor::with(&edge, |config| config.readers = vec![path.clone()]).await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    reader.write_all(&typed(&"A7".repeat(300), Some(28))).expect("typed");
    let shown = next(&door, 0).await;
    assert_eq!((&shown["n"], &shown["verdict"]["code"]), (&Value::from(1), &Value::from("malformed")));
    // An event comes in two parts, the code ends in silence.
    let keys = typed(&code(1, 1), None);
    reader.write_all(&keys[..100]).expect("typed");
    reader.write_all(&keys[100..]).expect("typed");
    let shown = next(&door, 1).await;
    assert_eq!((&shown["verdict"]["verdict"], &shown["verdict"]["seat"]), (&Value::from("admit"), &Value::from("C1")));
    reader.write_all(&typed(&code(1, 1), Some(15))).expect("typed");
    assert_eq!(next(&door, 2).await["verdict"]["code"], "already_admitted");
    let fresh: Value = serde_json::from_str(&door.get("/v1/verdicts").await.1).expect("JSON");
    assert_eq!((&fresh["n"], &fresh["verdict"]), (&Value::from(3), &Value::Null), "a new page shows nothing old");
    door.stop().await;
}

#[tokio::test]
async fn a_picture_that_is_none_is_refused_and_one_without_a_code_gives_none() {
    let edge = FakeEdge::start().await;
    let door = TestDoor::with(&edge, |config| config.edge = "http://127.0.0.1:9".into()).await;
    let (status, answer) = door.post("/v1/frames?width=8&height=8", "x".repeat(64)).await;
    assert_eq!((status, &answer["codes"]), (200, &serde_json::json!([])));
    for (query, bytes) in
        [("width=8&height=9", 64), ("width=0&height=0", 0), ("width=99999999999&height=99999999999", 1)]
    {
        let (status, problem) = door.post(&format!("/v1/frames?{query}"), "x".repeat(bytes)).await;
        assert_eq!((status, problem["code"].as_str()), (422, Some("bad_frame")), "{query}");
    }
    assert_eq!(door.post("/v1/frames?width=8&height=8", "x".repeat(3_000_000)).await.0, 413);
}
