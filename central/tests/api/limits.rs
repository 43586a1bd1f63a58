//! Nobody keeps more seats from the others than their share.

use crate::edge::{Habit, plug_in};
use crate::server::{Answer, TestCentral, Web};
use central::holds::limits::SeatLimits;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::task::JoinSet;

const DEVICE: &str = "usher_device=000102030405060708090a0b0c0d0e0f";
const OTHER_DEVICE: &str = "usher_device=ff0102030405060708090a0b0c0d0e0f";

async fn limited(per_device: usize, per_address: usize, per_contact: usize) -> TestCentral {
    TestCentral::start_with(|config| {
        let SeatLimits { per_device: device, per_address: address, per_contact: contact } =
            SeatLimits { per_device, per_address, per_contact };
        (config.seats_per_device, config.seats_per_address, config.seats_per_contact) = (device, address, contact);
        config.behind_proxies = 1;
    })
    .await
}

/// Holds seats as somebody whom the proxy in front names.
async fn hold(web: &Web, show: &str, seats: Value, cookie: &str, address: &str) -> Answer {
    let headers = [
        ("idempotency-key", node::random::hex::<8>()),
        ("cookie", cookie.to_owned()),
        ("x-forwarded-for", address.to_owned()),
    ];
    web.raw(&format!("/v1/shows/{show}/holds"), &headers, json!({ "seats": seats }).to_string()).await
}

#[tokio::test]
async fn a_device_gets_no_more_seats_than_its_share_until_it_gives_some_back() {
    let test = limited(3, 0, 0).await;
    let show = test.show("Pune", "Sholay").await;
    let first = hold(&test, &show, json!(["A1", "A2"]), DEVICE, "203.0.113.5").await.expect(201);
    let refused = hold(&test, &show, json!(["A3", "A4"]), DEVICE, "198.51.100.7").await;
    let wait: u32 = refused.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((1..=8 * 60).contains(&wait), "{wait}");
    assert_eq!(refused.problem(429), "too_many_seats_held");
    hold(&test, &show, json!(["A3"]), DEVICE, "203.0.113.5").await.expect(201);
    hold(&test, &show, json!(["C1", "C2"]), OTHER_DEVICE, "203.0.113.5").await.expect(201);
    hold(&test, &show, json!(["C3", "C4", "C5", "C6"]), "", "203.0.113.5").await.expect(201);
    assert_eq!(test.delete(&format!("/v1/holds/{}", first["hold"].as_str().expect("id"))).await.status, 204);
    hold(&test, &show, json!(["A1", "A2"]), DEVICE, "203.0.113.5").await.expect(201);
}

