//! Payments: lost answers, lost webhooks, late money, wrong money.

use crate::gateway::signed;
use crate::server::TestCentral;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::Duration;

fn payments(booking: &Value) -> String {
    format!("/v1/bookings/{}/payments", booking["booking"].as_str().expect("id"))
}

fn notice(payment: &Value) -> String {
    json!({ "type": format!("payment.{}", payment["state"].as_str().expect("state")), "data": payment }).to_string()
}

#[tokio::test]
async fn a_webhook_books_at_once_and_only_once() {
    let test = TestCentral::start_with(|config| config.payment_poll_ms = 60_000).await;
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["A1"]).await;
    test.pay(&booking).await;
    test.gateway.decide("captured");
    let body = notice(&test.gateway.payments()[0]);
    for _ in 0..3 {
        assert_eq!(test.raw("/v1/webhooks/simulator", &signed("msg_1", &body), body.clone()).await.status, 204);
    }
    let booked = test.get(&format!("/v1/bookings/{}", booking["booking"].as_str().expect("id"))).await.expect(200);
    assert_eq!(booked["state"], "booked");
    let declined = body.replace("captured", "declined");
    test.raw("/v1/webhooks/simulator", &signed("msg_0", &declined), declined.clone()).await;
    test.until(&booking, "booked").await;
    assert!(test.gateway.refunds().is_empty());
}

#[tokio::test]
async fn a_webhook_that_is_forged_altered_or_old_changes_nothing() {
    let test = TestCentral::start_with(|config| config.payment_poll_ms = 60_000).await;
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["A1"]).await;
    test.pay(&booking).await;
    let mut payment = test.gateway.payments()[0].clone();
    payment["state"] = "captured".into();
    let body = notice(&payment);
    let good = signed("msg_1", &body);
    let with = |name: &str, value: &str| {
        good.clone().map(|(header, old)| if header == name { (header, value.to_owned()) } else { (header, old) })
    };
    let table = [
        (Vec::new(), body.clone(), "bad_webhook"),
        (with("webhook-signature", "v1,AAAA").to_vec(), body.clone(), "bad_webhook"),
        (with("webhook-timestamp", "1600000000").to_vec(), body.clone(), "bad_webhook"),
        (with("webhook-id", "msg_2").to_vec(), body.clone(), "bad_webhook"),
        (good.to_vec(), body.replace("captured", "captureD"), "bad_webhook"),
    ];
    for (headers, body, code) in table {
        assert_eq!(test.raw("/v1/webhooks/simulator", &headers, body).await.problem(401), code);
    }
    let nonsense = "{}";
    assert_eq!(
        test.raw("/v1/webhooks/simulator", &signed("msg_3", nonsense), nonsense).await.problem(400),
        "malformed_body"
    );
    assert_eq!(test.raw("/v1/webhooks/stripe", &good, body).await.problem(404), "unknown_gateway");
    test.until(&booking, "paying").await;
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_charges_once() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["A1"]).await;
    test.gateway.mute.store(true, Ordering::SeqCst);
    let lost = test.post(&payments(&booking), "p", json!({})).await;
    assert_eq!(lost.problem(503), "payment_unknown");
    assert_eq!(test.until(&booking, "paying").await["payment"], Value::Null);
    test.gateway.mute.store(false, Ordering::SeqCst);
    let payment = test.post(&payments(&booking), "p", json!({})).await.expect(201);
    assert_eq!(test.post(&payments(&booking), "p", json!({})).await.expect(201), payment);
    let other_body = test.post(&payments(&booking), "p", json!({ "gateway": "another" })).await;
    assert_eq!(other_body.problem(422), "idempotency_key_reused");
    assert_eq!(
        test.post(&payments(&booking), "second tab", json!({})).await.expect(201)["payment"],
        payment["payment"]
    );
    assert_eq!(test.gateway.payments().len(), 1);
    test.gateway.decide("captured");
    test.until(&booking, "booked").await;
}

#[tokio::test]
async fn after_a_decline_the_customer_pays_again() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["A1"]).await;
    test.pay(&booking).await;
    test.gateway.decide("declined");
    let back = test.until(&booking, "awaiting_payment").await;
    assert_eq!(back["payment"]["state"], "declined");
    test.pay(&booking).await;
    test.gateway.decide("captured");
    test.until(&booking, "booked").await;
    assert_eq!(test.gateway.payments().len(), 2);
}

#[tokio::test]
async fn late_money_takes_the_seats_again_where_they_are_free() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["A1"]).await;
    test.pay(&booking).await;
    test.gateway.decide("expired");
    test.until(&booking, "expired").await;
    test.gateway.force("state", "captured".into());
    let body = notice(&test.gateway.payments()[0]);
    test.raw("/v1/webhooks/simulator", &signed("late", &body), body.clone()).await;
    let booked = test.until(&booking, "booked").await;
    assert_eq!(booked["tickets"][0]["seat"], "A1");
}

#[tokio::test]
async fn late_money_for_seats_that_are_gone_goes_back() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["A1"]).await;
    test.pay(&booking).await;
    test.gateway.decide("expired");
    test.until(&booking, "expired").await;
    let holds = format!("/v1/shows/{show}/holds");
    test.post(&holds, "other", json!({ "seats": ["A1"] })).await.expect(201);
    test.gateway.force("state", "captured".into());
    let body = notice(&test.gateway.payments()[0]);
    test.raw("/v1/webhooks/simulator", &signed("late", &body), body.clone()).await;
    let refunded = test.until(&booking, "refunded").await;
    assert_eq!(
        (refunded["payment"]["state"].as_str(), refunded["tickets"].as_array().map(Vec::len)),
        (Some("refunded"), Some(0))
    );
    assert_eq!(test.gateway.refunds()[0]["amount"]["minor"], 15_000);
}

