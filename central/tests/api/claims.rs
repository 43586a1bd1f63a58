//! Seats of the counter, claimed by customers on the web.

use crate::edge::{HEARD, Habit, plug_in};
use crate::server::TestCentral;
use rusqlite::Connection;
use serde_json::json;
use shared::ids::ClaimId;
use std::time::Duration;

#[tokio::test]
async fn a_seat_of_the_counter_is_claimed_while_the_link_is_live() {
    let test = TestCentral::start().await;
    let edge = plug_in(&test, Habit::AnswersVoids).await;
    let show = test.show("Pune", "Sholay").await;
    let holds = format!("/v1/shows/{show}/holds");
    let map = test.get(&format!("/v1/shows/{show}/seats")).await.expect(200);
    assert_eq!((&map["link"], &map["counts"]), (&json!("live"), &json!({ "free": 40 })));
    let hold = test.post(&holds, "k1", json!({ "seats": ["D1", "C1"] })).await.expect(201);
    assert_eq!(test.post(&holds, "k1", json!({ "seats": ["D1", "C1"] })).await.expect(201), hold, "remembered");
    let request = json!({ "hold": hold["hold"], "contact": { "email": "guest@example.org" } });
    let booking = test.post("/v1/bookings", "b1", request).await.expect(201);
    test.pay(&booking).await;
    test.gateway.decide("captured");
    test.until(&booking, "booked").await;
    edge.trigger();
}

#[tokio::test]
async fn a_request_has_one_number_from_the_web_to_the_box() {
    let test = TestCentral::start().await;
    let edge = plug_in(&test, Habit::AnswersVoids).await;
    let show = test.show("Pune", "Sholay").await;
    let answer = test.post(&format!("/v1/shows/{show}/holds"), "k1", json!({ "seats": ["D1"] })).await;
    let id: ClaimId = answer.headers["x-request-id"].to_str().expect("text").parse().expect("an id");
    answer.expect(201);
    assert!(HEARD.lock().expect("not poisoned").contains(&id), "{id}");
    edge.trigger();
}

#[tokio::test]
async fn when_the_box_goes_away_its_seats_cannot_be_had() {
    let test = TestCentral::start().await;
    let edge = plug_in(&test, Habit::AnswersVoids).await;
    let show = test.show("Pune", "Sholay").await;
    edge.trigger();
    let holds = format!("/v1/shows/{show}/holds");
    let mut codes = Vec::new();
    for attempt in 0..40 {
        let answer = test.post(&holds, &format!("k{attempt}"), json!({ "seats": ["D1"] })).await;
        codes.push(answer.problem(409));
        if codes.last().is_some_and(|code| code == "seat_elsewhere") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(codes.last().map(String::as_str), Some("seat_elsewhere"), "{codes:?}");
    test.post(&holds, "own", json!({ "seats": ["A1"] })).await.expect(201);
}

#[tokio::test]
async fn another_request_under_the_key_of_one_that_waits_is_refused_and_stops_nothing() {
    let test = TestCentral::start().await;
    let edge = plug_in(&test, Habit::AnswersVoids).await;
    let show = test.show("Pune", "Sholay").await;
    let holds = format!("/v1/shows/{show}/holds");
    for n in 1..=5 {
        let key = format!("k{n}");
        let (claimed, own) = tokio::join!(
            test.post(&holds, &key, json!({ "seats": [format!("D{n}")] })),
            test.post(&holds, &key, json!({ "seats": [format!("A{n}")] })),
        );
        let (held, refused) = if claimed.status == 201 { (claimed, own) } else { (own, claimed) };
        held.expect(201);
        assert_eq!(refused.problem(422), "idempotency_key_reused");
    }
    test.post(&holds, "after", json!({ "seats": ["C1"] })).await.expect(201);
    edge.trigger();
}

#[tokio::test]
async fn a_claim_that_was_cut_off_by_a_crash_leaves_no_seat_held() {
    let mut test = TestCentral::start_with(|config| {
        (config.claim_wait_ms, config.suspect_after_ms) = (30_000, 30_000);
    })
    .await;
    let edge = plug_in(&test, Habit::AnswersVoids).await;
    let show = test.show("Pune", "Sholay").await;
    edge.trigger();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let holds = format!("/v1/shows/{show}/holds");
    let (web, path) = (test.web.clone(), holds.clone());
    let waiting = tokio::spawn(async move { web.post(&path, "k1", json!({ "seats": ["A1", "D1"] })).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let refused = test.post(&holds, "k2", json!({ "seats": ["A1"] })).await;
    assert_eq!(refused.problem(409), "seat_held", "the claim waits");
    let (store, copy) = ["data/central.sqlite", "crashed.sqlite"].map(|file| test.directory.path().join(file)).into();
    let running = Connection::open(&store).expect("open");
    running.execute("VACUUM INTO ?1", [copy.to_str()]).expect("what a crash would leave");
    drop(running);
    test.stop().await;
    waiting.abort();
    std::fs::rename(copy, store).expect("as after a crash");
    test.start_again().await;
    test.post(&holds, "k2", json!({ "seats": ["A1"] })).await.expect(201);
}
