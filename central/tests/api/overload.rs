//! More customers than central can serve are told to come back; those who have begun get through.

use crate::server::{TestCentral, Web};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Asks again as long as it is told to, as often as it is told to; how often it was told, and the status in the end.
async fn insist(web: &Web, path: &str, key: &str, body: serde_json::Value) -> (u32, u16, serde_json::Value) {
    let mut told = 0;
    loop {
        let asked = Instant::now();
        let answer = web.post(path, key, body.clone()).await;
        assert!(asked.elapsed() < Duration::from_secs(10), "an answer took {:?}", asked.elapsed());
        if answer.status.as_u16() != 503 {
            return (told, answer.status.as_u16(), answer.body);
        }
        let wait: u64 = answer.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
        assert_eq!(
            (answer.headers["content-type"].to_str().ok(), &answer.body["code"]),
            (Some("application/problem+json"), &json!("overloaded"))
        );
        told += 1;
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
    let mut rush = JoinSet::new();
    for customer in 0..300_u32 {
        let (web, show) = (test.web.clone(), show.clone());
        rush.spawn(async move {
            let (key, row) = (format!("k{customer}"), if customer % 2 == 0 { 'A' } else { 'C' });
            let seats = json!({ "seats": [format!("{row}{}", customer / 2 % 10 + 1)] });
            let (told, status, hold) = insist(&web, &format!("/v1/shows/{show}/holds"), &key, seats).await;
            if status != 201 {
                assert_eq!(status, 409, "{hold}");
                return (told, None);
            }
            let request = json!({ "hold": hold["hold"], "contact": { "email": "rush@example.org" } });
            let (told_later, status, booking) = insist(&web, "/v1/bookings", &key, request).await;
            assert_eq!((status, &booking["state"]), (201, &json!("booked")), "a hold was lost: {booking}");
            (told + told_later, booking["lines"][0]["seat"].as_str().map(str::to_owned))
        });
    }
    let (mut told, mut seats) = (0, BTreeMap::<String, u32>::new());
    while let Some(done) = rush.join_next().await {
        let (times, seat) = done.expect("a customer");
        told += times;
        if let Some(seat) = seat {
            *seats.entry(seat).or_default() += 1;
        }
    }
    assert!(told > 0, "nobody was turned away, so nothing was tried");
    assert_eq!((seats.len(), seats.values().max()), (20, Some(&1)), "every seat is sold, none twice");
    let map = test.get(&format!("/v1/shows/{show}/seats")).await.expect(200);
    let counts: BTreeMap<String, u32> = serde_json::from_value(map["counts"].clone()).expect("counts");
    assert_eq!((counts.get("sold"), counts.values().sum::<u32>()), (Some(&20), 40), "{counts:?}");
}
