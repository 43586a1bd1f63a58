//! A whole group at the counter: held, paid, printed and taken back in one go.

use crate::house::{House, PIN};
use crate::line::Line;
use serde_json::{Value, json};
use shared::ids::SeatId;
use shared::seating::{Row, SeatRun, SeatingPlan};

/// Six rows of twelve; the last two are dearer.
pub(crate) fn large_hall() -> SeatingPlan {
    let rows = (0_u8..6).map(|row| {
        let (first, category) = (SeatId(u32::from(row) * 12 + 1), u8::from(row > 3));
        let run = SeatRun { first, number: 1, count: 12, category, gap: 0, accessible: false };
        Row { label: char::from(b'A' + row).to_string(), runs: vec![run] }
    });
    SeatingPlan { version: 1, categories: vec!["Silver".into(), "Gold".into()], rows: rows.collect() }
}

async fn hold(house: &House, show: &str, token: &str, wish: Value) -> (u16, Value) {
    house.post(&format!("/v1/shows/{show}/holds"), token, wish).await
}

fn seats(hold: &Value) -> Vec<&str> {
    hold["lines"].as_array().unwrap().iter().map(|line| line["seat"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_group_is_held_sold_printed_and_taken_back_in_one_go() {
    let mut house = House::open_planned(String::new(), &large_hall()).await.0;
    let show = house.add_show(60).await;
    let (counter, supervisor) = (house.log_in("counter").await, house.log_in("supervisor").await);
    let by = json!({"staff": "supervisor", "pin": PIN});
    for (wish, code) in [
        (json!({"best": 24}), "bad_seat_count"),
        (json!({"best": 24, "group": "Rex School"}), "approval_required"),
        (json!({"best": 24, "group": " ", "approved_by": by}), "bad_group"),
        (json!({"best": 61, "group": "Rex School", "approved_by": by}), "bad_seat_count"),
        (json!({"best": 25, "category": "Gold", "group": "Rex School", "approved_by": by}), "no_seats_together"),
        (json!({"best": 2, "approved_by": by}), "not_a_group"),
    ] {
        let (status, problem) = hold(&house, &show, &counter, wish.clone()).await;
        assert!((400..500).contains(&status) && problem["code"] == code, "{wish}: {problem}");
    }
    let wish = json!({"best": 24, "category": "Gold", "group": " Rex School ", "approved_by": by});
    let (status, held) = hold(&house, &show, &counter, wish).await;
    assert_eq!((status, seats(&held).len()), (201, 24), "{held}");
    assert_eq!((seats(&held)[0], seats(&held)[23]), ("E1", "F12"));
    let body = json!({"hold": held["hold"], "tender": "cash"});
    let before = house.get("/v1/status", "").await.1["link"]["backlog"].as_u64().unwrap();
    let (status, sale) = house.post(&format!("/v1/shows/{show}/sales"), &counter, body).await;
    assert_eq!((status, &sale["group"], &sale["total"]["minor"]), (201, &json!("Rex School"), &json!(24 * 25_000)));
    let after = house.get("/v1/status", "").await.1["link"]["backlog"].as_u64().unwrap();
    assert_eq!(after, before + 1, "one entry: all of it is sold or nothing");

    let prints = format!("/v1/sales/{}/prints", sale["sale"].as_str().unwrap());
    let papers = json!({"documents": ["group", "tickets"], "printer": "pdf"});
    let (status, printed) = house.post(&prints, &counter, papers).await;
    assert_eq!((status, printed["prints"].as_array().unwrap().len()), (200, 2), "{printed}");
    let other = house.sell(&show, &["A1"]).await;
    let prints = format!("/v1/sales/{}/prints", other["sale"].as_str().unwrap());
    let (status, problem) = house.post(&prints, &counter, json!({"documents": ["group"], "printer": "pdf"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("not_a_group")));

    let (_, found) = house.get(&format!("/v1/sales?show={show}&seat=E7"), &counter).await;
    assert_eq!(found["sales"][0]["group"], "Rex School", "{found}");
    let (_, answered) = house.get("/v1/answered-for", &supervisor).await;
    let group = answered["answered"].as_array().unwrap().iter().find(|one| one["what"] == "group").unwrap();
    assert_eq!((&group["staff"], &group["second"]), (&json!("counter"), &json!("supervisor")));
    let body = json!({"reason": "they do not come", "paper_surrendered": true});
    let void = format!("/v1/sales/{}/void", sale["sale"].as_str().unwrap());
    let (status, voided) = house.post(&void, &supervisor, body).await;
    assert_eq!((status, &voided["state"]), (200, &json!("voided")));
    assert_eq!((house.state_of(&show, "E1").await, house.state_of(&show, "F12").await), ("free".into(), "free".into()));
    house.stop().await;
}

#[tokio::test]
async fn a_group_that_no_row_has_room_for_sits_in_rows_behind_each_other_and_all_of_it_is_held_or_nothing() {
    let mut house = House::open_planned(String::new(), &large_hall()).await.0;
    let show = house.add_show(60).await;
    let manager = house.log_in("manager").await;
    let (status, held) = hold(&house, &show, &manager, json!({"best": 60, "group": "Everybody"})).await;
    assert_eq!((status, seats(&held).len()), (201, 60), "{held}");
    let (status, problem) = hold(&house, &show, &manager, json!({"best": 13, "group": "The others"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("no_seats_together")), "12 are left");
    let taken = seats(&held)[0];
    let (_, map) = house.get(&format!("/v1/shows/{show}/seats"), "").await;
    let free = map["rows"].as_array().unwrap().iter().flat_map(|row| row["seats"].as_array().unwrap());
    let mut wanted: Vec<_> = free.filter(|seat| seat["state"] == "free").map(|seat| seat["label"].clone()).collect();
    wanted.push(json!(taken));
    let wish = json!({"seats": wanted, "group": "The others"});
    let (status, problem) = hold(&house, &show, &manager, wish).await;
    assert_eq!((status, &problem["code"]), (409, &json!("seat_held")));
    let (_, map) = house.get(&format!("/v1/shows/{show}/seats"), "").await;
    assert_eq!(map["counts"]["free"], 12, "nothing of it is held: {map}");
    house.stop().await;
}

#[tokio::test]
async fn what_a_group_needs_of_centrals_seats_is_claimed() {
    let line = Line::up_in(&large_hall()).await;
    let manager = line.house.log_in("manager").await;
    let (status, held) = hold(&line.house, "12-7", &manager, json!({"best": 60, "group": "Everybody"})).await;
    assert_eq!((status, seats(&held).len()), (201, 60), "{held}");
    let body = json!({"hold": held["hold"], "tender": "upi"});
    let (status, sale) = line.house.post("/v1/shows/12-7/sales", &manager, body).await;
    assert_eq!((status, sale["tickets"].as_array().map(Vec::len)), (201, Some(60)), "{sale}");
    line.until("central has all of it", async |_| {
        let central = line.central.lock().expect("not poisoned");
        central.replica.ledger().tickets().filter(|ticket| ticket.sale.is_some()).count() == 60
    })
    .await;
    line.down().await;
}
