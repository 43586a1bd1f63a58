//! Shifts, the blind count, numbered reports, and a journal in which nothing can be changed unseen.

use crate::house::House;
use reqwest::Method;
use serde_json::{Value, json};

fn inr(minor: i64) -> Value {
    json!({"minor": minor, "currency": "INR"})
}

async fn sell(house: &House, token: &str, show: &str, seat: &str, tender: &str) -> Value {
    let sale = json!({"seats": [seat], "tender": tender});
    let (status, sold) = house.post(&format!("/v1/shows/{show}/sales"), token, sale).await;
    assert_eq!(status, 201, "{sold}");
    sold
}

#[tokio::test]
async fn a_shift_counts_float_sales_voids_and_cash_and_is_told_to_the_cashier_only_after_the_count() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (counter, manager) = (house.log_in("counter").await, house.log_in("manager").await);
    let float = json!({"float": [{"face_minor": 10_000, "count": 5}]});
    let (status, shift) = house.post("/v1/shifts", &counter, float.clone()).await;
    assert_eq!((status, &shift["float"], &shift["expected_cash"]), (201, &inr(50_000), &Value::Null), "{shift}");
    let (status, problem) = house.post("/v1/shifts", &counter, float).await;
    assert_eq!((status, &problem["code"]), (409, &json!("shift_open")));

    let back = sell(&house, &counter, &show, "A1", "cash").await;
    sell(&house, &counter, &show, "A2", "cash").await;
    sell(&house, &counter, &show, "A3", "card").await;
    let void = json!({"reason": "wrong film", "paper_surrendered": true});
    let (status, voided) =
        house.post(&format!("/v1/sales/{}/void", back["sale"].as_str().unwrap()), &manager, void).await;
    assert_eq!((status, &voided["state"]), (200, &json!("voided")), "{voided}");

    let path = format!("/v1/shifts/{}", shift["shift"]);
    let cash = |direction: &str, minor: i64, reason: &str| json!({"direction": direction, "amount": inr(minor), "reason": reason});
    let (status, _) = house.post(&format!("{path}/cash"), &counter, cash("in", 20_000, "change from the bank")).await;
    assert_eq!(status, 200);
    let (status, _) = house.post(&format!("{path}/cash"), &counter, cash("out", 3_000, "milk")).await;
    assert_eq!(status, 200);
    for (body, code) in [
        (cash("out", 0, "milk"), "bad_amount"),
        (cash("out", -5, "milk"), "bad_amount"),
        (cash("out", 5, " "), "bad_reason"),
        (json!({"direction": "in", "amount": {"minor": 5, "currency": "EUR"}, "reason": "x"}), "wrong_currency"),
    ] {
        let (status, problem) = house.post(&format!("{path}/cash"), &counter, body).await;
        assert_eq!((status, &problem["code"]), (422, &json!(code)));
    }
    // One ticket of 150 stayed sold for cash.
    let expected = inr(50_000 + 15_000 + 20_000 - 3_000);
    let (_, blind) = house.get(&path, &counter).await;
    assert_eq!((&blind["expected_cash"], &blind["tenders"][0]["net"]), (&Value::Null, &Value::Null), "{blind}");
    assert_eq!((&blind["tenders"][0]["sold"], &blind["tenders"][0]["voided"]), (&json!(2), &json!(1)));
    let (_, seen) = house.get(&path, &manager).await;
    let (_, own) = house.post("/v1/shifts", &manager, json!({"float": []})).await;
    assert_eq!(own["expected_cash"], Value::Null, "whoever will count is not told");
    assert_eq!(seen["expected_cash"], expected, "{seen}");

    let twice = json!({"counted": [{"face_minor": 100, "count": 1}, {"face_minor": 100, "count": 2}]});
    let (status, problem) = house.post(&format!("{path}/close"), &counter, twice).await;
    assert_eq!((status, &problem["code"]), (422, &json!("bad_count")));
    let counted = json!({"counted": [{"face_minor": 10_000, "count": 8}, {"face_minor": 1_000, "count": 1}]});
    let (status, z) = house.post(&format!("{path}/close"), &counter, counted.clone()).await;
    assert_eq!((status, &z["z"], &z["expected_cash"]), (200, &json!(1), &expected), "{z}");
    assert_eq!((&z["counted"], &z["difference"]), (&inr(81_000), &inr(-1_000)));
    let (status, problem) = house.post(&format!("{path}/close"), &counter, counted).await;
    assert_eq!((status, &problem["code"]), (409, &json!("shift_closed")));
    assert_eq!(house.get("/v1/z/1", &manager).await, (200, z.clone()));
    assert_eq!(house.get("/v1/z", &manager).await, (200, json!({"shifts": [z]})));
    let (status, problem) = house.get("/v1/z/2", &manager).await;
    assert_eq!((status, &problem["code"]), (404, &json!("no_shift")));
    let (status, problem) = house.get("/v1/z/1", &counter).await;
    assert_eq!((status, &problem["code"]), (403, &json!("role_not_allowed")));
}

