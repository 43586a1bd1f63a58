//! Bookings, tickets and cancellations.

use crate::server::{TestCentral, now};
use serde_json::{Value, json};
use shared::ids::{Side, TheatreId};
use shared::keys::{KeyRing, PublicKey};
use shared::ticket::TicketCode;

fn id(booking: &Value) -> &str {
    booking["booking"].as_str().expect("id")
}

/// The keys of Pune's theatre as its box was given them.
fn ring(test: &TestCentral) -> KeyRing {
    let file = test.join_file();
    let text = |member: &str| file[member].as_str().expect("text").to_owned();
    let root = PublicKey::from_hex(&text("root_key")).expect("root");
    let mut ring = KeyRing::new(root, TheatreId(1));
    ring.add(&text("central_certificate")).expect("certificate");
    ring
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_finds_a_customers_bookings_by_contact() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Don").await;
    let (first, second) = (test.book(&show, &["A1"]).await, test.book(&show, &["A2"]).await);
    let found = test.as_operator("/v1/bookings?email=GUEST@example.org").await.expect(200);
    let codes: Vec<_> = found["bookings"].as_array().expect("a list").iter().map(|booking| &booking["code"]).collect();
    assert_eq!(codes.len(), 2, "{found}");
    assert!(codes.contains(&&first["code"]) && codes.contains(&&second["code"]), "{found}");
    let nobody = test.as_operator("/v1/bookings?phone=9876543210").await.expect(200);
    assert_eq!(nobody["bookings"], serde_json::json!([]));
    assert_eq!(test.as_operator("/v1/bookings").await.problem(422), "bad_contact");
    assert_eq!(test.as_operator("/v1/bookings?name=guest").await.problem(400), "bad_query");
    assert_eq!(test.get("/v1/bookings?email=guest@example.org").await.problem(401), "wrong_operator_token");
}

#[tokio::test]
async fn a_paid_booking_has_tickets_that_verify() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["C1", "C2"]).await;
    assert_eq!(
        (booking["state"].as_str(), booking["code"].as_str().map(str::len)),
        (Some("awaiting_payment"), Some(8))
    );
    assert_eq!(booking["total"]["minor"], 44_000);
    let payment = test.pay(&booking).await;
    assert_eq!(payment["state"], "created");
    assert_eq!(test.until(&booking, "paying").await["payment"]["pay_url"], payment["pay_url"]);
    test.gateway.decide("captured");
    let booked = test.until(&booking, "booked").await;
    assert_eq!(booked["tickets"].as_array().map(Vec::len), Some(2));
    let path = format!("/v1/bookings/{}/tickets", id(&booking));
    let tickets = test.get(&path).await.expect(200);
    assert_eq!(test.get(&path).await.expect(200), tickets, "the same text at every reading");
    let ring = ring(&test);
    for ticket in tickets["tickets"].as_array().expect("tickets") {
        let code = ticket["code"].as_str().expect("code");
        let verified = TicketCode::parse(code).expect("a code").verify(&ring, now()).expect("verifies");
        assert_eq!(
            (verified.body.seat().as_str(), verified.side),
            (ticket["seat"].as_str().expect("seat"), Side::Central)
        );
        let picture = test.get(ticket["svg"].as_str().expect("svg")).await;
        assert_eq!(
            (picture.status.as_u16(), &picture.headers["content-type"].to_str().expect("text")),
            (200, &"image/svg+xml")
        );
    }
    let document = test.get(&format!("{path}.pdf")).await;
    let kind = document.headers["content-type"].to_str().expect("text");
    assert_eq!((document.status.as_u16(), kind), (200, "application/pdf"));
    assert_eq!(test.get(&format!("{path}/A9.svg")).await.problem(404), "unknown_ticket");
    let map = test.get(&format!("/v1/shows/{show}/seats")).await.expect(200);
    assert_eq!(map["counts"]["sold"], 2);
}

#[tokio::test]
async fn a_free_booking_is_booked_at_once() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Don").await;
    let booking = test.book(&show, &["A1"]).await;
    assert_eq!(booking["state"], "booked");
    assert_eq!(booking["tickets"][0]["state"], "live");
}

