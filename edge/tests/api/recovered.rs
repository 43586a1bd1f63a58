//! Sales that a restored box has back from its witness: found, voided, printed and counted, in nobody's shift.

use crate::house::{House, KEEPER, PIN};
use reqwest::Method;
use serde_json::{Value, json};

fn inr(minor: i64) -> Value {
    json!({ "minor": minor, "currency": "INR" })
}

async fn found(house: &House, token: &str, query: &str) -> Value {
    let (status, answer) = house.get(&format!("/v1/sales?{query}"), token).await;
    assert_eq!((status, answer["sales"].as_array().map(Vec::len)), (200, Some(1)), "{query}: {answer}");
    answer["sales"][0].clone()
}

async fn void(house: &House, token: &str, sale: &Value, more: Value) -> (u16, Value) {
    let mut body = json!({"reason": "wrong film", "paper_surrendered": true});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    house.post(&format!("/v1/sales/{}/void", sale["sale"].as_str().unwrap()), token, body).await
}

/// What the day says was taken, by tender; it is what the ledger says of its shows.
async fn taken(house: &House, manager: &str) -> Vec<(String, i64)> {
    let (_, day) = house.get("/v1/day", manager).await;
    let minor = |one: &Value| one["net"]["minor"].as_i64().unwrap();
    let taken: Vec<_> =
        day["tenders"].as_array().unwrap().iter().map(|one| (one["tender"].clone(), minor(one))).collect();
    let shows = day["shows"].as_array().unwrap().iter();
    let ledger: i64 = shows.map(|show| show["counter"]["minor"].as_i64().unwrap()).sum();
    assert_eq!(taken.iter().map(|(_, minor)| minor).sum::<i64>(), ledger, "{day}");
    taken.into_iter().map(|(tender, minor)| (tender.as_str().unwrap().to_owned(), minor)).collect()
}

/// A box that sold B1, forgot that it was taken back, and forgot the sale of A1 and A2 with the void of A2. All of it is there again.
async fn restored() -> (House, String, Value) {
    let mut house = House::open().await;
    let show = house.add_show(60).await;
    let before = house.sell(&show, &["B1"]).await;
    house.stop().await;
    let image = house.image();
    house.start().await;
    let supervisor = house.log_in("supervisor").await;
    let lost = house.sell(&show, &["A1", "A2"]).await;
    let a2 = json!({"tickets": [lost["tickets"][1]["ticket"]]});
    assert_eq!(void(&house, &supervisor, &lost, a2).await.0, 200);
    assert_eq!(void(&house, &supervisor, &before, json!({})).await.0, 200);
    let (_, kept) = house.post("/v1/door/witness", KEEPER, json!({"kept": null})).await;
    house.stop().await;
    house.put_back(&image);
    house.vouched = false;
    house.start().await;
    let tail = json!({"kept": kept["head"], "entries": kept["entries"]});
    let (_, given) = house.post("/v1/door/witness", KEEPER, tail).await;
    assert_eq!(given["wanted"], false, "{given}");
    (house, show, lost)
}

