//! What operators settle and override.

use crate::ON_POSTGRES;
use crate::edge::{Habit, plug_in};
use crate::server::{OPERATOR_TOKEN, TestCentral, now};
use central::fleet::enrolment::{Issuing, JoinRequest};
use central::fleet::keys::KeyStore;
use serde_json::{Value, json};
use shared::ids::{KeyId, ScreenId, ShowNumber, TheatreId, TicketId};
use shared::keys::{PublicKey, SecretKey};
use shared::ticket::{RowLabel, TicketBody};
use std::time::Duration;

async fn ask(test: &TestCentral, path: &str, body: Value) -> crate::server::Answer {
    test.raw(path, &[("authorization", format!("Bearer {OPERATOR_TOKEN}"))], body.to_string()).await
}

fn two() -> Value {
    json!({ "persons": ["first person", "second person"] })
}

#[tokio::test]
async fn without_the_operator_token_nothing_is_listed_or_settled() {
    let test = TestCentral::start_with(|config| config.operator_token.clear()).await;
    let body = json!({ "by": "a person", "how": "looked" }).to_string();
    let path = "/v1/discrepancies/1/settlement";
    assert_eq!(test.raw(path, &[], body.clone()).await.problem(403), "no_operator_token");
    let test = TestCentral::start().await;
    for path in ["/v1/discrepancies", "/v1/dead-letters"] {
        assert_eq!(test.get(path).await.problem(401), "wrong_operator_token");
    }
    assert_eq!(test.raw(path, &[], body.clone()).await.problem(401), "wrong_operator_token");
    let wrong = [("authorization", "Bearer something".to_owned())];
    assert_eq!(test.raw(path, &wrong, body).await.problem(401), "wrong_operator_token");
    assert_eq!(ask(&test, path, json!({ "by": "a", "how": "b" })).await.problem(404), "unknown_discrepancy");
    assert_eq!(ask(&test, path, json!({ "by": " ", "how": "b" })).await.problem(422), "words_missing");
}

#[tokio::test]
async fn a_discrepancy_is_settled_once_and_stays_in_the_list() {
    let mut test = TestCentral::start().await;
    test.stop().await;
    test.store.alter(
        "INSERT INTO discrepancy (theatre, booking, code, text, found_at) VALUES (1, NULL, 'payment_mismatch', 't', 5);
             INSERT INTO ledger_discrepancy (theatre, found_at, log, seq, story, kind, ours, theirs, proposed)
             VALUES (1, 6, 'edge', 3, '{}', 'fork', '{\"a\":1}', 'null', 'two_persons_open')",
    );
    test.start_again().await;
    let listed = test.as_operator("/v1/discrepancies").await.expect(200)["discrepancies"].clone();
    assert_eq!((&listed[0]["n"], &listed[0]["kind"]), (&json!("b1"), &json!("payment_mismatch")));
    assert_eq!((&listed[1]["n"], &listed[1]["proposed"]["code"]), (&json!("1"), &json!("two_persons_open")));
    assert_eq!((&listed[1]["ours"], &listed[1]["settled"]), (&json!({ "a": 1 }), &Value::Null));
    for n in ["b1", "1"] {
        let path = format!("/v1/discrepancies/{n}/settlement");
        let settled = ask(&test, &path, json!({ "by": "a person", "how": "paid back" })).await.expect(200);
        assert_eq!((&settled["settled"]["by"], &settled["settled"]["how"]), (&json!("a person"), &json!("paid back")));
        let again = ask(&test, &path, json!({ "by": "another", "how": "nothing" })).await;
        assert_eq!(again.problem(409), "already_settled");
    }
    assert_eq!(test.as_operator("/v1/discrepancies").await.expect(200)["discrepancies"], json!([]));
    let all = test.as_operator("/v1/discrepancies?settled=true").await.expect(200);
    assert_eq!(all["discrepancies"].as_array().map(Vec::len), Some(2));
    assert_eq!(all["discrepancies"][0]["settled"]["by"], "a person");
}

#[tokio::test]
async fn a_dead_letter_is_replayed_and_keeps_its_outcome() {
    let mut test = TestCentral::start().await;
    test.stop().await;
    let bytes = if ON_POSTGRES { r"'\x0102'" } else { "x'0102'" };
    test.store.alter(&format!("INSERT INTO dead_letter (theatre, at, why, bytes) VALUES (1, 5, 'bad', {bytes})"));
    test.start_again().await;
    let replayed = ask(&test, "/v1/dead-letters/1/replay", json!({})).await.expect(200);
    let listed = test.as_operator("/v1/dead-letters").await.expect(200);
    assert_eq!(listed["dead_letters"].as_array().map(Vec::len), Some(1), "a letter does not give birth to another");
    assert_eq!(listed["dead_letters"][0]["replayed"], replayed);
    assert_eq!((&listed["dead_letters"][0]["begins"], &listed["dropped"]), (&json!("0102"), &json!(0)));
    assert_eq!(ask(&test, "/v1/dead-letters/2/replay", json!({})).await.problem(404), "unknown_dead_letter");
}