#[tokio::test]
async fn a_booking_is_made_once_and_bad_ones_are_problems() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let hold = test.post(&format!("/v1/shows/{show}/holds"), "k", json!({ "seats": ["A1"] })).await.expect(201);
    let request = |contact: Value| json!({ "hold": hold["hold"], "contact": contact });
    let email = || json!({ "email": "guest@example.org" });
    for (contact, status, code) in [
        (json!({}), 422, "bad_contact"),
        (json!({ "email": "nobody" }), 422, "bad_contact"),
        (json!({ "email": "a@b.in", "phone": "9876543210" }), 422, "bad_contact"),
        (json!({ "pigeon": "x" }), 422, "unprocessable_body"),
    ] {
        assert_eq!(test.post("/v1/bookings", "b", request(contact.clone())).await.problem(status), code, "{contact}");
    }
    let unknown = json!({ "hold": "00000000000000000000000000000000", "contact": email() });
    assert_eq!(test.post("/v1/bookings", "u", unknown).await.problem(404), "unknown_hold");
    let first = test.post("/v1/bookings", "b", request(email())).await.expect(201);
    assert_eq!(test.post("/v1/bookings", "b", request(email())).await.expect(201), first);
    let other = request(json!({ "phone": "9876543210" }));
    assert_eq!(test.post("/v1/bookings", "b", other).await.problem(422), "idempotency_key_reused");
    assert_eq!(test.post("/v1/bookings", "c", request(email())).await.problem(409), "hold_is_booked");
    let second = test.post(&format!("/v1/shows/{show}/holds"), "k2", json!({ "seats": ["A2"] })).await.expect(201);
    let another_hold = json!({ "hold": second["hold"], "contact": email() });
    assert_eq!(test.post("/v1/bookings", "b", another_hold).await.problem(422), "idempotency_key_reused");
}

#[tokio::test]
async fn a_cancellation_waits_while_the_box_is_away() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Don").await;
    let booking = test.book(&show, &["A1", "A2"]).await;
    let path = format!("/v1/bookings/{}/cancellation", id(&booking));
    let asked = test.raw(&path, &[], "{}").await.expect(202);
    assert_eq!(asked["state"], "cancelling");
    assert_eq!(asked["cancellation"], json!({ "state": "waiting_for_theatre", "refund": null }));
    assert_eq!(test.post(&path, "other", json!({})).await.expect(202)["state"], "cancelling");
    let link = test.get("/v1/theatres/1/link").await.expect(200);
    assert!(link["backlog"].as_u64() > Some(0), "{link}");
    let map = test.get(&format!("/v1/shows/{show}/seats")).await.expect(200);
    assert_eq!(map["counts"]["sold"], 2, "not sold again before the theatre has answered");
    let unpaid = test.book(&test.show("Pune", "Sholay").await, &["A1"]).await;
    let path = format!("/v1/bookings/{}/cancellation", id(&unpaid));
    assert_eq!(test.post(&path, "k", json!({})).await.problem(409), "not_cancellable");
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let mut test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["A1"]).await;
    test.pay(&booking).await;
    let held = test.post(&format!("/v1/shows/{show}/holds"), "h", json!({ "seats": ["A5"] })).await.expect(201);
    test.stop().await;
    test.gateway.decide("captured");
    test.start_again().await;
    test.until(&booking, "booked").await;
    let again = test.post(&format!("/v1/shows/{show}/holds"), "h", json!({ "seats": ["A5"] })).await.expect(201);
    assert_eq!(again, held, "the same answer after a restart");
    let status = test.get("/v1/status").await.expect(200);
    assert_eq!(status["theatres"][0]["theatre"]["name"], "Vijay, Camp");
    assert_eq!(status["theatres"][0]["link"]["discrepancies"], 0);
}

#[tokio::test]
async fn a_free_booking_that_a_closed_theatre_refuses_can_be_made_when_it_opens() {
    let mut test = TestCentral::start().await;
    let show = test.show("Pune", "Don").await;
    let holds = format!("/v1/shows/{show}/holds");
    let hold = test.post(&holds, "k", json!({ "seats": ["A1"] })).await.expect(201);
    let request = json!({ "hold": hold["hold"], "contact": { "email": "guest@example.org" } });
    test.stop().await;
    test.set_closed(Some("head_unproven"));
    test.start_again().await;
    assert_eq!(test.post("/v1/bookings", "b", request.clone()).await.problem(503), "closed");
    test.stop().await;
    test.set_closed(None);
    test.start_again().await;
    assert_eq!(test.post("/v1/bookings", "b", request).await.expect(201)["state"], "booked");
}

#[tokio::test]
async fn a_booking_is_found_by_code_and_contact_and_by_neither_alone() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Don").await;
    let booking = test.book(&show, &["A1"]).await;
    let code = booking["code"].as_str().expect("code").to_lowercase();
    let code = format!("{} {}", &code[..4], &code[4..]);
    let ask = |code: &str, contact: Value| json!({ "code": code, "contact": contact }).to_string();
    let path = "/v1/bookings/lookup";
    let found = test.raw(path, &[], ask(&code, json!({ "email": "Guest@Example.org" }))).await.expect(200);
    assert_eq!(found, json!({ "booking": booking["booking"] }));
    for (code, contact) in [
        (code.as_str(), json!({ "email": "another@example.org" })),
        (code.as_str(), json!({ "phone": "9876543210" })),
        ("22222222", json!({ "email": "guest@example.org" })),
        ("", json!({ "email": "guest@example.org" })),
    ] {
        assert_eq!(test.raw(path, &[], ask(code, contact)).await.problem(404), "unknown_booking");
    }
    assert_eq!(test.raw(path, &[], ask(&code, json!({ "email": "nobody" }))).await.problem(422), "bad_contact");
    assert_eq!(test.raw(path, &[], "{}").await.problem(422), "unprocessable_body");
}