#[tokio::test]
async fn whoever_sells_without_a_shift_gets_one_and_another_cashier_does_not_see_it() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (counter, manager) = (house.log_in("counter").await, house.log_in("manager").await);
    sell(&house, &manager, &show, "A1", "upi").await;
    assert_eq!(house.get("/v1/shifts", &counter).await, (200, json!({"shifts": []})));
    let (_, list) = house.get("/v1/shifts", &manager).await;
    assert_eq!((&list["shifts"][0]["staff"], &list["shifts"][0]["float"]), (&json!("manager"), &inr(0)), "{list}");
    let path = format!("/v1/shifts/{}", list["shifts"][0]["shift"]);
    for path in [path.as_str(), "/v1/shifts/99", "/v1/shifts/x"] {
        let (status, problem) = house.get(path, &counter).await;
        assert_eq!((status, &problem["code"]), (404, &json!("no_shift")), "{path}");
    }
}

#[tokio::test]
async fn the_reports_of_a_day_agree_with_the_shift_to_the_paisa() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (counter, manager) = (house.log_in("counter").await, house.log_in("manager").await);
    let back = sell(&house, &counter, &show, "A1", "cash").await;
    sell(&house, &counter, &show, "A2", "cash").await;
    sell(&house, &counter, &show, "B1", "card").await;
    let void = json!({"reason": "wrong film", "paper_surrendered": true});
    house.post(&format!("/v1/sales/{}/void", back["sale"].as_str().unwrap()), &manager, void).await;
    let (_, list) = house.get("/v1/shows", "").await;
    let (_, shifts) = house.get("/v1/shifts", &manager).await;
    let date = shifts["shifts"][0]["opened_at"].as_str().unwrap()[..10].to_owned();
    let text = async |file: &str| {
        let answer = house.request(Method::GET, &format!("/v1/reports/{file}?date={date}"), &manager, None).await;
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["content-type"].to_str().unwrap()),
            (200, "text/csv; charset=utf-8")
        );
        answer.text().await.unwrap()
    };
    let collection = text("collection.csv").await;
    let lines: Vec<Vec<&str>> = collection.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), 3, "{collection}");
    // Gold at 250.00; Silver at 150.00: two issued, one void.
    assert_eq!(lines[1][2], list["shows"][0]["movie"]["title"].as_str().unwrap_or(lines[1][2]));
    assert_eq!(
        lines[2][6..],
        ["1", "2", "2", "1", "1", "150.00", "150.00", "127.12", "11.44", "11.44", "18", "counter"]
    );
    assert_eq!(
        lines[1][6..],
        ["3", "3", "1", "0", "1", "250.00", "250.00", "211.86", "19.07", "19.07", "18", "counter"]
    );
    let tenders = text("tenders.csv").await;
    let rest = tenders.lines().skip(1).collect::<Vec<_>>();
    let line = |tender: &str, numbers: &str| format!("{date},counter,{tender},INR,{numbers}");
    assert_eq!(rest, [line("card", "1,250.00,0,0.00,250.00"), line("cash", "2,300.00,1,150.00,150.00")]);
    assert_eq!(shifts["shifts"][0]["tenders"][0]["net"], inr(15_000));
    let path = format!("/v1/shifts/{}/close", shifts["shifts"][0]["shift"]);
    let (status, report) = house.post(&path, &counter, json!({"counted": [{"face_minor": 5_000, "count": 2}]})).await;
    assert_eq!(status, 200);
    let closed = text("z.csv").await;
    assert!(closed.lines().next().unwrap().ends_with(",journal_row,journal_hash,signature"), "{closed}");
    let z: Vec<&str> = closed.lines().nth(1).expect("a shift").split(',').collect();
    assert_eq!((z[1], z[3]), ("1", "counter"));
    assert_eq!(
        z[6..16],
        ["0.00", "150.00", "250.00", "0.00", "0.00", "0.00", "0", "150.00", "100.00", "-50.00"],
        "{closed}"
    );
    // Where the journal ended, as the printed report says it, and the box's signature over that.
    assert_eq!(json!({"row": z[16].parse::<u32>().unwrap(), "hash": z[17][..16]}), report["journal_end"]);
    let kept = "SELECT lower(hex(hash)) || ' ' || lower(hex(signature)) FROM signed_reports WHERE z = 1";
    let kept: String = house.db().query_row(kept, [], |row| row.get(0)).unwrap();
    assert_eq!(z[17..].join(" "), kept);
    assert_eq!(z[18].len(), 128, "{closed}");
    let (status, problem) = house.get("/v1/reports/gifts.csv?date=2026-01-01", &manager).await;
    assert_eq!((status, &problem["code"]), (404, &json!("unknown_report")));
    let (status, problem) = house.get("/v1/reports/tenders.csv?date=today", &manager).await;
    assert_eq!((status, &problem["code"]), (400, &json!("bad_date")));
}

