//! Seats of the counter, claimed by customers on the web.

use crate::edge::{HEARD, Habit, plug_in};
use crate::server::TestCentral;
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
    let told = test.get("/metrics").await.text;
    let value = |name: &str| {
        let line = told.lines().find_map(|line| line.strip_prefix("usher_central_")?.strip_prefix(name));
        line.and_then(|value| value.trim().parse::<f64>().ok()).unwrap_or_else(|| panic!("{name} is not in {told}"))
    };
    assert_eq!((value("holds_total{outcome=\"done\"}"), value("bookings_total{outcome=\"done\"}")), (2.0, 1.0));
    let theatre = show.split('-').next().expect("a theatre");
    assert_eq!(value(&format!("box_link_live{{theatre=\"{theatre}\"}}")), 1.0);
    assert!(value(&format!("box_backlog_entries{{theatre=\"{theatre}\"}}")) < 10.0);
    assert!(value("writer_commits_total") >= 3.0 && value("writer_commit_seconds_count") >= 3.0);
    assert!(value("writer_batch_jobs_sum") >= 4.0 && value("writer_queue_jobs") < 10.0);
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
