//! Payments that the box cannot see, tickets that are given away, and voids that a cashier asks for.

use crate::house::{House, PIN};
use serde_json::{Value, json};

async fn sell(house: &House, token: &str, show: &str, sale: Value) -> (u16, Value) {
    house.post(&format!("/v1/shows/{show}/sales"), token, sale).await
}

async fn to_verify(house: &House) -> u64 {
    house.get("/v1/status", "").await.1["slips"].as_u64().unwrap()
}

#[tokio::test]
async fn a_card_payment_is_recorded_and_waits_until_somebody_has_compared_it_with_the_banks_list() {
    let mut house = House::open().await;
    let show = house.add_show(30).await;
    let (counter, supervisor) = (house.log_in("counter").await, house.log_in("supervisor").await);
    let slip = json!({"digits": "4242", "approval": "a1b2c3"});
    let (status, card) = sell(&house, &counter, &show, json!({"seats": ["A1"], "tender": "card", "slip": slip})).await;
    assert_eq!((status, &card["tender"]), (201, &json!("card")), "{card}");
    let (status, upi) = sell(&house, &counter, &show, json!({"seats": ["A2"], "tender": "upi"})).await;
    assert_eq!(status, 201, "{upi}");
    sell(&house, &counter, &show, json!({"seats": ["A3"], "tender": "cash"})).await;
    assert_eq!(to_verify(&house).await, 2);
    house.stop().await;
    house.start().await;
    assert_eq!(to_verify(&house).await, 2, "a start forgets none");

    let (_, listed) = house.get("/v1/slips", &supervisor).await;
    let told = |n: usize, name: &str| listed["slips"][n][name].clone();
    assert_eq!((listed["open"].clone(), listed["slips"].as_array().unwrap().len()), (json!(2), 2), "{listed}");
    assert_eq!(
        (told(0, "digits"), told(0, "approval"), told(1, "tender")),
        (json!("4242"), json!("A1B2C3"), json!("upi"))
    );
    assert_eq!(told(0, "total"), json!({"minor": 15_000, "currency": "INR"}));

    let settle =
        |sales: Vec<&Value>, outcome: &str, note: &str| json!({"sales": sales, "outcome": outcome, "note": note});
    for (body, status, code) in [
        (settle(vec![], "paid", ""), 422, "bad_settlement"),
        (settle(vec![&upi["sale"]], "missing", " "), 422, "bad_settlement"),
        (settle(vec![&json!("0".repeat(32)), &card["sale"]], "paid", ""), 404, "unknown_slip"),
        (settle(vec![&json!("x")], "paid", ""), 404, "unknown_slip"),
    ] {
        let (found, problem) = house.post("/v1/slips/settlement", &supervisor, body).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{problem}");
    }
    assert_eq!(to_verify(&house).await, 2, "a refused settlement settles nothing");
    let (_, done) = house.post("/v1/slips/settlement", &supervisor, settle(vec![&card["sale"]], "paid", "")).await;
    assert_eq!(done, json!({"settled": 1}));
    let both = settle(vec![&card["sale"], &upi["sale"]], "missing", "asked the guest");
    let (_, done) = house.post("/v1/slips/settlement", &supervisor, both).await;
    assert_eq!(done, json!({"settled": 1}), "what was settled stays as it was");
    assert_eq!(to_verify(&house).await, 0);
}

#[tokio::test]
async fn a_bad_slip_sells_nothing() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let counter = house.log_in("counter").await;
    for sale in [
        json!({"seats": ["A1"], "tender": "card", "slip": {"digits": "12"}}),
        json!({"seats": ["A1"], "tender": "cash", "slip": {"digits": "4242"}}),
    ] {
        let (status, problem) = sell(&house, &counter, &show, sale).await;
        assert_eq!((status, &problem["code"]), (422, &json!("bad_slip")));
    }
    assert_eq!(house.state_of(&show, "A1").await, "free");
}

#[tokio::test]
async fn a_guest_pays_held_seats_by_a_code_that_the_box_draws_itself() {
    let mut house = House::open().await;
    let show = house.add_show(30).await;
    let counter = house.log_in("counter").await;
    let hold = async |house: &House, seat: &str| {
        let (_, held) = house.post(&format!("/v1/shows/{show}/holds"), &counter, json!({"seats": [seat]})).await;
        format!("/v1/holds/{}/upi.svg", held["hold"].as_str().unwrap())
    };
    let (status, problem) = house.get(&hold(&house, "A1").await, &counter).await;
    assert_eq!((status, &problem["code"]), (404, &json!("upi_not_set")));
    house.stop().await;
    house.upi = "rex.cinema@bank".into();
    house.start().await;
    let path = hold(&house, "A2").await;
    let picture = house.client.get(house.url(&path)).bearer_auth(&counter).send().await.unwrap();
    assert_eq!(picture.headers()["content-type"], "image/svg+xml");
    assert!(picture.text().await.unwrap().contains("<svg"));
    let (status, problem) = house.get(&format!("/v1/holds/{}/upi.svg", "0".repeat(32)), &counter).await;
    assert_eq!((status, &problem["code"]), (404, &json!("unknown_hold")));
}

