//! More customers than central can serve are told to come back; those who have begun get through.

use crate::server::{TestCentral, Web};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Asks again as long as it is told to, and counts how often that was; the status in the end.
async fn insist(
    web: &Web,
    path: &str,
    key: &str,
    body: serde_json::Value,
    told: &AtomicU32,
) -> (u16, serde_json::Value) {
    loop {
        let asked = Instant::now();
        let answer = web.post(path, key, body.clone()).await;
        assert!(asked.elapsed() < Duration::from_secs(10), "an answer took {:?}", asked.elapsed());
        if answer.status.as_u16() != 503 {
            return (answer.status.as_u16(), answer.body);
        }
        let wait: u64 = answer.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
        assert_eq!(
            (answer.headers["content-type"].to_str().ok(), &answer.body["code"]),
            (Some("application/problem+json"), &json!("overloaded"))
        );
        told.fetch_add(1, Ordering::Relaxed);
        // Nobody in this test has seconds to spare.
        tokio::time::sleep(Duration::from_millis(wait * 10)).await;
    }
}

#[tokio::test]
async fn a_rush_is_told_to_come_back_and_whoever_has_seats_books_them() {
    let test = TestCentral::start_with(|config| {
        config.writes_waiting_max = 8;
        config.seats_per_contact = 0;
    })
    .await;
    let show = test.show("Pune", "Don").await;
    let told = Arc::new(AtomicU32::new(0));
    let held_up = test.store.hold_up();
    let mut rush = JoinSet::new();
    for customer in 0..300_u32 {
        let (web, show, told) = (test.web.clone(), show.clone(), told.clone());
        rush.spawn(async move {
            let (key, row) = (format!("k{customer}"), if customer % 2 == 0 { 'A' } else { 'C' });
            let seats = json!({ "seats": [format!("{row}{}", customer / 2 % 10 + 1)] });
            let (status, hold) = insist(&web, &format!("/v1/shows/{show}/holds"), &key, seats, &told).await;
            if status != 201 {
                assert_eq!(status, 409, "{hold}");
                return None;
            }
            let request = json!({ "hold": hold["hold"], "contact": { "email": "rush@example.org" } });
            let (status, booking) = insist(&web, "/v1/bookings", &key, request, &told).await;
            assert_eq!((status, &booking["state"]), (201, &json!("booked")), "a hold was lost: {booking}");
            booking["lines"][0]["seat"].as_str().map(str::to_owned)
        });
    }
    while told.load(Ordering::Relaxed) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(held_up);
    let mut seats = BTreeMap::<String, u32>::new();
    while let Some(done) = rush.join_next().await {
        if let Some(seat) = done.expect("a customer") {
            *seats.entry(seat).or_default() += 1;
        }
    }
    assert_eq!((seats.len(), seats.values().max()), (20, Some(&1)), "every seat is sold, none twice");
    let map = test.get(&format!("/v1/shows/{show}/seats")).await.expect(200);
    let counts: BTreeMap<String, u32> = serde_json::from_value(map["counts"].clone()).expect("counts");
    assert_eq!((counts.get("sold"), counts.values().sum::<u32>()), (Some(&20), 40), "{counts:?}");
}