#[tokio::test]
async fn two_persons_open_a_restored_theatre_and_sell_its_unknown_seats_again() {
    let mut test = TestCentral::start().await;
    test.stop().await;
    assert_eq!(test.set_up(|setup| setup.mark_restored().expect("marked")), 2);
    test.start_again().await;
    let link = test.get("/v1/theatres/1/link").await.expect(200);
    assert_eq!((&link["closed"], &link["standings"][0]["closed"]), (&json!("head_unproven"), &json!("head_unproven")));
    let one = json!({ "persons": ["alone", "Alone"] });
    assert_eq!(ask(&test, "/v1/theatres/1/open", one).await.problem(422), "unprocessable_body");
    let opened = ask(&test, "/v1/theatres/1/open", two()).await.expect(200);
    assert_eq!(opened, json!({ "closed": null, "box_retired": false }));
    assert_eq!(ask(&test, "/v1/theatres/1/open", two()).await.problem(409), "not_closed");
    let show = test.show("Pune", "Sholay").await;
    let hold = format!("/v1/shows/{show}/holds");
    assert_eq!(test.post(&hold, "k", json!({ "seats": ["A1"] })).await.problem(409), "seat_unknown");
    let settled = ask(&test, "/v1/theatres/1/unknown", two()).await.expect(200);
    assert!(settled["seats"].as_u64() > Some(20), "{settled}");
    test.post(&hold, "k2", json!({ "seats": ["A1"] })).await.expect(201);
    assert_eq!(test.store.number("SELECT count(*) FROM override WHERE theatre = 1"), 2);
}

#[tokio::test]
async fn a_retired_box_gives_its_seats_to_central_and_a_new_box_takes_its_place() {
    let mut test = TestCentral::start().await;
    let edge = plug_in(&test, Habit::AnswersVoids).await;
    edge.trigger();
    let number = test.show("Pune", "Sholay").await.split_once('-').expect("id").1.parse::<u32>().expect("number");
    let taking = json!({ "show": number, "persons": ["first", "second"] });
    assert_eq!(ask(&test, "/v1/theatres/1/box/take", taking.clone()).await.problem(403), "not_the_seller");
    let stands = ask(&test, "/v1/theatres/1/box/retire", two()).await.expect(200);
    assert_eq!(stands, json!({ "closed": null, "box_retired": true }));
    assert_eq!(ask(&test, "/v1/theatres/1/box/retire", two()).await.problem(409), "already_retired");
    assert_eq!(ask(&test, "/v1/theatres/2/box/retire", two()).await.problem(404), "no_box");
    let taken = ask(&test, "/v1/theatres/1/box/take", taking).await.expect(200);
    assert!(taken["seats"].as_u64() > Some(0), "{taken}");
    tokio::time::sleep(Duration::from_millis(50)).await;
    test.stop().await;
    let (keys, stolen) = (KeyStore::at(&test.config.keys), test.edge_key.public());
    test.set_up(|setup| {
        let theatre = setup.theatre("1").expect("theatre");
        let request = |key: PublicKey| JoinRequest { format: 1, public_key: key.to_hex() };
        let old = setup.enrol(&theatre, &request(stolen), Issuing::Kept, &keys);
        assert!(format!("{:#}", old.expect_err("revoked")).contains("revoked"));
        let new = SecretKey::from_seed(&[8; 32]);
        assert!(setup.enrol(&theatre, &request(new.public()), Issuing::Kept, &keys).expect("enrolled").replacement);
    });
    test.start_again().await;
    assert_eq!(test.get("/v1/theatres/1/link").await.expect(200)["box_retired"], false);
}

#[tokio::test]
async fn two_persons_revoke_a_stolen_key_once_another_one_signs() {
    let mut test = TestCentral::start().await;
    let keys = KeyStore::at(&test.config.keys);
    let (old_box, old_central) = (test.edge_key.key_id(), keys.issuing(TheatreId(1)).expect("key").key_id());
    let path = |key: KeyId| format!("/v1/theatres/1/keys/{key}/revocation");
    for key in [old_box, old_central] {
        assert_eq!(ask(&test, &path(key), two()).await.problem(409), "key_in_use");
    }
    assert_eq!(ask(&test, &path(KeyId([0; 4])), two()).await.problem(404), "unknown_key");
    assert_eq!(ask(&test, "/v1/theatres/1/keys/x/revocation", two()).await.problem(404), "unknown_key");
    test.stop().await;
    let new_box = SecretKey::from_seed(&[8; 32]);
    let request = JoinRequest { format: 1, public_key: new_box.public().to_hex() };
    test.set_up(|setup| {
        let theatre = setup.theatre("1").expect("theatre");
        assert!(!setup.enrol(&theatre, &request, Issuing::New, &keys).expect("enrolled").replacement);
    });
    test.edge_key = new_box;
    test.start_again().await;
    for key in [old_box, old_central, old_central] {
        ask(&test, &path(key), two()).await.expect(200);
    }
    let mut expected = vec![old_box.to_string(), old_central.to_string()];
    expected.sort();
    let revoked = ask(&test, &path(old_box), two()).await.expect(200);
    assert_eq!(revoked, json!({ "revoked_keys": expected }));
    let link = test.get("/v1/theatres/1/link").await.expect(200);
    assert_eq!(link["closed"], Value::Null, "nobody signs with them any more: {link}");
    let show = test.show("Pune", "Don").await;
    assert_eq!(test.book(&show, &["A1"]).await["state"], "booked");
}