#[tokio::test]
async fn tickets_are_given_away_with_a_supervisors_pin_a_reason_and_a_limit() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (counter, supervisor) = (house.log_in("counter").await, house.log_in("supervisor").await);
    let free = |seats: &[&str], reason: &str, by: Option<(&str, &str)>| {
        let by = by.map(|(staff, pin)| json!({"staff": staff, "pin": pin}));
        json!({"seats": seats, "tender": "complimentary", "reason": reason, "approved_by": by})
    };
    for (sale, status, code) in [
        (free(&["A1"], "press", None), 403, "approval_required"),
        (free(&["A1"], "press", Some(("door", PIN))), 403, "role_not_allowed"),
        (free(&["A1"], "press", Some(("supervisor", "0000"))), 401, "wrong_pin"),
        (free(&["A1"], " ", Some(("supervisor", PIN))), 422, "bad_reason"),
        (free(&["A1", "A2", "A3", "A4"], "press", Some(("supervisor", PIN))), 409, "complimentary_limit"),
    ] {
        let (found, problem) = sell(&house, &counter, &show, sale).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{problem}");
    }
    assert_eq!(house.state_of(&show, "A1").await, "free");
    let (status, given) = sell(&house, &counter, &show, free(&["A1", "A2"], "press", Some(("supervisor", PIN)))).await;
    assert_eq!((status, &given["change"]), (201, &Value::Null), "{given}");
    assert_eq!(
        (&given["total"]["minor"], &given["lines"][0]["price"]["minor"]),
        (&json!(0), &json!(0)),
        "nothing is paid"
    );
    let snapshot = node::ledger_store::load(&house.db(), shared::ids::TheatreId(12), shared::ids::Side::Edge).unwrap();
    let prices = snapshot.ledger.tickets.iter().filter_map(|ticket| ticket.sale).map(|sale| sale.price);
    assert_eq!(prices.collect::<Vec<_>>(), [0, 0], "and the log tells central so");
    let (status, problem) = sell(&house, &supervisor, &show, free(&["A3", "A4"], "press", None)).await;
    assert_eq!((status, &problem["left"]), (409, &json!(1)), "{problem}");
    let (status, own) = sell(&house, &supervisor, &show, free(&["A3"], "press", None)).await;
    assert_eq!(status, 201, "a supervisor gives away alone: {own}");
    let both =
        "SELECT s.staff || ' ' || c.approved_by || ' ' || c.reason FROM complimentary c JOIN sales s USING (sale)
                ORDER BY s.sold_at LIMIT 1";
    let both: String = house.db().query_row(both, [], |row| row.get(0)).unwrap();
    assert_eq!(both, "counter supervisor press");

    // What is given back may be given again, and none of it was ever in the drawer.
    let void = json!({"reason": "not coming", "paper_surrendered": true});
    let path = format!("/v1/sales/{}/void", given["sale"].as_str().unwrap());
    assert_eq!(house.post(&path, &supervisor, void).await.0, 200);
    let (status, again) = sell(&house, &supervisor, &show, free(&["A1", "A2"], "press", None)).await;
    assert_eq!(status, 201, "{again}");
    let (_, shifts) = house.get("/v1/shifts", &house.log_in("manager").await).await;
    for shift in shifts["shifts"].as_array().unwrap() {
        assert_eq!(shift["expected_cash"]["minor"], json!(0), "{shift}");
    }
}

#[tokio::test]
async fn a_cashier_voids_with_a_supervisors_pin_and_both_are_written_down() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let counter = house.log_in("counter").await;
    let (_, sold) = sell(&house, &counter, &show, json!({"seats": ["A1"], "tender": "cash"})).await;
    let path = format!("/v1/sales/{}/void", sold["sale"].as_str().unwrap());
    let void = |by: Value| json!({"reason": "wrong film", "paper_surrendered": true, "approved_by": by});
    for (by, status, code) in [
        (Value::Null, 403, "approval_required"),
        (json!({"staff": "supervisor", "pin": "0000"}), 401, "wrong_pin"),
        (json!({"staff": "counter", "pin": PIN}), 403, "role_not_allowed"),
    ] {
        let (found, problem) = house.post(&path, &counter, void(by)).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{problem}");
    }
    let (status, voided) = house.post(&path, &counter, void(json!({"staff": "supervisor", "pin": PIN}))).await;
    assert_eq!((status, &voided["state"]), (200, &json!("voided")));
    let both = "SELECT asked_by || ' ' || approved_by FROM voids";
    let both: String = house.db().query_row(both, [], |row| row.get(0)).unwrap();
    assert_eq!(both, "counter supervisor");
}

