//! Company at the doors: tickets of one booking that are let in by the code of another.

use crate::house::{House, now, read};
use node::zone::Zone;
use serde_json::{Value, json};
use shared::time::Timestamp;

/// A scan of one ticket of a sale by the code of another one.
fn scan(id: u16, sale: &Value, read: usize, ticket: usize, door: &str) -> Value {
    let mut scan = json!({
        "id": format!("{id:032x}"), "code": sale["tickets"][read]["code"], "at": at(0), "door": door, "local": null,
    });
    if read != ticket {
        let ticket = &sale["tickets"][ticket];
        scan["member"] = json!({"ticket": ticket["ticket"], "seat": ticket["seat"], "generation": 0});
    }
    scan
}

fn at(offset_s: i64) -> String {
    Zone::utc().rfc3339(Timestamp(now().0 + offset_s * 1000))
}

fn happened(mut scan: Value, offset_s: i64) -> Value {
    scan["local"] = json!({"verdict": "admit", "code": "ok", "guarantee": "SOLO"});
    scan["at"] = json!(at(offset_s));
    scan
}

async fn upload(house: &House, token: &str, scans: &[Value]) -> Vec<Value> {
    let (status, answers) = house.post("/v1/door/scans", token, json!(scans)).await;
    assert_eq!(status, 200, "{answers}");
    answers.as_array().expect("answers").clone()
}

fn told(answers: &[Value]) -> Vec<String> {
    let word = |one: &Value, name: &str| one[name].as_str().unwrap_or("?").to_owned();
    answers.iter().map(|one| format!("{} {} {}", word(one, "seat"), word(one, "verdict"), word(one, "code"))).collect()
}

#[tokio::test]
async fn the_others_of_a_booking_are_let_in_by_the_code_of_one_and_are_in_for_every_door() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (a, b) = (house.pair("Door A").await, house.pair("Door B").await);
    let sale = house.sell(&show, &["A1", "A2", "A3"]).await;
    let group: Vec<Value> = (0..3).map(|ticket| scan(ticket as u16, &sale, 0, ticket, "Door A")).collect();
    let green = upload(&house, &a, &group).await;
    assert_eq!(told(&green), ["A1 admit ok", "A2 admit ok", "A3 admit ok"]);
    assert_eq!(green[1]["ticket"], sale["tickets"][1]["ticket"]);
    assert_eq!(upload(&house, &a, &group).await, green, "the same scans get the same answers");
    let own = upload(&house, &b, &[scan(9, &sale, 2, 2, "Door B")]).await;
    assert_eq!((told(&own), &own[0]["first"]["door"]), (vec!["A3 already already_admitted".into()], &json!("Door A")));
    let (_, feed) = house.get("/v1/door/feed?after=", &b).await;
    let inside = feed["tickets"].as_array().expect("tickets").iter().filter(|one| one["admitted"]["door"] == "Door A");
    assert_eq!(inside.count(), 3);
    let entered: u32 =
        house.db().query_row("SELECT sum(entered) FROM admissions", [], |row| row.get(0)).expect("admissions");
    assert_eq!(entered, 3, "each is in the log");
}

#[tokio::test]
async fn two_doors_that_both_let_a_group_in_have_each_seat_green_once() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let doors = [house.pair("Door A").await, house.pair("Door B").await];
    for (round, row) in ["A", "B"].into_iter().enumerate() {
        let seats: Vec<String> = (1..6).map(|number| format!("{row}{number}")).collect();
        let sale = house.sell(&show, &seats.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let mut tries = Vec::new();
        for (door, token) in doors.iter().enumerate() {
            // One reads the first ticket and the other the last one, and each brings everybody else along, seat by seat.
            let read = 4 * door;
            for ticket in 0..5 {
                let scan =
                    scan((100 * round + 10 * door + ticket) as u16, &sale, read, ticket, &format!("Door {door}"));
                let request = house.client.post(house.url("/v1/door/scans")).bearer_auth(token);
                tries.push(tokio::spawn(request.json(&json!([scan])).send()));
            }
        }
        let mut green = Vec::new();
        for one in tries {
            let (status, answers) = read(one.await.expect("joined").expect("answered")).await;
            assert_eq!(status, 200, "{answers}");
            if answers[0]["verdict"] == "admit" {
                green.push(answers[0]["seat"].as_str().expect("seat").to_owned());
            } else {
                assert_eq!(answers[0]["code"], "already_admitted", "{answers}");
            }
        }
        green.sort();
        assert_eq!(green, seats, "each once");
    }
    let (_, status) = house.get("/v1/status", "").await;
    assert_eq!(status["door_discrepancies"], 0, "{status}");
}