#[tokio::test]
async fn a_cancelled_show_sells_nothing_more_and_pays_everybody_back_once() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["A1", "A2"]).await;
    test.pay(&booking).await;
    test.gateway.decide("captured");
    test.until(&booking, "booked").await;
    let unpaid = test.book(&show, &["A3"]).await;
    let path = format!("/v1/shows/{show}/cancellation");
    assert_eq!(test.raw(&path, &[], "{}").await.problem(401), "wrong_operator_token");
    assert_eq!(ask(&test, "/v1/shows/1-99999/cancellation", json!({})).await.problem(404), "unknown_show");
    let cancelled = ask(&test, &path, json!({})).await.expect(200);
    assert_eq!(cancelled, json!({ "show": show, "cancelled": true }));
    assert_eq!(ask(&test, &path, json!({})).await.problem(410), "show_cancelled");
    let hold = test.post(&format!("/v1/shows/{show}/holds"), "k", json!({ "seats": ["A5"] })).await;
    assert_eq!(hold.problem(410), "show_cancelled");
    test.until(&booking, "cancelled").await;
    test.until(&unpaid, "expired").await;
    let path = format!("/v1/bookings/{}", booking["booking"].as_str().expect("id"));
    for _ in 0..100 {
        if test.get(&path).await.expect(200)["cancellation"]["refund"]["state"] == "succeeded" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(test.get(&path).await.expect(200)["cancellation"]["refund"]["amount"]["minor"], 30_000);
    assert_eq!(test.gateway.refunds().len(), 1);
}

#[tokio::test]
async fn a_ticket_that_central_has_lost_makes_its_seat_sold_again_and_a_revoked_key_takes_two_persons() {
    let mut test = TestCentral::start().await;
    test.stop().await;
    assert_eq!(test.set_up(|setup| setup.mark_restored().expect("marked")), 2);
    test.start_again().await;
    ask(&test, "/v1/theatres/1/open", two()).await.expect(200);
    ask(&test, "/v1/theatres/1/box/retire", two()).await.expect(200);
    let show = test.show("Pune", "Sholay").await;
    let number = ShowNumber(show.split_once('-').expect("id").1.parse().expect("number"));
    let own = KeyStore::at(&test.config.keys).issuing(TheatreId(1)).expect("key");
    let code = |key: &SecretKey, row: &str, id: u8| {
        let body = TicketBody {
            ticket: TicketId([id; 8]),
            theatre: TheatreId(1),
            show: number,
            screen: ScreenId(1),
            row: RowLabel::new(row).expect("row"),
            number: 1,
            generation: 0,
            valid_from: now(),
            valid_until: now() + Duration::from_secs(3600),
        };
        body.sign(key).to_string()
    };
    let path = "/v1/theatres/1/tickets/found";
    let lost = json!({ "code": code(&own, "A", 1) });
    assert_eq!(test.raw(path, &[], lost.to_string()).await.problem(401), "wrong_operator_token");
    assert_eq!(ask(&test, "/v1/theatres/9/tickets/found", lost.clone()).await.problem(404), "unknown_theatre");
    assert_eq!(ask(&test, path, json!({ "code": "HELLO" })).await.problem(422), "malformed");
    let found = ask(&test, path, lost.clone()).await.expect(200);
    assert_eq!(found, json!({ "ticket": "0101010101010101", "show": show, "seat": "A1" }));
    assert_eq!(ask(&test, path, lost).await.problem(409), "ticket_known");
    let second = json!({ "code": code(&own, "A", 2) });
    assert_eq!(ask(&test, path, second).await.problem(409), "seat_not_unknown");
    let listed = test.as_operator("/v1/discrepancies").await.expect(200)["discrepancies"].clone();
    let kinds: Vec<_> = listed.as_array().expect("list").iter().map(|found| &found["kind"]).collect();
    assert!(kinds.contains(&&json!("ticket_found_late")), "{listed}");

    let of_the_box = code(&test.edge_key, "D", 3);
    assert_eq!(ask(&test, path, json!({ "code": of_the_box })).await.problem(403), "two_persons_needed");
    let believed = json!({ "code": of_the_box, "persons": two()["persons"] });
    assert_eq!(ask(&test, path, believed).await.problem(409), "seat_elsewhere", "the next box puts it into its book");
    let claimed = json!({ "code": code(&test.edge_key, "C", 4), "persons": two()["persons"] });
    assert_eq!(ask(&test, path, claimed).await.expect(200)["seat"], "C1");
    let hold = test.post(&format!("/v1/shows/{show}/holds"), "k", json!({ "seats": ["C1"] })).await;
    assert_eq!(hold.problem(409), "seat_sold");
}
