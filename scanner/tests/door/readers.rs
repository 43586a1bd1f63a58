//! Readers that need no page: an input device, and pictures that a page sends.

use crate::fake_edge::{FakeEdge, code, page, show};
use crate::test_door::{TestDoor, eventually};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

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
    let (_edge, _folder, mut reader, door) = with_a_reader().await;
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

/// A door in touch with its edge, and a reader on it.
async fn with_a_reader() -> (FakeEdge, tempfile::TempDir, File, TestDoor) {
    let edge = FakeEdge::start().await;
    edge.now().pages.push(page(&[show()], &[]));
    let folder = tempfile::tempdir().expect("folder");
    let (path, reader) = plug(folder.path(), "event0");
    let door = TestDoor::with(&edge, |config| config.readers = vec![path.clone()]).await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    (edge, folder, reader, door)
}

fn plug(folder: &Path, name: &str) -> (PathBuf, File) {
    let path = folder.join(name);
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    let reader = OpenOptions::new().read(true).write(true).open(&path).expect("a reader");
    (path, reader)
}

#[tokio::test]
async fn a_page_that_was_away_is_shown_every_verdict_in_its_turn() {
    let (_edge, _folder, mut reader, door) = with_a_reader().await;
    let last = async || serde_json::from_str::<Value>(&door.get("/v1/verdicts").await.1).expect("JSON")["n"].clone();
    let mut forged = code(1, 1);
    forged.replace_range(100..101, if &forged[100..101] == "A" { "B" } else { "A" });
    for one in [&forged, &code(2, 2), &code(2, 2)] {
        reader.write_all(&typed(one, Some(28))).expect("typed");
    }
    eventually("three were read", || async { last().await == 3 }).await;
    for (after, n, expected) in
        [(0, 1, "bad_signature"), (1, 2, "ok"), (2, 3, "already_admitted"), (77, 1, "bad_signature")]
    {
        let shown = next(&door, after).await;
        assert_eq!((shown["n"].as_u64(), shown["verdict"]["code"].as_str()), (Some(n), Some(expected)), "{shown}");
        assert!(shown["age_s"].as_u64().is_some_and(|age| age < 60), "{shown}");
    }
    assert_eq!(next(&door, 1).await["read"], code(2, 2), "a supervisor may let that one in");
    for _ in 0..25 {
        reader.write_all(&typed("HELLOHELLOHELLO", Some(28))).expect("typed");
    }
    eventually("all were read", || async { last().await == 28 }).await;
    assert_eq!(next(&door, 0).await["n"], 9, "the last twenty are kept");
}

#[tokio::test]
async fn a_reader_on_the_way_out_lets_guests_out_and_admits_nobody() {
    let edge = FakeEdge::start().await;
    let mut comes_back = show();
    comes_back["reentry"] = Value::from(true);
    edge.now().pages.push(page(&[comes_back], &[]));
    let folder = tempfile::tempdir().expect("folder");
    let (path, mut reader) = plug(folder.path(), "event1");
    let door = TestDoor::with(&edge, |config| config.exit_readers = vec![path.clone()]).await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    let told = |shown: &Value| format!("{} {}", shown["verdict"]["verdict"], shown["verdict"]["code"]).replace('"', "");
    reader.write_all(&typed(&code(1, 1), Some(28))).expect("typed");
    assert_eq!(told(&next(&door, 0).await), "refuse not_inside");
    assert_eq!(door.scan(&code(1, 1)).await["verdict"], "admit");
    reader.write_all(&typed(&code(1, 1), Some(28))).expect("typed");
    assert_eq!(told(&next(&door, 1).await), "out departed");
    assert_eq!(door.status().await["admitted"], 0);
    assert_eq!(door.scan(&code(1, 1)).await["verdict"], "admit", "back again");
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

#[tokio::test]
async fn reading_goes_on_while_a_verdict_is_waited_for() {
    let edge = FakeEdge::start().await;
    edge.now().pages.push(page(&[show()], &[]));
    let folder = tempfile::tempdir().expect("folder");
    let (path, mut reader) = plug(folder.path(), "event0");
    let door = TestDoor::with(&edge, |config| {
        config.readers = vec![path.clone()];
        config.edge_timeout_ms = 60_000;
    })
    .await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    edge.now().silent = true;
    // More than the pipe holds by itself.
    let (done, written) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        (1..=8).for_each(|number| reader.write_all(&typed(&code(number, number.into()), Some(28))).expect("typed"));
        let _heard = done.send(reader);
    });
    tokio::time::timeout(Duration::from_secs(20), written).await.expect("everything is read").expect("written");
    let last: Value = serde_json::from_str(&door.get("/v1/verdicts").await.1).expect("JSON");
    assert_eq!(last["n"], 0, "nothing was answered");
}

