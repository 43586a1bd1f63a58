//! A device that somebody has declared off: what it did is not lost, and it lets nobody in until it counts again.

use crate::fake_edge::{FakeEdge, code, page};
use crate::test_door::{TestDoor, eventually};
use crate::{answer, house};
use serde_json::json;

async fn knows(door: &TestDoor, off: bool) {
    eventually("it knows", || async { door.status().await["off"] == off }).await;
}

#[tokio::test]
async fn a_device_declared_off_lets_nobody_in_and_hands_its_scans_in() {
    let (edge, door) = house().await;
    edge.now().silent = true;
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "admit ok SOLO");
    {
        let mut edge = edge.now();
        (edge.silent, edge.off) = (false, true);
    }
    knows(&door, true).await;
    eventually("handed in", || async { door.status().await["queued"] == 0 }).await;
    assert_eq!(edge.now().scans.len(), 1);
    let amber = door.scan(&code(2, 2)).await;
    assert_eq!(answer(&amber), "unknown device_off SOLO");
    assert!(amber["text"].as_str().is_some_and(|text| text.contains("another door")), "{amber}");
    assert_eq!(answer(&door.scan(&code(9, 9)).await), "unknown device_off SOLO", "nor does it judge");
    assert_eq!(edge.now().scans.len(), 1, "nobody came in");
    let call = json!({"code": code(2, 2), "person": "Asha", "reason": "x", "staff": "boss", "pin": "4711"});
    let (status, problem) = door.post("/v1/overrides", call.to_string()).await;
    assert_eq!((status, &problem["code"]), (401, &json!("device_off")), "nor does a supervisor here: {problem}");

    edge.now().off = false;
    knows(&door, false).await;
    assert_eq!(answer(&door.scan(&code(2, 2)).await), "admit ok SHARED");
}

#[tokio::test]
async fn a_device_that_hears_of_it_by_a_scan_lets_nobody_in_on_that_one() {
    let edge = FakeEdge::start().await;
    edge.now().pages.push(page(&[crate::fake_edge::show()], &[]));
    let door = TestDoor::start(&edge).await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    edge.now().off = true;
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "unknown device_off SOLO");
    assert_eq!(door.queue(), Vec::<String>::new());
}

#[tokio::test]
async fn an_answer_from_before_stands_and_a_restart_out_of_reach_forgets_nothing() {
    let (edge, door) = house().await;
    let scan = json!({"code": code(1, 1), "id": format!("{:032x}", 1)}).to_string();
    let green = door.post("/v1/scan", scan.clone()).await;
    edge.now().off = true;
    knows(&door, true).await;
    assert_eq!(door.post("/v1/scan", scan).await, green, "whoever lost the answer was let in");
    eventually("kept", || async { door.rows("SELECT off || '' FROM identity") == ["1"] }).await;
    let data = door.stop().await;
    let door = TestDoor::reopen(data, |config| config.edge = "http://127.0.0.1:9".into()).await;
    assert_eq!(answer(&door.scan(&code(2, 2)).await), "unknown device_off SOLO");
}