#[tokio::test]
async fn a_changed_row_of_the_journal_or_a_sale_that_it_does_not_tell_is_found_and_named() {
    let mut house = House::open().await;
    let show = house.add_show(30).await;
    let manager = house.log_in("manager").await;
    for seat in ["A1", "A2", "A3"] {
        sell(&house, &manager, &show, seat, "cash").await;
    }
    let (_, check) = house.get("/v1/till/check", &manager).await;
    assert_eq!((&check["rows"], &check["tampered"]), (&json!(4), &Value::Null), "{check}");
    house.stop().await;
    let untouched = [
        ("UPDATE till_journal SET entry = CAST(entry || x'00' AS BLOB) WHERE seq = 2", 2),
        ("UPDATE till_journal SET hash = zeroblob(32) WHERE seq = 3", 3),
        ("DELETE FROM till_journal WHERE seq = 4", 4),
        ("UPDATE sales SET total_minor = 1 WHERE sold_at = (SELECT min(sold_at) FROM sales)", 2),
    ];
    for (tampering, row) in untouched {
        let db = house.db();
        db.execute_batch("SAVEPOINT kept").unwrap();
        db.execute(tampering, []).unwrap();
        let found = edge::till::journal::check(&db).unwrap().expect_err(tampering);
        assert_eq!(found.seq, row, "{tampering}");
        db.execute_batch("ROLLBACK TO kept").unwrap();
    }
}