#[tokio::test]
async fn a_sale_that_came_back_is_found_with_its_serials_and_its_codes_and_counted_in_nobodys_shift() {
    let (mut house, show, lost) = restored().await;
    let (counter, manager) = (house.log_in("counter").await, house.log_in("manager").await);
    for query in [
        format!("code={}", lost["code"].as_str().unwrap()),
        format!("ticket={}", lost["tickets"][0]["code"].as_str().unwrap()),
        format!("show={show}&seat=A1"),
    ] {
        let sale = found(&house, &counter, &query).await;
        assert_eq!((&sale["sale"], &sale["tender"], &sale["staff"]), (&lost["sale"], &json!("recovered"), &json!("")));
        for same in ["code", "show", "lines", "total"] {
            assert_eq!(sale[same], lost[same], "{query}: {same}");
        }
        let states: Vec<_> = sale["tickets"].as_array().unwrap().iter().map(|one| one["state"].clone()).collect();
        assert_eq!(states, ["live", "void"]);
        for same in ["seat", "ticket", "code", "serial"] {
            assert_eq!(sale["tickets"][0][same], lost["tickets"][0][same], "{query}: {same}");
        }
    }
    // Of what came back: 300 sold, 150 and 250 taken back, by whom and how nobody knows.
    let recovered = |minor: i64| ("recovered".to_owned(), minor);
    assert_eq!(taken(&house, &manager).await, [("cash".to_owned(), 25_000), recovered(-10_000)]);
    let (_, shifts) = house.get("/v1/shifts", &manager).await;
    let tenders = shifts["shifts"][0]["tenders"].as_array().unwrap();
    assert_eq!((shifts["shifts"].as_array().unwrap().len(), &tenders[0]["net"]), (1, &inr(25_000)), "{shifts}");
    assert!(tenders.iter().all(|one| one["tender"] != "recovered"), "{shifts}");
    let date = lost["show"]["starts_at"].as_str().unwrap()[..10].to_owned();
    let csv = house.request(Method::GET, &format!("/v1/reports/tenders.csv?date={date}"), &manager, None).await;
    let text = csv.text().await.unwrap();
    assert!(text.contains(&format!("{date},,recovered,INR,1,300.00,2,400.00,-100.00")), "{text}");
    let (_, check) = house.get("/v1/till/check", &manager).await;
    assert_eq!(check["tampered"], Value::Null, "{check}");
    // What is sold is called recovered by the box alone.
    let sale = json!({"seats": ["A3"], "tender": "recovered"});
    assert_eq!(house.post(&format!("/v1/shows/{show}/sales"), &counter, sale).await.0, 422);
    house.db().execute("UPDATE sales SET tender = 'recovered' WHERE staff = 'counter'", []).unwrap();
    let (_, check) = house.get("/v1/till/check", &manager).await;
    assert!(check["tampered"]["text"].as_str().unwrap().contains("another amount"), "{check}");
    house.stop().await;
}

#[tokio::test]
async fn a_supervisor_takes_back_what_came_back_and_says_which_way_the_money_goes() {
    let (mut house, show, lost) = restored().await;
    let (counter, manager) = (house.log_in("counter").await, house.log_in("manager").await);
    let by = json!({"staff": "supervisor", "pin": PIN});
    let paper = json!({"documents": ["tickets"], "printer": "pdf"});
    let prints = format!("/v1/sales/{}/prints", lost["sale"].as_str().unwrap());
    let (status, problem) = house.post(&prints, &counter, paper.clone()).await;
    assert_eq!((status, &problem["code"]), (403, &json!("second_person_needed")), "it is on paper, perhaps");
    let mut with_second = paper;
    with_second["second"] = by.clone();
    let (status, printed) = house.post(&prints, &counter, with_second).await;
    assert_eq!((status, &printed["prints"][0]["copy"]), (200, &json!(1)), "{printed}");

    let other = house.sell(&show, &["B2"]).await;
    for (sale, more, code) in [
        (&lost, json!({"back": "cash"}), "approval_required"),
        (&lost, json!({"approved_by": by}), "bad_back"),
        (&lost, json!({"approved_by": by, "back": "complimentary"}), "bad_back"),
        (&other, json!({"approved_by": by, "back": "card"}), "bad_back"),
    ] {
        let (status, problem) = void(&house, &counter, sale, more.clone()).await;
        assert!((400..500).contains(&status) && problem["code"] == code, "{more}: {problem}");
    }
    let (status, done) = void(&house, &counter, &lost, json!({"approved_by": by, "back": "cash"})).await;
    assert_eq!((status, &done["state"]), (200, &json!("voided")), "{done}");
    assert_eq!(house.state_of(&show, "A1").await, "free");
    // 250 and 250 in, 150 out of the drawer.
    let (_, shifts) = house.get("/v1/shifts", &manager).await;
    let cash = &shifts["shifts"][0]["tenders"][0];
    assert_eq!((&cash["net"], &cash["voided"]), (&inr(35_000), &json!(1)), "{shifts}");
    assert_eq!(taken(&house, &manager).await, [("cash".to_owned(), 35_000), ("recovered".to_owned(), -10_000)]);
    let (_, answered) = house.get("/v1/answered-for", &manager).await;
    let voids = answered["answered"].as_array().unwrap().iter().filter(|one| one["what"] == "void");
    assert_eq!(voids.map(|one| one["second"].clone()).collect::<Vec<_>>(), ["supervisor"], "{answered}");
    house.stop().await;
}
