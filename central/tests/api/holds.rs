//! Holding seats.

use crate::server::TestCentral;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_seat_is_held_once_and_given_back() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let holds = format!("/v1/shows/{show}/holds");
    let hold = test.post(&holds, "k1", json!({ "seats": ["c1", "C2"] })).await.expect(201);
    assert_eq!(hold["total"], json!({ "minor": 44_000, "currency": "INR" }));
    let refused = test.post(&holds, "k2", json!({ "seats": ["C2", "C3"] })).await;
    assert!(refused.headers.contains_key("retry-after"));
    let problem = refused.expect(409);
    assert_eq!((problem["code"].as_str(), &problem["seats"]), (Some("seat_held"), &json!(["C2"])));
    let path = format!("/v1/holds/{}", hold["hold"].as_str().expect("id"));
    test.post(&path, "-", Value::Null).await.expect(200);
    assert_eq!(test.delete(&path).await.status, 204);
    assert_eq!(test.delete(&path).await.status, 204);
    assert_eq!(test.post(&path, "-", Value::Null).await.problem(404), "unknown_hold");
    test.post(&holds, "k2", json!({ "seats": ["C2", "C3"] })).await.expect(201);
}

#[tokio::test]
async fn the_same_key_holds_once_and_another_body_is_refused() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let holds = format!("/v1/shows/{show}/holds");
    let first = test.post(&holds, "k1", json!({ "best": 2, "category": "gold" })).await.expect(201);
    let again = test.post(&holds, "k1", json!({ "category": "gold", "best": 2 })).await.expect(201);
    assert_eq!(first, again);
    assert_eq!(test.post(&holds, "k1", json!({ "best": 3 })).await.problem(422), "idempotency_key_reused");
    let map = test.get(&format!("/v1/shows/{show}/seats")).await.expect(200);
    assert_eq!(map["counts"]["held"], 2);
}

#[tokio::test]
async fn every_bad_hold_request_is_a_clear_problem() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let holds = format!("/v1/shows/{show}/holds");
    let eleven: Vec<String> = (1..=10).map(|n| format!("A{n}")).chain(["C1".into()]).collect();
    let table = [
        (json!({ "seats": ["Z9"] }), 404, "unknown_seat"),
        (json!({ "seats": [] }), 422, "bad_seat_count"),
        (json!({ "seats": ["A1", "a1"] }), 422, "bad_seat_count"),
        (json!({ "seats": eleven }), 422, "bad_seat_count"),
        (json!({ "best": 0 }), 422, "bad_seat_count"),
        (json!({ "best": 2, "category": "Box" }), 404, "unknown_category"),
        (json!({ "best": 11 }), 422, "bad_seat_count"),
        (json!({ "best": 1, "accessible": 2 }), 422, "bad_seat_count"),
        (json!({ "best": 2, "accessible": 1 }), 409, "no_seats_together"),
        (json!({ "groups": [] }), 422, "bad_seat_count"),
        (json!({ "groups": [{ "best": 6 }, { "best": 5 }] }), 422, "bad_seat_count"),
        (json!({ "groups": [{ "best": 2 }, { "best": 0 }] }), 422, "bad_seat_count"),
        (
            json!({ "groups": [{ "best": 2, "category": "gold" }, { "best": 2, "category": "Box" }] }),
            404,
            "unknown_category",
        ),
        (json!({ "groups": [{ "best": 2 }], "best": 2 }), 422, "unprocessable_body"),
        (json!({ "seats": ["D1"] }), 409, "seat_elsewhere"),
        (json!({ "seats": "A1" }), 422, "unprocessable_body"),
        (json!({ "chairs": ["A1"] }), 422, "unprocessable_body"),
        (json!([]), 422, "unprocessable_body"),
    ];
    for (body, status, code) in table {
        assert_eq!(test.post(&holds, "k", body.clone()).await.problem(status), code, "{body}");
    }
    assert_eq!(
        test.raw(&holds, &[("Idempotency-Key", "k".into())], "{\"seats\":").await.problem(400),
        "malformed_body"
    );
    assert_eq!(test.raw(&holds, &[], "{\"seats\":[\"A1\"]}").await.problem(400), "idempotency_key_required");
    let large = vec![b' '; 1024 * 1024];
    assert_eq!(test.raw(&holds, &[("Idempotency-Key", "k".into())], large).await.problem(413), "body_too_large");
    assert_eq!(test.post("/v1/shows/1-77/holds", "k", json!({ "best": 1 })).await.problem(404), "unknown_show");
}