#[tokio::test]
async fn a_manager_sees_the_day_show_by_show_and_tender_by_tender() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (counter, supervisor) = (house.log_in("counter").await, house.log_in("supervisor").await);
    let back = sell(&house, &counter, &show, "A1", "cash").await;
    sell(&house, &counter, &show, "A2", "cash").await;
    sell(&house, &counter, &show, "B1", "card").await;
    let free = json!({"seats": ["A3"], "tender": "complimentary", "reason": "press"});
    assert_eq!(house.post(&format!("/v1/shows/{show}/sales"), &supervisor, free).await.0, 201);
    let void = json!({"reason": "wrong film", "paper_surrendered": true});
    house.post(&format!("/v1/sales/{}/void", back["sale"].as_str().unwrap()), &supervisor, void).await;
    let kept = json!({"seats": ["A4", "A5"], "withheld": true});
    house.post(&format!("/v1/shows/{show}/withheld"), &supervisor, kept).await;
    let date = back["show"]["starts_at"].as_str().unwrap()[..10].to_owned();
    let (status, day) = house.get(&format!("/v1/day?date={date}"), &supervisor).await;
    assert_eq!((status, day["shows"].as_array().unwrap().len()), (200, 1), "{day}");
    let told = &day["shows"][0];
    assert_eq!(told["counter"], json!({"tickets": 3, "minor": 40_000}), "{told}");
    let counts = ["given_away", "void", "admitted", "withheld", "unknown"].map(|name| told[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 0, 2, 0], "{told}");
    assert_eq!(day["to_verify"], json!(1));
    // The day of the sale may end before the show begins.
    let (_, today) = house.get("/v1/day", &supervisor).await;
    let cash = today["tenders"].as_array().unwrap().iter().find(|one| one["tender"] == json!("cash")).unwrap();
    assert_eq!((&cash["sales"], &cash["net"]), (&json!(2), &inr(15_000)), "{today}");
    let (status, problem) = house.get("/v1/day?date=yesterday", &supervisor).await;
    assert_eq!((status, &problem["code"]), (400, &json!("bad_date")));
}

fn rows(house: &House) -> u32 {
    house.db().query_row("SELECT count(*) FROM till_journal", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn what_is_done_to_a_till_is_done_once_under_its_key_and_answered_alike() {
    let mut house = House::open().await;
    let counter = house.log_in("counter").await;
    let float = json!({"float": [{"face_minor": 10_000, "count": 5}]});
    let opened = house.post_under("open", "/v1/shifts", &counter, &float).await;
    assert_eq!(opened.0, 201, "{opened:?}");
    assert_eq!(house.post_under("open", "/v1/shifts", &counter, &float).await, opened);
    let path = format!("/v1/shifts/{}", opened.1["shift"]);
    let cash = json!({"direction": "out", "amount": inr(30_000), "reason": "to the bank"});
    let moved = house.post_under("cash", &format!("{path}/cash"), &counter, &cash).await;
    assert_eq!((moved.0, &moved.1["paid_out"]), (200, &inr(30_000)), "{moved:?}");
    let (status, problem) = house.post_under("", &format!("{path}/cash"), &counter, &cash).await;
    assert_eq!((status, &problem["code"]), (400, &json!("idempotency_key_required")));
    let other = json!({"direction": "out", "amount": inr(300), "reason": "to the bank"});
    let (status, problem) = house.post_under("cash", &format!("{path}/cash"), &counter, &other).await;
    assert_eq!((status, &problem["code"]), (422, &json!("idempotency_key_reused")));
    house.stop().await;
    house.start().await;
    assert_eq!(house.post_under("cash", &format!("{path}/cash"), &counter, &cash).await, moved, "after a restart too");
    assert_eq!(rows(&house), 2);

    let counted = json!({"counted": [{"face_minor": 10_000, "count": 2}]});
    let closed = house.post_under("close", &format!("{path}/close"), &counter, &counted).await;
    assert_eq!((closed.0, &closed.1["z"]), (200, &json!(1)), "{closed:?}");
    assert_eq!(house.post_under("close", &format!("{path}/close"), &counter, &counted).await, closed);
    let (status, problem) = house.post_under("", &format!("{path}/close"), &counter, &counted).await;
    assert_eq!((status, &problem["code"]), (409, &json!("shift_closed")), "without the key it is another request");
    assert_eq!(rows(&house), 3);
}