#[tokio::test]
async fn nobody_comes_in_by_the_code_of_another_booking_or_by_one_that_is_not_genuine() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let door = house.pair("Door A").await;
    let (ours, theirs) = (house.sell(&show, &["A1", "A2"]).await, house.sell(&show, &["B1"]).await);
    let mut stranger = scan(1, &ours, 0, 1, "Door A");
    stranger["member"]["ticket"] = theirs["tickets"][0]["ticket"].clone();
    stranger["member"]["seat"] = json!("B1");
    let mut nobody = scan(2, &ours, 0, 1, "Door A");
    nobody["member"]["ticket"] = json!("00000000000000ff");
    let mut elsewhere = scan(3, &ours, 0, 1, "Door A");
    elsewhere["member"]["seat"] = json!("A3");
    let mut forged = scan(4, &ours, 0, 1, "Door A");
    let code = forged["code"].as_str().expect("code");
    let (front, back) = code.split_at(code.len() - 20);
    let other = if back.starts_with('A') { "E" } else { "A" };
    forged["code"] = json!([front, other, &back[1..]].concat());
    let mut unnamed = scan(5, &ours, 0, 1, "Door A");
    unnamed["member"]["seat"] = json!("nowhere");
    let answers = upload(&house, &door, &[stranger, nobody, elsewhere, forged, unnamed]).await;
    let codes: Vec<_> = answers.iter().map(|one| one["code"].as_str().expect("code")).collect();
    assert_eq!(codes, ["not_in_book", "not_in_book", "not_in_book", "bad_signature", "not_in_book"]);
    assert!(answers.iter().all(|one| one["verdict"] != "admit"));
    let bad = json!([{"id": "01", "code": "", "at": at(0), "door": "", "member": {"ticket": "x", "seat": "", "generation": 0}}]);
    assert_eq!(house.post("/v1/door/scans", &door, bad).await.0, 422);
}

#[tokio::test]
async fn company_that_doors_let_in_alone_is_merged_and_each_second_entry_is_listed() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (a, b) = (house.pair("Door A").await, house.pair("Door B").await);
    let sale = house.sell(&show, &["A1", "A2", "A3"]).await;
    let at_a: Vec<Value> =
        (0..3).map(|ticket| happened(scan(ticket as u16, &sale, 0, ticket, "Door A"), -60)).collect();
    assert!(upload(&house, &a, &at_a).await.iter().all(|one| one["verdict"] == "admit"));
    // Door B read the third ticket, earlier, and took the second along later.
    let at_b = [happened(scan(12, &sale, 2, 2, "Door B"), -90), happened(scan(11, &sale, 2, 1, "Door B"), -30)];
    assert_eq!(told(&upload(&house, &b, &at_b).await), ["A3 admit ok", "A2 already already_admitted"]);
    let supervisor = house.log_in("supervisor").await;
    let (_, list) = house.get("/v1/discrepancies", &supervisor).await;
    let mut listed: Vec<(String, String)> = list["discrepancies"]
        .as_array()
        .expect("list")
        .iter()
        .map(|one| (one["kind"].to_string(), one["theirs"]["admitted"]["door"].to_string()))
        .collect();
    listed.sort();
    let twice = |door: &str| ("\"admitted_twice\"".to_owned(), format!("{door:?}"));
    assert_eq!(listed, [twice("Door A"), twice("Door B")]);
    // Of another booking: they are inside all the same, so it is a fact and a discrepancy.
    let other = house.sell(&show, &["B1"]).await;
    let mut stranger = happened(scan(20, &sale, 0, 1, "Door A"), -10);
    stranger["member"] = json!({"ticket": other["tickets"][0]["ticket"], "seat": "B1", "generation": 0});
    upload(&house, &a, &[stranger]).await;
    let (_, list) = house.get("/v1/discrepancies", &supervisor).await;
    let kinds: Vec<_> = list["discrepancies"].as_array().expect("list").iter().map(|one| one["kind"].clone()).collect();
    assert!(kinds.contains(&json!("admitted_not_in_book")), "{list}");
}

