//! A box that starts during a cut: closed until somebody vouches for its log, or persons answer for it.

use crate::house::{House, PIN};
use edge::config::Unproven;
use serde_json::{Value, json};
use std::time::Duration;

/// A house that sold A1 and starts again with nobody to ask.
async fn alone(gate_wait_ms: u64, unproven: Unproven) -> (House, String) {
    let mut house = House::open().await;
    let show = house.add_show(60).await;
    house.sell(&show, &["A1"]).await;
    house.stop().await;
    (house.vouched, house.gate_wait_ms, house.unproven) = (false, gate_wait_ms, unproven);
    (house, show)
}

async fn sell(house: &House, token: &str, show: &str, seat: &str) -> (u16, Value) {
    let sale = json!({"seats": [seat], "tender": "card"});
    house.post(&format!("/v1/shows/{show}/sales"), token, sale).await
}

#[tokio::test]
async fn a_box_that_nobody_can_prove_opens_with_a_pin_and_sells_what_was_unsold_only_after_two_persons_settled_it() {
    let (mut house, show) = alone(2_500, Unproven::Pin).await;
    house.start().await;
    let (_, status) = house.get("/v1/status", "").await;
    assert_eq!((&status["closed"], &status["can_sell"]), (&json!("head_unproven"), &json!(false)), "{status}");
    assert_eq!((&status["asking"]["named"], &status["asking"]["answers"]), (&json!("d0"), &json!([])));
    assert_eq!((&status["asking"]["pin"], status["asking"]["left_s"].as_u64().unwrap() <= 3), (&json!(true), true));
    let manager = house.log_in("manager").await;
    let (status, problem) = house.post("/v1/open", &manager, json!({"by": "manager_pin"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("asking")), "the others may still answer");
    let counter = house.log_in("counter").await;
    let (status, problem) = sell(&house, &counter, &show, "A2").await;
    assert_eq!((status, &problem["code"]), (503, &json!("closed")));
    let (status, _) = house.post("/v1/open", &counter, json!({"by": "manager_pin"})).await;
    assert_eq!(status, 403);

    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let (status, problem) = house.post("/v1/open", &manager, json!({"by": "manager_pin"})).await;
    assert_eq!(status, 204, "{problem}");
    let (status, problem) = house.post("/v1/open", &manager, json!({"by": "manager_pin"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("not_closed")));
    let (_, status) = house.get("/v1/status", "").await;
    assert_eq!((&status["closed"], &status["can_sell"]), (&Value::Null, &json!(true)), "{status}");
    assert_eq!(
        (house.state_of(&show, "A1").await, house.state_of(&show, "A2").await),
        ("sold".into(), "unknown".into())
    );
    let (status, problem) = sell(&house, &counter, &show, "A2").await;
    assert_eq!((status, &problem["code"]), (409, &json!("seat_unknown")));

    let (status, unknown) = house.get("/v1/unknown", &manager).await;
    assert_eq!((status, &unknown["shows"][0]["show"]["id"]), (200, &json!(show)), "{unknown}");
    assert_eq!(unknown["shows"][0]["seats"].as_array().unwrap().len(), 9, "all but the one that is sold: {unknown}");
    let path = format!("/v1/shows/{show}/unknown");
    let second = |staff: &str| json!({"second": {"staff": staff, "pin": PIN}});
    let (status, problem) = house.post(&path, &manager, second("manager")).await;
    assert_eq!((status, &problem["code"]), (403, &json!("same_person")));
    let (status, problem) = house.post(&path, &manager, second("counter")).await;
    assert_eq!((status, &problem["code"]), (403, &json!("role_not_allowed")));
    let wrong = json!({"second": {"staff": "supervisor", "pin": "0000"}});
    let (status, problem) = house.post(&path, &manager, wrong).await;
    assert_eq!((status, &problem["code"]), (401, &json!("wrong_pin")));
    let (status, settled) = house.post(&path, &manager, second("supervisor")).await;
    assert_eq!((status, settled), (200, json!({"settled": 9})));
    assert_eq!(house.get("/v1/unknown", &manager).await, (200, json!({"shows": []})));
    assert_eq!(sell(&house, &counter, &show, "A2").await.0, 201);

    house.stop().await;
    let read = "SELECT what || ' ' || staff || ' ' || coalesce(second, 'alone') FROM attestations ORDER BY number";
    let db = house.db();
    let kept: Vec<String> =
        db.prepare(read).unwrap().query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(kept, ["opened manager alone", "settled_unknown manager supervisor"]);
}

#[tokio::test]
async fn where_the_house_refuses_a_pin_it_takes_two_persons() {
    let (mut house, show) = alone(0, Unproven::Refuse).await;
    house.start().await;
    let manager = house.log_in("manager").await;
    let (status, problem) = house.post("/v1/open", &manager, json!({"by": "manager_pin"})).await;
    assert_eq!((status, &problem["code"]), (403, &json!("unproven_refused")));
    let two = json!({"by": "two_persons", "second": {"staff": "supervisor", "pin": PIN}});
    let (status, problem) = house.post("/v1/open", &manager, two).await;
    assert_eq!(status, 204, "{problem}");
    assert_eq!(house.state_of(&show, "A2").await, "unknown");
    house.stop().await;
}