#[tokio::test]
async fn a_share_is_counted_on_after_another_start() {
    let mut test = limited(3, 3, 0).await;
    let show = test.show("Pune", "Sholay").await;
    let first = hold(&test, &show, json!(["A1", "A2", "A3"]), DEVICE, "203.0.113.5").await.expect(201);
    assert_eq!(test.store.number("SELECT count(*) FROM hold_owner"), 2);
    test.stop().await;
    test.start_again().await;
    for (cookie, address) in [(DEVICE, "198.51.100.7"), (OTHER_DEVICE, "203.0.113.5")] {
        assert_eq!(hold(&test, &show, json!(["A4"]), cookie, address).await.problem(429), "too_many_seats_held");
    }
    hold(&test, &show, json!(["C1"]), OTHER_DEVICE, "198.51.100.7").await.expect(201);
    assert_eq!(test.delete(&format!("/v1/holds/{}", first["hold"].as_str().expect("id"))).await.status, 204);
    hold(&test, &show, json!(["A1"]), DEVICE, "203.0.113.5").await.expect(201);
    // What is kept of a holder goes when no hold of theirs can stand any more.
    test.alter("UPDATE hold_owner SET until = 0");
    for _ in 0..100 {
        if test.store.number("SELECT count(*) FROM hold_owner") == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("whose holds they were is never forgotten");
}

#[tokio::test]
async fn an_address_gets_no_more_seats_than_its_share_whatever_it_says_itself() {
    let test = limited(0, 3, 0).await;
    let show = test.show("Pune", "Sholay").await;
    hold(&test, &show, json!(["A1", "A2"]), DEVICE, "203.0.113.5").await.expect(201);
    let said = hold(&test, &show, json!(["A3", "A4"]), OTHER_DEVICE, "198.51.100.1, 203.0.113.5").await;
    assert_eq!(said.problem(429), "too_many_seats_held");
    hold(&test, &show, json!(["A3", "A4"]), OTHER_DEVICE, "198.51.100.7").await.expect(201);
    // Whoever comes without an address of their own is not counted together with everybody else behind that proxy.
    for seats in [json!(["C1", "C2"]), json!(["C3", "C4"])] {
        hold(&test, &show, seats, "", "10.0.0.9").await.expect(201);
    }
}

#[tokio::test]
async fn seats_that_were_booked_are_held_no_more_but_count_for_their_contact() {
    let test = limited(2, 0, 3).await;
    let show = test.show("Pune", "Don").await;
    let book = async |seats: Value, email: &str| {
        let hold = hold(&test, &show, seats, DEVICE, "203.0.113.5").await.expect(201);
        let request = json!({ "hold": hold["hold"], "contact": { "email": email } });
        (hold, test.post("/v1/bookings", &node::random::hex::<8>(), request).await)
    };
    assert_eq!(book(json!(["A1", "A2"]), "a@example.org").await.1.expect(201)["state"], "booked");
    let (held, refused) = book(json!(["A3", "A4"]), "A@Example.org").await;
    assert_eq!(refused.problem(409), "too_many_seats_booked");
    let request = json!({ "hold": held["hold"], "contact": { "phone": "+91 98765 43210" } });
    test.post("/v1/bookings", "other", request).await.expect(201);
    assert_eq!(book(json!(["C1", "C2"]), "a@example.org").await.1.problem(409), "too_many_seats_booked");
}

#[tokio::test]
async fn a_cancelled_booking_counts_no_more() {
    let test = limited(0, 0, 2).await;
    let show = test.show("Kochi", "Sholay").await;
    let unpaid = test.book(&show, &["A1", "A2"]).await;
    let hold = hold(&test, &show, json!(["A3", "A4"]), "", "").await.expect(201);
    let request = json!({ "hold": hold["hold"], "contact": { "email": "guest@example.org" } });
    assert_eq!(test.post("/v1/bookings", "k1", request.clone()).await.problem(409), "too_many_seats_booked");
    test.alter(&format!("UPDATE booking SET expires_at = 0 WHERE code = '{}'", unpaid["code"].as_str().expect("code")));
    test.until(&unpaid, "expired").await;
    test.post("/v1/bookings", "k1", request).await.expect(201);
}

#[tokio::test]
async fn a_browser_gets_its_cookie_with_the_first_map() {
    let test = limited(0, 0, 0).await;
    let show = test.show("Pune", "Sholay").await;
    let first = test.get(&format!("/shows/{show}")).await;
    let cookie = first.headers["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.starts_with("usher_device=") && cookie.contains("HttpOnly"), "{cookie}");
    let again = test.get_with(&format!("/shows/{show}"), ("cookie", cookie.split(';').next().expect("pair"))).await;
    assert!(!again.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn claims_that_wait_count_like_what_is_held() {
    let test = limited(2, 0, 0).await;
    let edge = plug_in(&test, Habit::AnswersVoids).await;
    let show = test.show("Pune", "Sholay").await;
    let mut claims = JoinSet::new();
    for n in 1..=10 {
        let (web, show) = (test.web.clone(), show.clone());
        claims.spawn(async move {
            let seat = json!([format!("D{n}")]);
            hold(&web, &show, seat, DEVICE, "203.0.113.5").await.status.as_u16()
        });
    }
    let mut statuses = claims.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses[..2], [201, 201], "{statuses:?}");
    assert!(statuses[2..].iter().all(|status| *status == 429), "{statuses:?}");
    edge.trigger();
}
