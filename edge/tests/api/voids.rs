//! Taking back a part of a sale, all of what was asked for or nothing, and what becomes of a void that waits for the doors.

use crate::house::{House, now};
use node::zone::Zone;
use serde_json::{Value, json};

async fn admit(house: &House, door: &str, ticket: &Value) {
    let at = Zone::utc().rfc3339(now());
    let scan = json!([{"id": "1".repeat(32), "code": ticket["code"], "at": at, "door": "Door A", "local": null}]);
    let (status, verdicts) = house.post("/v1/door/scans", door, scan).await;
    assert_eq!((status, &verdicts[0]["verdict"]), (200, &json!("admit")), "{verdicts}");
}

async fn void(house: &House, token: &str, sale: &Value, body: Value) -> (u16, Value) {
    house.post(&format!("/v1/sales/{}/void", sale["sale"].as_str().unwrap()), token, body).await
}

async fn states(house: &House, token: &str, sale: &Value) -> Vec<String> {
    let (_, found) = house.get(&format!("/v1/sales?code={}", sale["code"].as_str().unwrap()), token).await;
    let tickets = found["sales"][0]["tickets"].as_array().unwrap().iter();
    tickets.map(|ticket| ticket["state"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_part_of_a_sale_is_taken_back_and_the_rest_stays_sold() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let door = house.pair("Door A").await;
    let supervisor = house.log_in("supervisor").await;
    let sale = house.sell(&show, &["A1", "A2", "A3"]).await;
    let other = house.sell(&show, &["B1"]).await;
    let of = |sale: &Value, nth: usize| sale["tickets"][nth]["ticket"].clone();
    let part = |tickets: Value| json!({"reason": "one is ill", "paper_surrendered": true, "tickets": tickets});
    for (tickets, status, code) in [
        (json!([of(&sale, 0), of(&other, 0)]), 404, "unknown_ticket"),
        (json!(["nonsense"]), 404, "unknown_ticket"),
        (json!([]), 422, "bad_seat_count"),
    ] {
        let (found, problem) = void(&house, &supervisor, &sale, part(tickets.clone())).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{tickets}");
    }
    admit(&house, &door, &sale["tickets"][2]).await;
    for body in [part(json!([of(&sale, 0), of(&sale, 2)])), json!({"reason": "x", "paper_surrendered": true})] {
        let (found, problem) = void(&house, &supervisor, &sale, body.clone()).await;
        assert_eq!((found, &problem["code"]), (409, &json!("already_admitted")), "{body}");
        assert_eq!(states(&house, &supervisor, &sale).await, ["live", "live", "admitted"], "all of it or nothing");
    }
    for _ in 0..2 {
        let voided = void(&house, &supervisor, &sale, part(json!([of(&sale, 1)]))).await;
        assert_eq!(voided, (200, json!({"state": "voided"})));
    }
    assert_eq!(states(&house, &supervisor, &sale).await, ["live", "void", "admitted"]);
    assert_eq!((house.state_of(&show, "A1").await, house.state_of(&show, "A2").await), ("sold".into(), "free".into()));
    let (_, shifts) = house.get("/v1/shifts", &supervisor).await;
    assert_eq!(shifts["shifts"][0]["tenders"][0]["net"]["minor"], json!(2 * 15_000 + 25_000), "{shifts}");
    let written = "SELECT asked_by || ' ' || reason || ' ' || outcome FROM voids";
    let written: String = house.db().query_row(written, [], |row| row.get(0)).unwrap();
    assert_eq!(written, "supervisor one is ill void", "once");
}

#[tokio::test]
async fn a_void_that_waits_is_listed_until_it_is_known_what_became_of_it() {
    let mut house = House::open().await;
    let show = house.add_show(30).await;
    let door = house.pair("Door A").await;
    let supervisor = house.log_in("supervisor").await;
    let sale = house.sell(&show, &["A1", "A2"]).await;
    let (status, view) = void(&house, &supervisor, &sale, json!({"reason": "x"})).await;
    assert_eq!((status, &view["state"]), (200, &json!("void_requested")));
    assert_eq!(states(&house, &supervisor, &sale).await, ["void_requested", "void_requested"]);
    house.stop().await;
    house.start().await;
    let waiting = async |house: &House| {
        let (_, list) = house.get("/v1/sales?list=waiting", &supervisor).await;
        list["sales"].as_array().unwrap().iter().map(|sale| sale["code"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(waiting(&house).await, [sale["code"].clone()], "over a restart too");
    // Somebody was let in while the door was alone.
    let (code, at) = (&sale["tickets"][0]["code"], Zone::utc().rfc3339(now()));
    let local = json!({"verdict": "admit", "code": "ok", "guarantee": "SOLO"});
    let scan = json!([{"id": "2".repeat(32), "code": code, "at": at, "door": "Door A", "local": local}]);
    assert_eq!(house.post("/v1/door/scans", &door, scan).await.0, 200);
    let (_, feed) = house.get("/v1/door/feed?after=", &door).await;
    let (_, feed) = house.get(&format!("/v1/door/feed?after={}", feed["cursor"].as_str().unwrap()), &door).await;
    house.get(&format!("/v1/door/feed?after={}", feed["cursor"].as_str().unwrap()), &door).await;
    assert_eq!(states(&house, &supervisor, &sale).await, ["admitted", "void"]);
    assert_eq!(waiting(&house).await, Vec::<Value>::new());
    let outcomes = "SELECT group_concat(outcome, ' ') FROM (SELECT outcome FROM voids ORDER BY ticket = ?1)";
    let used: Vec<u8> =
        house.db().query_row("SELECT ticket FROM sale_tickets WHERE seat = 'A1'", [], |row| row.get(0)).unwrap();
    let outcomes: String = house.db().query_row(outcomes, [used], |row| row.get(0)).unwrap();
    assert_eq!(outcomes, "void used");
}

#[tokio::test]
async fn money_that_is_given_back_leaves_the_drawer_of_whoever_gives_it() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (counter, supervisor) = (house.log_in("counter").await, house.log_in("supervisor").await);
    let hundreds = |count: u32| json!({"float": [{"face_minor": 10_000, "count": count}]});
    for (who, count) in [(&counter, 5), (&supervisor, 7)] {
        assert_eq!(house.post("/v1/shifts", who, hundreds(count)).await.0, 201);
    }
    let sale = house.sell(&show, &["A1"]).await;
    let body = json!({"reason": "x", "paper_surrendered": true});
    assert_eq!(void(&house, &supervisor, &sale, body).await.0, 200);
    let (_, shifts) = house.get("/v1/shifts", &house.log_in("manager").await).await;
    let cash = shifts["shifts"].as_array().unwrap().iter();
    let cash: Vec<_> = cash.map(|shift| (shift["staff"].clone(), shift["expected_cash"]["minor"].clone())).collect();
    assert_eq!(cash, [(json!("supervisor"), json!(70_000 - 15_000)), (json!("counter"), json!(50_000 + 15_000))]);
}

/// The door says that it has taken in all that the box tells it.
async fn catch_up(house: &House, door: &str) {
    let mut after = String::new();
    for _ in 0..3 {
        let (status, feed) = house.get(&format!("/v1/door/feed?after={after}"), door).await;
        assert_eq!(status, 200, "{feed}");
        after = feed["cursor"].as_str().unwrap().to_owned();
    }
}

#[tokio::test]
async fn cash_of_a_void_that_waited_leaves_the_drawer_of_whoever_hands_it_over() {
    let mut house = House::open().await;
    let show = house.add_show(30).await;
    let door = house.pair("Door A").await;
    let (counter, supervisor) = (house.log_in("counter").await, house.log_in("supervisor").await);
    let manager = house.log_in("manager").await;
    let sale = house.sell(&show, &["A1", "A2"]).await;
    assert_eq!(void(&house, &supervisor, &sale, json!({"reason": "x"})).await.1["state"], "void_requested");
    assert_eq!(
        house.get("/v1/refunds", &counter).await,
        (200, json!({"refunds": []})),
        "not before the doors have answered"
    );
    // The seller goes home, and whoever asked has no shift.
    let (_, own) = house.get("/v1/shifts", &counter).await;
    let path = format!("/v1/shifts/{}/close", own["shifts"][0]["shift"]);
    let (status, closed) = house.post(&path, &counter, json!({"counted": [{"face_minor": 10_000, "count": 3}]})).await;
    assert_eq!((status, &closed["difference"]["minor"]), (200, &json!(0)), "{closed}");
    catch_up(&house, &door).await;
    assert_eq!(states(&house, &supervisor, &sale).await, ["void", "void"]);
    assert_eq!(house.get("/v1/shifts", &manager).await.1["shifts"], json!([]), "no shift is opened for anybody");
    house.stop().await;
    house.start().await;
    let (_, listed) = house.get("/v1/refunds", &counter).await;
    let told = listed["refunds"].as_array().unwrap().iter().zip(sale["tickets"].as_array().unwrap());
    for (one, ticket) in told {
        for name in ["ticket", "seat", "serial"] {
            assert_eq!(one[name], ticket[name], "{one}");
        }
        assert_eq!(
            (&one["amount"]["minor"], &one["code"], &one["show"]["id"]),
            (&json!(15_000), &sale["code"], &json!(show))
        );
    }
    assert_eq!(listed["refunds"].as_array().unwrap().len(), 2, "over a restart too");
    let path = format!("/v1/sales/{}/prints", sale["sale"].as_str().unwrap());
    let (status, problem) = house.post(&path, &counter, json!({"documents": ["tickets"], "printer": "pdf"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("sale_void")), "a void ticket is not printed again: {problem}");

    let one = json!({"tickets": [sale["tickets"][0]["ticket"]]});
    let mixed = json!({"tickets": [sale["tickets"][0]["ticket"], "0000000000000001"]});
    let (status, problem) = house.post("/v1/refunds", &manager, mixed).await;
    assert_eq!((status, &problem["code"]), (404, &json!("unknown_refund")), "all of it or nothing");
    for _ in 0..2 {
        let given = house.post_under("the key", "/v1/refunds", &manager, &one).await;
        assert_eq!(given, (200, json!({"given": {"minor": 15_000, "currency": "INR"}})), "once, and answered alike");
    }
    let (status, problem) = house.post("/v1/refunds", &counter, one).await;
    assert_eq!((status, &problem["code"]), (409, &json!("already_given_back")));
    assert_eq!(problem["detail"], "manager has given this back already.");
    let rest = &sale["tickets"][1]["ticket"];
    let given = house.post("/v1/refunds", &supervisor, json!({"tickets": [rest, rest]})).await;
    assert_eq!(
        given,
        (200, json!({"given": {"minor": 15_000, "currency": "INR"}})),
        "one that is named twice goes back once"
    );
    let seen = house.get("/v1/shifts", &manager).await.1;
    let voided = |shift: &Value| (shift["staff"].clone(), shift["tenders"][0]["voided"].clone());
    let seen: Vec<_> = seen["shifts"].as_array().unwrap().iter().map(voided).collect();
    assert_eq!(seen, [(json!("supervisor"), json!(1)), (json!("manager"), json!(1))]);
    assert_eq!(house.get("/v1/refunds", &counter).await.1["refunds"], json!([]));
    assert_eq!(house.get("/v1/till/check", &manager).await.1["tampered"], Value::Null);
    let (_, told) = house.get("/v1/answered-for", &supervisor).await;
    let told = told["answered"].as_array().unwrap().iter().filter(|one| one["what"] == "refunded");
    assert_eq!(told.map(|one| one["staff"].clone()).collect::<Vec<_>>(), ["supervisor", "manager"]);
}

#[tokio::test]
async fn what_was_paid_by_card_or_upi_or_given_away_goes_back_in_the_shift_of_whoever_says_so() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let door = house.pair("Door A").await;
    let (counter, supervisor) = (house.log_in("counter").await, house.log_in("supervisor").await);
    let manager = house.log_in("manager").await;
    let shifts = async || {
        let (_, shifts) = house.get("/v1/shifts", &supervisor).await;
        let told = shifts["shifts"].as_array().unwrap().iter().map(|shift| {
            let tenders = shift["tenders"].as_array().unwrap().iter();
            let voided: Vec<_> = tenders.map(|one| one["voided"].as_u64().unwrap()).collect();
            (shift["staff"].as_str().unwrap().to_owned(), voided, shift["expected_cash"]["minor"].as_i64())
        });
        told.collect::<Vec<_>>()
    };
    let none = ("counter".to_owned(), vec![0, 0, 0, 0], Some(0));
    for (seat, tender, given, voided) in [
        ("A1", "card", 15_000, [0, 1, 0, 0]),
        ("A2", "upi", 15_000, [0, 1, 1, 0]),
        ("A3", "complimentary", 0, [0, 1, 1, 1]),
    ] {
        let by = json!({"staff": "supervisor", "pin": crate::house::PIN});
        let mut sale = json!({"seats": [seat], "tender": tender});
        if tender == "complimentary" {
            sale["reason"] = json!("press");
            sale["approved_by"] = by;
        }
        let (status, sale) = house.post(&format!("/v1/shows/{show}/sales"), &counter, sale).await;
        assert_eq!(status, 201, "{sale}");
        assert_eq!(void(&house, &supervisor, &sale, json!({"reason": "x"})).await.1["state"], "void_requested");
        let before = shifts().await;
        catch_up(&house, &door).await;
        assert_eq!(states(&house, &supervisor, &sale).await, ["void"], "{tender}");
        assert_eq!(shifts().await, before, "{tender}: nothing has gone back, and no shift is opened for whoever asked");
        let (_, listed) = house.get("/v1/refunds", &counter).await;
        let listed = listed["refunds"].as_array().unwrap();
        assert_eq!(
            (listed.len(), &listed[0]["tender"], &listed[0]["amount"]["minor"]),
            (1, &json!(tender), &json!(given))
        );
        let (_, day) = house.get("/v1/day", &supervisor).await;
        let told = &day["shows"][0];
        assert_eq!((&told["counter"]["minor"], &told["given_away"]), (&json!(0), &json!(0)), "{tender}: {told}");
        let back = json!({"tickets": [sale["tickets"][0]["ticket"]]});
        let answer = house.post("/v1/refunds", &manager, back).await;
        assert_eq!(answer, (200, json!({"given": {"minor": given, "currency": "INR"}})), "{tender}");
        assert_eq!(shifts().await, [("manager".to_owned(), voided.to_vec(), Some(0)), none.clone()], "{tender}");
        assert_eq!(house.get("/v1/refunds", &counter).await.1["refunds"], json!([]));
        assert_eq!(house.get("/v1/till/check", &manager).await.1["tampered"], Value::Null, "{tender}");
    }
}

#[tokio::test]
async fn a_day_tells_who_did_what_and_who_allowed_it() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (counter, supervisor) = (house.log_in("counter").await, house.log_in("supervisor").await);
    let by = json!({"staff": "supervisor", "pin": crate::house::PIN});
    let free = json!({"seats": ["A1"], "tender": "complimentary", "reason": "press", "approved_by": by});
    let (_, given) = house.post(&format!("/v1/shows/{show}/sales"), &counter, free).await;
    let sale = house.sell(&show, &["A2"]).await;
    let path = format!("/v1/sales/{}/prints", sale["sale"].as_str().unwrap());
    for second in [Value::Null, by.clone()] {
        let body = json!({"documents": ["tickets"], "printer": "pdf", "second": second});
        assert_eq!(house.post(&path, &counter, body).await.0, 200);
    }
    let kept = json!({"seats": ["B1", "B2"], "withheld": true});
    assert_eq!(house.post(&format!("/v1/shows/{show}/withheld"), &supervisor, kept).await.0, 200);
    let body = json!({"reason": "wrong film", "paper_surrendered": true, "approved_by": by});
    assert_eq!(void(&house, &counter, &sale, body).await.0, 200);
    let (status, told) = house.get("/v1/answered-for", &supervisor).await;
    assert_eq!(status, 200, "{told}");
    let told = told["answered"].as_array().unwrap().iter();
    let told: Vec<_> = told
        .map(|one| {
            ["what", "staff", "second", "about", "reason"]
                .map(|name| one[name].as_str().unwrap_or("-").to_owned())
                .join(" ")
        })
        .collect();
    let (sale, given) = (sale["code"].as_str().unwrap(), given["code"].as_str().unwrap());
    assert_eq!(
        told,
        [
            format!("void counter supervisor {sale} A2 wrong film"),
            "withheld supervisor - B1 B2 -".to_owned(),
            format!("duplicate counter supervisor {sale} tickets 1 -"),
            format!("given_away counter supervisor {given} A1 press"),
        ]
    );
    assert_eq!(house.get("/v1/answered-for?date=2020-01-01", &supervisor).await.1["answered"], json!([]));
    let (status, problem) = house.get("/v1/answered-for?date=x", &supervisor).await;
    assert_eq!((status, &problem["code"]), (400, &json!("bad_date")));
}
