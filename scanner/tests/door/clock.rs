//! A device that was started alone does not know what day it is, and says so until it has heard the box.

use crate::fake_edge::{FakeEdge, code, page, show, ticket};
use crate::test_door::{TestDoor, eventually};
use serde_json::{Value, json};

const MARK: &str = "The clock is not verified: look at the date on the ticket.";

fn marked(view: &Value) -> (Value, bool) {
    (view["verdict"].clone(), view["text"].as_str().expect("a text").contains(MARK))
}

#[tokio::test]
async fn a_device_that_starts_alone_marks_its_verdicts_and_keeps_their_colour_until_the_box_is_heard() {
    let edge = FakeEdge::start().await;
    edge.now().pages.push(page(&[show()], &[ticket(1, 1, "live"), ticket(9, 9, "void")]));
    let door = TestDoor::with(&edge, |_| {}).await;
    eventually("in touch", || async { door.status().await["clock_verified"] == true }).await;
    edge.now().silent = true;
    assert_eq!(
        marked(&door.scan(&code(1, 1)).await),
        (json!("admit"), false),
        "it has heard the box and is alone since"
    );
    assert_eq!(door.status().await["clock_verified"], true);
    let data = door.stop().await;
    let door = TestDoor::reopen(data, |_| {}).await;
    assert_eq!(door.status().await["clock_verified"], false);
    assert_eq!(marked(&door.scan(&code(2, 2)).await), (json!("admit"), true));
    assert_eq!(marked(&door.scan(&code(2, 2)).await), (json!("already"), true));
    // What lets nobody in has no date to look at.
    assert_eq!(marked(&door.scan(&code(9, 9)).await), (json!("refuse"), false));
    assert_eq!(marked(&door.scan("HELLO").await), (json!("refuse"), false));
    edge.now().silent = false;
    eventually("in touch", || async { door.status().await["clock_verified"] == true }).await;
    assert_eq!(marked(&door.scan(&code(4, 4)).await), (json!("admit"), false));
}

#[tokio::test]
async fn a_device_whose_clock_was_days_ahead_once_forgets_nothing_of_tonight() {
    let edge = FakeEdge::start().await;
    edge.now().pages.push(page(&[show()], &[ticket(1, 1, "live"), ticket(9, 9, "void")]));
    let door = TestDoor::with(&edge, |_| {}).await;
    eventually("in touch", || async { door.status().await["clock_verified"] == true }).await;
    let data = door.stop().await;
    let store = rusqlite::Connection::open(data.path().join("scanner.sqlite")).expect("store");
    store.execute("UPDATE store_time SET persisted_ms = persisted_ms + 259200000", []).expect("three days ahead");
    drop(store);
    edge.now().pages.push(page(&[], &[ticket(2, 2, "live")]));
    let door = TestDoor::reopen(data, |_| {}).await;
    eventually("the next page is there", || async { door.tickets_known().iter().any(|known| known.starts_with("02")) })
        .await;
    edge.now().silent = true;
    assert_eq!(marked(&door.scan(&code(9, 9)).await).0, json!("refuse"));
}
