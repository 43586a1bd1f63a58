//! The lock of the page's settings is the device's: it outlives pages and restarts, and its PIN opens it without the box.

use crate::house;
use crate::test_door::TestDoor;
use serde_json::{Value, json};

async fn ask(door: &TestDoor, path: &str, body: Value) -> (u16, String) {
    let (status, problem) = door.send(path, body.to_string()).await;
    (status, problem["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn the_settings_are_locked_over_a_restart_and_opened_by_the_same_pin_without_the_box() {
    let (_edge, door) = house().await;
    assert_eq!(door.status().await["locked"], false);
    for bad in ["", "123", "12a4", "1234567890123"] {
        assert_eq!(ask(&door, "/v1/lock", json!({"pin": bad})).await, (422, "bad_pin".into()), "{bad}");
    }
    assert_eq!(ask(&door, "/v1/lock", json!({"pin": "2468"})).await.0, 204);
    assert_eq!(ask(&door, "/v1/lock", json!({"pin": "1357"})).await, (409, "locked_already".into()));
    let data = door.stop().await;
    let door = TestDoor::reopen(data, |config| config.edge = "http://127.0.0.1:9".into()).await;
    assert_eq!(door.status().await["locked"], true);
    assert_eq!(ask(&door, "/v1/unlock", json!({"pin": "1357"})).await, (401, "wrong_pin".into()));
    let supervisor = json!({"staff": "manager", "pin": "7391"});
    assert_eq!(ask(&door, "/v1/unlock", supervisor).await, (503, "edge_out_of_reach".into()), "the box alone knows it");
    assert_eq!(door.status().await["locked"], true);
    assert_eq!(ask(&door, "/v1/unlock", json!({"pin": "2468", "staff": ""})).await.0, 204);
    assert_eq!(door.status().await["locked"], false);
    assert_eq!(ask(&door, "/v1/unlock", json!({"pin": "0000"})).await.0, 204, "there is nothing to open");
}

#[tokio::test]
async fn whoever_guesses_at_the_pin_waits_the_longer_and_a_restart_helps_nobody() {
    let (_edge, door) = house().await;
    assert_eq!(ask(&door, "/v1/lock", json!({"pin": "2468"})).await.0, 204);
    for wrong in ["0000", "1111", "2222"] {
        assert_eq!(ask(&door, "/v1/unlock", json!({"pin": wrong})).await, (401, "wrong_pin".into()));
    }
    assert_eq!(ask(&door, "/v1/unlock", json!({"pin": "2468"})).await, (429, "pin_locked".into()), "the right one too");
    let door = TestDoor::reopen(door.stop().await, |_| {}).await;
    assert_eq!(ask(&door, "/v1/unlock", json!({"pin": "2468"})).await, (429, "pin_locked".into()));
}