#[tokio::test]
async fn wrong_money_buys_no_ticket_and_is_listed() {
    let table = [
        ("amount", json!({ "minor": 1, "currency": "INR" })),
        ("amount", json!({ "minor": 15_000, "currency": "USD" })),
        ("reference", json!("another booking")),
    ];
    for (member, value) in table {
        let test = TestCentral::start().await;
        let show = test.show("Pune", "Sholay").await;
        let booking = test.book(&show, &["A1"]).await;
        test.pay(&booking).await;
        test.gateway.force(member, value.clone());
        test.gateway.decide("captured");
        let ended = test.until(&booking, "refunded").await;
        assert_eq!(ended["tickets"], json!([]), "{value}");
        let listed = test.as_operator("/v1/discrepancies").await.expect(200);
        assert_eq!(listed["discrepancies"][0]["kind"], "payment_mismatch", "{value}");
        let map = test.get(&format!("/v1/shows/{show}/seats")).await.expect(200);
        assert_eq!(map["counts"].get("sold"), None, "{value}");
    }
}

#[tokio::test]
async fn a_silent_gateway_keeps_the_payment_unknown_and_is_asked_until_it_speaks() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["A1"]).await;
    test.pay(&booking).await;
    test.gateway.mute.store(true, Ordering::SeqCst);
    test.gateway.decide("captured");
    tokio::time::sleep(Duration::from_millis(600)).await;
    test.until(&booking, "paying").await;
    test.gateway.mute.store(false, Ordering::SeqCst);
    test.until(&booking, "booked").await;
}

#[tokio::test]
async fn at_its_deadline_a_payment_is_ended_and_the_seats_are_free() {
    let test = TestCentral::start_with(|config| config.payable_s = 1).await;
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["A1"]).await;
    test.pay(&booking).await;
    test.until(&booking, "expired").await;
    assert_eq!(test.gateway.payments()[0]["state"], "expired");
    test.post(&format!("/v1/shows/{show}/holds"), "k", json!({ "seats": ["A1"] })).await.expect(201);
}

#[tokio::test]
async fn a_gateway_that_stays_silent_is_given_up_and_its_late_money_still_counts() {
    let test = TestCentral::start_with(|config| (config.payable_s, config.payment_grace_s) = (1, 1)).await;
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["A1"]).await;
    test.pay(&booking).await;
    test.gateway.mute.store(true, Ordering::SeqCst);
    test.gateway.decide("captured");
    test.until(&booking, "expired").await;
    test.gateway.mute.store(false, Ordering::SeqCst);
    test.until(&booking, "booked").await;
    assert!(test.gateway.refunds().is_empty());
}

#[tokio::test]
async fn money_for_a_theatre_that_stays_closed_goes_back_when_its_time_is_over() {
    let mut test = TestCentral::start_with(|config| (config.payable_s, config.payment_grace_s) = (3, 1)).await;
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["A1"]).await;
    test.pay(&booking).await;
    test.stop().await;
    test.set_closed(Some("head_unproven"));
    test.gateway.decide("captured");
    test.start_again().await;
    assert_eq!(test.get("/v1/theatres/1/link").await.expect(200)["closed"], "head_unproven");
    test.until(&booking, "expired").await;
    let refunded = test.until(&booking, "refunded").await;
    assert_eq!((&refunded["tickets"], test.gateway.refunds().len()), (&json!([]), 1));
}

#[tokio::test]
async fn captured_money_of_no_amount_is_listed_once() {
    let test = TestCentral::start_with(|config| config.payment_poll_ms = 50).await;
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["A1"]).await;
    test.pay(&booking).await;
    test.gateway.force("amount", json!({ "minor": 0, "currency": "INR" }));
    test.gateway.decide("captured");
    test.until(&booking, "expired").await;
    tokio::time::sleep(Duration::from_millis(5_500)).await;
    let listed = test.as_operator("/v1/discrepancies").await.expect(200);
    assert_eq!(listed["discrepancies"].as_array().map(Vec::len), Some(1), "{listed}");
    assert!(test.gateway.refunds().is_empty());
}

#[tokio::test]
async fn a_gateway_that_does_not_know_a_refund_yet_has_not_refused_it() {
    let test = TestCentral::start_with(|config| config.payment_poll_ms = 100).await;
    test.gateway.hides_refunds.store(true, Ordering::SeqCst);
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["A1"]).await;
    test.pay(&booking).await;
    test.gateway.decide("expired");
    test.until(&booking, "expired").await;
    test.post(&format!("/v1/shows/{show}/holds"), "other", json!({ "seats": ["A1"] })).await.expect(201);
    test.gateway.force("state", "captured".into());
    let body = notice(&test.gateway.payments()[0]);
    test.raw("/v1/webhooks/simulator", &signed("late", &body), body.clone()).await;
    for _ in 0..200 {
        if test.gateway.hid.load(Ordering::SeqCst) > 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(test.gateway.hid.load(Ordering::SeqCst) > 1, "it is not asked again");
    test.gateway.hides_refunds.store(false, Ordering::SeqCst);
    test.until(&booking, "refunded").await;
    let listed = test.as_operator("/v1/discrepancies?settled=true").await.expect(200);
    assert_eq!(listed["discrepancies"], json!([]), "nobody pays back by hand what the gateway pays back");
}
