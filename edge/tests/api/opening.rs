//! A box that starts during a cut: closed until somebody vouches for its log, or persons answer for it.

use crate::house::{House, PIN};
use edge::config::Unproven;
use serde_json::{Value, json};
use shared::ids::ShowNumber;
use shared::keys::SecretKey;
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

#[tokio::test]
async fn a_ticket_that_the_log_has_lost_makes_its_seat_sold_again_and_a_second_one_for_it_is_listed() {
    let (mut house, show) = alone(0, Unproven::Pin).await;
    house.start().await;
    let number = ShowNumber(show.split('-').nth(1).unwrap().parse().unwrap());
    let own = edge::identity::load(house.data.path()).unwrap().key;
    let lost = |id| json!({"code": house.foreign_ticket(&own, 12, number, id)});
    let supervisor = house.log_in("supervisor").await;
    let path = "/v1/tickets/found";
    let (status, problem) = house.post(path, &supervisor, lost(1)).await;
    assert_eq!((status, &problem["code"]), (503, &json!("closed")));
    let manager = house.log_in("manager").await;
    assert_eq!(house.post("/v1/open", &manager, json!({"by": "manager_pin"})).await.0, 204);
    assert_eq!(house.state_of(&show, "B2").await, "unknown");

    let counter = house.log_in("counter").await;
    let (status, problem) = house.post(path, &counter, lost(1)).await;
    assert_eq!((status, &problem["code"]), (403, &json!("role_not_allowed")));
    let stranger = SecretKey::from_seed(&[77; 32]);
    let mut forged = house.foreign_ticket(&own, 12, number, 1);
    let other = if &forged[100..101] == "A" { "B" } else { "A" };
    forged.replace_range(100..101, other);
    for (code, expected) in [
        ("HELLO".to_owned(), (422, "malformed")),
        (forged, (422, "bad_signature")),
        (house.foreign_ticket(&stranger, 12, number, 1), (422, "unknown_key")),
        (house.foreign_ticket(&own, 13, number, 1), (422, "wrong_theatre")),
        (house.foreign_ticket(&own, 12, ShowNumber(99), 1), (404, "unknown_show")),
    ] {
        let (status, problem) = house.post(path, &supervisor, json!({"code": code})).await;
        assert_eq!((status, problem["code"].as_str().unwrap()), expected);
    }
    assert_eq!(house.state_of(&show, "B2").await, "unknown", "nothing of that counts");

    let (status, found) = house.post(path, &supervisor, lost(1)).await;
    assert_eq!((status, &found["seat"], &found["show"]), (200, &json!("B2"), &json!(show)), "{found}");
    assert_eq!(house.state_of(&show, "B2").await, "sold");
    let (status, problem) = house.post(path, &supervisor, lost(1)).await;
    assert_eq!((status, &problem["code"]), (409, &json!("ticket_known")));
    for _ in 0..2 {
        let (status, problem) = house.post(path, &supervisor, lost(2)).await;
        assert_eq!((status, &problem["code"]), (409, &json!("seat_not_unknown")));
    }
    let (_, page) = house.get("/v1/discrepancies", &supervisor).await;
    let late: Vec<_> =
        page["discrepancies"].as_array().unwrap().iter().filter(|one| one["kind"] == "ticket_found_late").collect();
    assert_eq!(late.len(), 1, "{page}");
    assert_eq!(
        (&late[0]["ours"]["seats"][0]["ticket"], &late[0]["theirs"]["ticket"]["ticket"], &late[0]["proposed"]["code"]),
        (&found["ticket"], &json!("0202020202020202"), &json!("refund_second"))
    );
    let door = house.pair("Door A").await;
    let scan = json!([{
        "id": "0".repeat(32), "code": lost(1)["code"], "at": node::zone::Zone::utc().rfc3339(crate::house::now()),
        "door": "Door A", "local": {"verdict": "admit", "code": "ok", "guarantee": "SOLO"}
    }]);
    let (_, verdicts) = house.post("/v1/door/scans", &door, scan).await;
    assert_eq!((&verdicts[0]["verdict"], &verdicts[0]["code"]), (&json!("admit"), &json!("ok")), "{verdicts}");
    house.stop().await;
}