#[tokio::test]
async fn a_code_that_cannot_be_checked_is_amber_on_the_page() {
    let (_edge, _folder, mut reader, door) = with_a_reader().await;
    // The kernel had no room for what the reader typed.
    let keys = typed(&code(1, 1), Some(28));
    reader.write_all(&[&keys[..960], &event(0, 3, 0), &keys[2880..]].concat()).expect("typed");
    let shown = next(&door, 0).await;
    assert_eq!(
        (&shown["verdict"]["verdict"], &shown["verdict"]["code"]),
        (&Value::from("unknown"), &Value::from("not_checked"))
    );
    assert_eq!(shown["verdict"]["guarantee"], "SHARED");
    reader.write_all(&keys).expect("typed");
    assert_eq!(next(&door, 1).await["verdict"]["verdict"], "admit");
    // The store takes nothing.
    door.break_store();
    reader.write_all(&typed(&code(2, 2), Some(28))).expect("typed");
    let shown = next(&door, 2).await;
    assert_eq!(
        (&shown["verdict"]["verdict"], &shown["verdict"]["code"]),
        (&Value::from("unknown"), &Value::from("not_checked"))
    );
    assert_eq!(shown["read"], code(2, 2));
}

/// The bytes that the kernel gave, of a recording in evemu's form.
fn recorded(events: &str) -> Vec<u8> {
    let line = |line: &str| {
        let words: Vec<&str> = line.strip_prefix("E: ").expect("an event").split(' ').collect();
        let [time, kind, code, value] = words[..] else { panic!("an event has four parts: {line}") };
        let (seconds, micros) = time.split_once('.').expect("a time");
        let number = |digits: &str| u16::from_str_radix(digits, 16).expect("a number");
        let mut bytes = event(number(kind), number(code), value.parse().expect("a value"));
        bytes[0..8].copy_from_slice(&seconds.parse::<u64>().expect("seconds").to_ne_bytes());
        bytes[8..16].copy_from_slice(&micros.parse::<u64>().expect("microseconds").to_ne_bytes());
        bytes
    };
    events.lines().filter(|line| !line.starts_with('#')).flat_map(line).collect()
}

/// The number of each character on the keypad, as a reader types it that is set up for any layout.
fn numbers(text: &str) -> Vec<u8> {
    let keypad = [82, 79, 80, 81, 75, 76, 77, 71, 72, 73];
    let press = |key: u16| [event(1, key, 1), event(1, key, 0)].concat();
    let typed = |character: char| {
        let digits = format!("{:03}", u32::from(character)).into_bytes();
        let pressed = digits.into_iter().flat_map(|digit| press(keypad[usize::from(digit - b'0')]));
        [event(1, 56, 1).to_vec(), pressed.collect(), event(1, 56, 0).to_vec()].concat()
    };
    text.chars().flat_map(typed).collect()
}

#[tokio::test]
async fn what_readers_were_recorded_to_send_is_what_they_read() {
    let (_edge, _folder, mut reader, door) = with_a_reader().await;
    let zero = recorded(include_str!("../recorded/zero.events"));
    let any_layout = recorded(include_str!("../recorded/numbers.events"));
    let keys = |events: &[u8]| events.chunks(24).map(|event| event[16..].to_vec()).collect::<Vec<_>>();
    assert_eq!(keys(&any_layout)[2..], keys(&numbers("48")), "what follows is typed as that reader does");
    let enter = typed("", Some(28));
    for (n, (sent, read)) in (1..).zip([
        (recorded(include_str!("../recorded/digits.events")), "123456789"),
        (recorded(include_str!("../recorded/keypad.events")), "123456789"),
        ([zero.repeat(4), enter.clone()].concat(), "0000"),
        ([any_layout, numbers("7800"), enter.clone()].concat(), "487800"),
        // What stands before the line's end is too short for a code, and so is what comes after it.
        ([recorded(include_str!("../recorded/line.events")), enter, typed("QWER", Some(28))].concat(), "QWER"),
    ]) {
        reader.write_all(&sent).expect("typed");
        let shown = next(&door, n - 1).await;
        assert_eq!((&shown["n"], &shown["read"]), (&Value::from(n), &Value::from(read)), "{shown}");
    }
    let ticket = code(1, 1);
    reader.write_all(&[numbers(&ticket), numbers("\r")].concat()).expect("typed");
    assert_eq!(next(&door, 5).await["verdict"]["verdict"], "admit");
}
