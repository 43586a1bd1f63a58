//! What a restart keeps.

use crate::house::House;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_restart_keeps_sales_holds_sessions_devices_scans_and_voids_that_wait() {
    let mut house = House::open().await;
    let show = house.add_show(30).await;
    let counter = house.log_in("counter").await;
    let door = house.pair("Door A").await;
    let sale = house.sell(&show, &["A1"]).await;
    let waiting = house.sell(&show, &["A3"]).await;
    let supervisor = house.log_in("supervisor").await;
    let void = format!("/v1/sales/{}/void", waiting["sale"].as_str().unwrap());
    let (_, view) = house.post(&void, &supervisor, json!({"reason": "x"})).await;
    assert_eq!(view["state"], "void_requested");
    house.post(&format!("/v1/shows/{show}/holds"), &counter, json!({"seats": ["A2"]})).await;
    let at = node::zone::Zone::utc().rfc3339(crate::house::now());
    let scan = json!([{"id": "00000000000000000000000000000001", "code": sale["tickets"][0]["code"], "at": at, "door": "Door A"}]);
    let (_, green) = house.post("/v1/door/scans", &door, scan.clone()).await;
    let (_, before) = house.get("/v1/status", "").await;
    let (_, feed) = house.get("/v1/door/feed", &door).await;
    let cursor = feed["cursor"].as_str().unwrap();

    house.stop().await;
    house.start().await;

    let (_, after) = house.get("/v1/status", "").await;
    assert_eq!(
        (&after["link"]["edge"], &after["link"]["digest"]),
        (&before["link"]["edge"], &before["link"]["digest"])
    );
    assert_eq!(house.state_of(&show, "A1").await, "sold");
    assert_eq!(house.state_of(&show, "A2").await, "held");
    assert_eq!(house.state_of(&show, "A3").await, "sold");
    let (status, _) = house.post(&format!("/v1/shows/{show}/holds"), &counter, json!({"seats": ["B1"]})).await;
    assert_eq!(status, 201, "the login goes on");
    let (_, again) = house.post("/v1/door/scans", &door, scan).await;
    assert_eq!(again, green);
    let (_, next) = house.get(&format!("/v1/door/feed?after={cursor}"), &door).await;
    assert_eq!((&next["reset"], &next["tickets"].as_array().unwrap().len()), (&json!(false), &1), "{next}");
    assert_eq!(next["tickets"][0]["state"], "void", "the acknowledgement let the void through: {next}");
    assert_ne!(next["boot"], feed["boot"]);
    assert_eq!(house.state_of(&show, "A3").await, "free");
}

#[tokio::test]
async fn a_second_box_on_the_same_data_is_refused() {
    let house = House::open().await;
    let config = edge::Config { data: house.data.path().to_owned(), ..edge::Config::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = edge::Edge::start(config, listener).await.err().expect("refused");
    assert!(format!("{error:#}").contains("running already"), "{error:#}");
}

#[tokio::test]
async fn a_hold_outlives_a_wall_clock_that_jumps_over_a_restart_by_no_more_than_it_had() {
    let mut house = House::open().await;
    let show = house.add_show(60).await;
    let counter = house.log_in("counter").await;
    let (status, hold) = house.post(&format!("/v1/shows/{show}/holds"), &counter, json!({"seats": ["A1"]})).await;
    assert_eq!(status, 201, "{hold}");
    house.stop().await;
    // As if all of it had been an hour ago.
    house.turn_clock(-3600);
    let set_back = "UPDATE ledger_hold SET deadline = deadline - 3600000, cap = cap - 3600000";
    assert_eq!(house.db().execute(set_back, []).unwrap(), 1);
    let lasts = |house: &House| -> i64 {
        let read = "SELECT deadline - (SELECT persisted_ms FROM store_time) FROM ledger_hold";
        house.db().query_row(read, [], |row| row.get(0)).unwrap()
    };
    let before = lasts(&house);
    // Whoever is in and whoever is locked out is so for as long as before.
    let set_back = "UPDATE sessions SET expires_at = expires_at - 3600000 - 11 * 3600000";
    house.db().execute(set_back, []).unwrap();
    let lock = "UPDATE staff SET wrong_pins = 9, locked_until = (SELECT persisted_ms FROM store_time) + 120000 WHERE name = 'door'";
    assert_eq!(house.db().execute(lock, []).unwrap(), 1);
    house.start().await;
    assert_eq!(house.state_of(&show, "A1").await, "held");
    let after = lasts(&house);
    assert!(after <= before && after > before - 60_000, "{before} ms before, {after} ms after");
    let (status, own) = house.get("/v1/holds", &counter).await;
    assert_eq!((status, own["holds"].as_array().map(Vec::len)), (200, Some(1)), "the login goes on: {own}");
    let (status, problem) = house.post("/v1/session", "", json!({"staff": "door", "pin": crate::house::PIN})).await;
    assert_eq!((status, &problem["code"]), (429, &json!("pin_locked")));
    house.stop().await;
}

#[tokio::test]
async fn a_box_whose_clock_was_ahead_by_mistake_sells_todays_shows_again_once_its_time_is_set_back() {
    const DAY_S: i64 = 24 * 3600;
    let mut house = House::open().await;
    let show = house.add_show(60).await;
    let counter = house.log_in("counter").await;
    house.post(&format!("/v1/shows/{show}/holds"), &counter, json!({"seats": ["A1"]})).await;
    let set_back = |house: &House| edge::clock_back::set_back(house.data.path(), node::clock::wall());
    assert!(set_back(&house).is_err(), "it runs");
    house.stop().await;
    assert!(set_back(&house).is_err(), "it is not ahead");
    house.turn_clock(DAY_S);
    house.start().await;
    let (_, status) = house.get("/v1/status", "").await;
    assert!((DAY_S - 60..=DAY_S + 60).contains(&status["clock_ahead_s"].as_i64().unwrap()), "{status}");
    let counter = house.log_in("counter").await;
    let sale = json!({"seats": ["A1"], "tender": "card"});
    let (status, problem) = house.post(&format!("/v1/shows/{show}/sales"), &counter, sale.clone()).await;
    assert_eq!((status, &problem["code"]), (410, &json!("show_ended")));
    let (_, held) = house.post(&format!("/v1/shows/{show}/holds"), &counter, json!({"seats": ["A2"]})).await;
    assert_eq!(held["code"], "show_ended");

    house.stop().await;
    let by = set_back(&house).unwrap();
    assert!(by.abs_diff(Duration::from_secs(DAY_S.unsigned_abs())) < Duration::from_secs(60), "{by:?}");
    house.start().await;
    let (_, status) = house.get("/v1/status", "").await;
    assert_eq!(status["clock_ahead_s"], Value::Null);
    assert_eq!(house.get("/v1/shifts", &counter).await.0, 401, "everybody logs in again");
    let counter = house.log_in("counter").await;
    assert_eq!(house.post(&format!("/v1/shows/{show}/sales"), &counter, sale).await.0, 201);
}