/// A ticket of a sale by the short code of its booking.
async fn short(house: &House, id: u16, sale: &Value, ticket: usize, door: &str) -> Value {
    let mut scan = scan(id, sale, 0, ticket, door);
    let (_, feed) = house.get("/v1/door/feed?after=", &house.pair(&format!("Reader {id}")).await).await;
    let row = feed["tickets"]
        .as_array()
        .expect("tickets")
        .iter()
        .find(|row| row["ticket"] == sale["tickets"][ticket]["ticket"]);
    let row = row.expect("a ticket of the book");
    scan["code"] = row["booking"].clone();
    scan["member"] =
        json!({"ticket": row["ticket"], "seat": row["seat"], "generation": row["generation"], "show": row["show"]});
    scan
}

#[tokio::test]
async fn tickets_come_in_by_the_short_code_of_their_booking_once_and_each_is_in_the_log() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (a, b) = (house.pair("Door A").await, house.pair("Door B").await);
    let sale = house.sell(&show, &["A1", "A2"]).await;
    let (first, second) = (short(&house, 1, &sale, 0, "Door A").await, short(&house, 2, &sale, 1, "Door A").await);
    let green = upload(&house, &a, &[first.clone(), second]).await;
    assert_eq!(told(&green), ["A1 admit ok", "A2 admit ok"]);
    assert_eq!(upload(&house, &a, &[first]).await, green[..1], "the same scan gets the same answer");
    assert_eq!(told(&upload(&house, &b, &[scan(9, &sale, 1, 1, "Door B")]).await), ["A2 already already_admitted"]);
    let again = short(&house, 10, &sale, 0, "Door B").await;
    assert_eq!(told(&upload(&house, &b, &[again]).await), ["A1 already already_admitted"]);
    let entered: u32 =
        house.db().query_row("SELECT sum(entered) FROM admissions", [], |row| row.get(0)).expect("admissions");
    assert_eq!(entered, 2);
}

#[tokio::test]
async fn a_short_code_lets_nobody_in_who_is_not_booked_under_it_and_is_void_with_the_ticket() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let door = house.pair("Door A").await;
    let (ours, theirs) = (house.sell(&show, &["A1"]).await, house.sell(&show, &["B1"]).await);
    let good = short(&house, 1, &ours, 0, "Door A").await;
    let mut stranger = short(&house, 2, &theirs, 0, "Door A").await;
    stranger["code"] = good["code"].clone();
    let mut elsewhere = short(&house, 3, &ours, 0, "Door A").await;
    elsewhere["member"]["seat"] = json!("A3");
    let mut nobody = short(&house, 4, &ours, 0, "Door A").await;
    nobody["member"]["ticket"] = json!("00000000000000ff");
    let mut bare = short(&house, 5, &ours, 0, "Door A").await;
    bare.as_object_mut().expect("a scan").remove("member");
    let answers = upload(&house, &door, &[stranger, elsewhere, nobody, bare]).await;
    let codes: Vec<_> = answers.iter().map(|one| one["code"].as_str().expect("code")).collect();
    assert_eq!(codes, ["not_in_book", "not_in_book", "not_in_book", "malformed"]);
    let supervisor = house.log_in("supervisor").await;
    let path = format!("/v1/sales/{}/void", ours["sale"].as_str().expect("sale"));
    house.post(&path, &supervisor, json!({"reason": "x", "paper_surrendered": true})).await;
    assert_eq!(told(&upload(&house, &door, &[good]).await), ["A1 refuse void"]);
}

#[tokio::test]
async fn an_entry_by_a_short_code_that_the_book_does_not_have_is_a_fact_and_listed() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let door = house.pair("Door A").await;
    let sale = house.sell(&show, &["A1"]).await;
    let mut lost = happened(short(&house, 1, &sale, 0, "Door A").await, -10);
    lost["member"]["ticket"] = json!("00000000000000ff");
    assert_eq!(upload(&house, &door, &[lost.clone()]).await[0]["code"], "not_in_book");
    let good = happened(short(&house, 2, &sale, 0, "Door A").await, -60);
    assert_eq!(told(&upload(&house, &door, &[good]).await), ["A1 admit ok"]);
    let supervisor = house.log_in("supervisor").await;
    let (_, list) = house.get("/v1/discrepancies", &supervisor).await;
    let list = list["discrepancies"].as_array().expect("list").clone();
    assert_eq!(list.len(), 1, "{list:?}");
    assert_eq!(
        (&list[0]["kind"], &list[0]["ours"]["seats"][0]["label"]),
        (&json!("admitted_not_in_book"), &json!("A1")),
        "{list:?}"
    );
}