#[tokio::test]
async fn a_payment_for_seats_that_are_not_held_any_more_is_listed_as_paid_and_not_sold_until_somebody_settles_it() {
    let mut house = House::open().await;
    let show = house.add_show(60).await;
    let (counter, supervisor) = (house.log_in("counter").await, house.log_in("supervisor").await);
    let holds = format!("/v1/shows/{show}/holds");
    let (_, sold) = house.post(&holds, &counter, json!({"seats": ["A3"]})).await;
    let (_, late) = house.post(&holds, &counter, json!({"seats": ["A1", "A2"]})).await;
    let paid = |hold: &Value| json!({"hold": hold["hold"], "tender": "upi", "slip": {"digits": "123456789012"}});
    assert_eq!(sell(&house, &counter, &show, paid(&sold)).await.0, 201);
    let (_, again) = sell(&house, &counter, &show, paid(&sold)).await;
    assert_eq!((&again["code"], &again["paid_unsold"]), (&json!("unknown_hold"), &Value::Null), "it was sold: {again}");
    assert_eq!(to_verify(&house).await, 1);

    house.stop().await;
    house.turn_clock(240);
    house.start().await;
    let (_, cash) = sell(&house, &counter, &show, json!({"hold": late["hold"], "tender": "cash"})).await;
    assert_eq!(cash["paid_unsold"], Value::Null, "cash goes back over the counter: {cash}");
    for _ in 0..2 {
        let (_, refused) = sell(&house, &counter, &show, paid(&late)).await;
        assert_eq!(refused["paid_unsold"], late["hold"], "{refused}");
        assert_eq!(to_verify(&house).await, 2, "once, however often it is asked");
    }
    house.stop().await;
    house.start().await;
    assert_eq!(to_verify(&house).await, 2, "a start forgets none");

    let (_, listed) = house.get("/v1/slips", &supervisor).await;
    let slip = &listed["slips"][1];
    assert_eq!(
        (&slip["unsold"], &slip["reference"], &slip["sale"]),
        (&json!("A1 A2"), &late["hold"], &late["hold"]),
        "{listed}"
    );
    assert_eq!((&slip["total"]["minor"], &slip["digits"]), (&json!(30_000), &json!("123456789012")), "{listed}");
    let settle = |note: &str| json!({"sales": [late["hold"]], "outcome": "paid", "note": note});
    let (status, problem) = house.post("/v1/slips/settlement", &supervisor, settle("")).await;
    assert_eq!((status, &problem["code"]), (422, &json!("bad_settlement")));
    let (_, done) = house.post("/v1/slips/settlement", &supervisor, settle("paid back by UPI")).await;
    assert_eq!((done, to_verify(&house).await), (json!({"settled": 1}), 1));
    let (_, told) = house.get("/v1/answered-for", &supervisor).await;
    assert_eq!(
        (&told["answered"][0]["what"], &told["answered"][0]["about"]),
        (&json!("payment_unsold"), &json!("A1 A2"))
    );
}

#[tokio::test]
async fn a_payment_for_a_show_that_is_cancelled_meanwhile_is_listed_as_paid_and_not_sold() {
    let house = House::open().await;
    let show = house.add_show(60).await;
    let (counter, manager) = (house.log_in("counter").await, house.log_in("manager").await);
    let (_, held) = house.post(&format!("/v1/shows/{show}/holds"), &counter, json!({"seats": ["A1", "A2"]})).await;
    let cancelled = house.post(&format!("/v1/shows/{show}/cancellation"), &manager, json!({})).await;
    assert_eq!(cancelled.0, 200, "{cancelled:?}");
    let paid = json!({"hold": held["hold"], "tender": "upi", "slip": {"digits": "123456789012"}});
    for _ in 0..2 {
        let (status, refused) = sell(&house, &counter, &show, paid.clone()).await;
        assert_eq!((status, &refused["code"]), (410, &json!("show_cancelled")));
        assert_eq!((&refused["paid_unsold"], to_verify(&house).await), (&held["hold"], 1), "{refused}");
    }
}