#[tokio::test]
async fn groups_of_several_categories_are_held_and_booked_at_once() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Don").await;
    let groups =
        json!({ "groups": [{ "best": 3, "category": "Silver" }, { "best": 2, "category": "gold" }, { "best": 1 }] });
    let hold = test.post(&format!("/v1/shows/{show}/holds"), "k1", groups).await.expect(201);
    let lines = hold["lines"].as_array().expect("lines");
    let categories: Vec<_> = lines.iter().map(|line| line["category"].as_str().expect("a category")).collect();
    assert_eq!(categories[..5], ["Silver", "Silver", "Silver", "Gold", "Gold"]);
    let numbers: Vec<u32> =
        lines.iter().map(|line| line["seat"].as_str().expect("a seat")[1..].parse().expect("a number")).collect();
    assert_eq!((numbers[1], numbers[2], numbers[4]), (numbers[0] + 1, numbers[0] + 2, numbers[3] + 1));
    let request = json!({ "hold": hold["hold"], "contact": { "email": "group@example.org" } });
    let booking = test.post("/v1/bookings", "k1", request).await.expect(201);
    assert_eq!((booking["state"].as_str(), booking["tickets"].as_array().map(Vec::len)), (Some("booked"), Some(6)));
    let all = json!({ "groups": [{ "best": 8, "category": "Gold" }, { "best": 2, "category": "Gold" }] });
    assert_eq!(test.post(&format!("/v1/shows/{show}/holds"), "k2", all).await.problem(409), "no_seats_together");
}

#[tokio::test]
async fn an_expired_hold_is_free_again_and_cannot_be_booked() {
    let test = TestCentral::start_with(|config| config.hold_s = 1).await;
    let show = test.show("Pune", "Sholay").await;
    let holds = format!("/v1/shows/{show}/holds");
    let hold = test.post(&holds, "k1", json!({ "seats": ["A1"] })).await.expect(201);
    let booking = test.book(&show, &["A2"]).await;
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    let request = json!({ "hold": hold["hold"], "contact": { "phone": "+91 98765 43210" } });
    let code = test.post("/v1/bookings", "k1", request).await.body["code"].clone();
    assert_eq!(code, "hold_expired");
    test.post(&holds, "k2", json!({ "seats": ["A1"] })).await.expect(201);
    test.until(&booking, "expired").await;
    let path = format!("/v1/bookings/{}/payments", booking["booking"].as_str().expect("id"));
    assert_eq!(test.post(&path, "k", json!({})).await.problem(409), "not_payable");
}

#[tokio::test]
async fn a_hold_that_is_renewed_keeps_its_unpaid_booking_as_long() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let hold = test.post(&format!("/v1/shows/{show}/holds"), "k", json!({ "seats": ["A1"] })).await.expect(201);
    let request = json!({ "hold": hold["hold"], "contact": { "email": "guest@example.org" } });
    let booking = test.post("/v1/bookings", "k", request).await.expect(201);
    let path = format!("/v1/bookings/{}", booking["booking"].as_str().expect("id"));
    let hold = hold["hold"].as_str().expect("id");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let renewed = test.post(&format!("/v1/holds/{hold}"), "k", json!({})).await.expect(200);
    assert_ne!(renewed["expires_at"], booking["expires_at"]);
    assert_eq!(test.get(&path).await.expect(200)["expires_at"], renewed["expires_at"]);
}

#[tokio::test]
async fn concurrent_customers_never_hold_one_seat_twice() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let mut tasks = tokio::task::JoinSet::new();
    for customer in 0..60 {
        let (web, show) = (test.web.clone(), show.clone());
        tasks.spawn(async move {
            let seats = [format!("A{}", customer % 10 + 1), format!("C{}", customer % 7 + 1)];
            let path = format!("/v1/shows/{show}/holds");
            let answer = web.post(&path, &format!("k{customer}"), json!({ "seats": seats })).await;
            (answer.status == 201).then_some(seats)
        });
    }
    let mut held = Vec::new();
    while let Some(answer) = tasks.join_next().await {
        held.extend(answer.expect("joins").into_iter().flatten());
    }
    let count = held.len();
    held.sort();
    held.dedup();
    assert_eq!(held.len(), count, "a seat was held twice");
    assert!(count >= 14);
}
