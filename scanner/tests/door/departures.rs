//! Entries taken back, guests who come back, supervisors at the door, and what is counted meanwhile.

use crate::fake_edge::{FakeEdge, code, page, show, ticket};
use crate::test_door::{TestDoor, eventually};
use crate::{answer, house};
use serde_json::{Value, json};
use shared::ids::TicketId;

async fn depart(door: &TestDoor, body: Value) -> (u16, Value) {
    door.post("/v1/departures", body.to_string()).await
}

async fn reentry_house() -> (FakeEdge, TestDoor) {
    house_with("reentry").await
}

/// A house whose show has this setting.
async fn house_with(setting: &str) -> (FakeEdge, TestDoor) {
    let edge = FakeEdge::start().await;
    let mut show = show();
    show[setting] = json!(true);
    edge.now().pages.push(page(&[show], &[ticket(1, 1, "live"), ticket(2, 2, "live")]));
    let door = TestDoor::start(&edge).await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    (edge, door)
}

#[tokio::test]
async fn an_entry_is_taken_back_at_once_at_all_doors_and_counts_no_more() {
    let (edge, door) = house().await;
    let green = door.scan(&code(1, 1)).await;
    assert_eq!(door.status().await["counts"]["inside"], 1);
    let (status, view) = depart(&door, json!({"how": "undone", "ticket": green["ticket"]})).await;
    assert_eq!((status, &view["shared"]), (200, &json!(true)), "{view}");
    assert_eq!(edge.now().departures.values().next().expect("told")["how"], "undone");
    let counts = door.status().await["counts"].clone();
    assert_eq!((&counts["inside"], &counts["expected"]), (&json!(0), &json!(2)));
    let (status, problem) = depart(&door, json!({"how": "undone", "ticket": green["ticket"]})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("not_inside")));
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "admit ok SHARED");
    let counts = door.status().await["counts"].clone();
    assert_eq!(counts["doors"], json!([{"door": "Door A", "admitted": 1}]));
}

#[tokio::test]
async fn a_door_that_is_alone_takes_back_by_itself_and_tells_the_edge_later() {
    let (edge, door) = house().await;
    edge.now().silent = true;
    let green = door.scan(&code(1, 1)).await;
    let (status, view) = depart(&door, json!({"how": "undone", "ticket": green["ticket"]})).await;
    assert_eq!((status, &view["shared"]), (200, &json!(false)));
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "admit ok SOLO");
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "already already_admitted SOLO");
    edge.now().silent = false;
    eventually("told", || async { edge.now().departures.len() == 1 }).await;
    let asked = edge.now().asked.clone();
    let place = |what: &str| asked.iter().position(|one| one.starts_with(what)).expect(what);
    assert!(place("scan") < place("departure"), "an entry is told before its end: {asked:?}");
}

#[tokio::test]
async fn a_departure_that_is_asked_for_again_under_its_number_is_the_same_one() {
    let (edge, door) = reentry_house().await;
    door.scan(&code(1, 1)).await;
    let out = json!({"how": "out", "code": code(1, 1), "id": format!("{:032x}", 1)});
    let first = depart(&door, out.clone()).await;
    assert_eq!((first.0, &first.1["how"]), (200, &json!("out")));
    assert_eq!(depart(&door, out.clone()).await, first, "the answer had got lost");
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "admit ok SHARED", "the guest is back");
    assert_eq!(depart(&door, out).await, first, "and stays in");
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "already already_admitted SHARED");
    assert_eq!(edge.now().departures.len(), 1);
    let both = json!({"how": "undone", "tickets": [TicketId([1; 8]).to_string(), TicketId([2; 8]).to_string()], "id": format!("{:032x}", 2)});
    door.scan(&code(2, 2)).await;
    let (status, view) = depart(&door, both.clone()).await;
    assert_eq!((status, view["stay"].as_array().map(Vec::len)), (200, None), "{view}");
    assert_eq!(depart(&door, both).await, (status, view), "of a group too");
    assert_eq!(edge.now().departures.len(), 3);
    assert_eq!(depart(&door, json!({"how": "out", "code": code(1, 1), "id": "7"})).await.0, 422);
}

#[tokio::test]
async fn a_departure_that_the_edge_does_not_count_is_said_to_be_none_and_nobody_comes_in_after_it() {
    let (edge, door) = reentry_house().await;
    door.scan(&code(1, 1)).await;
    door.scan(&code(2, 2)).await;
    edge.now().counts_no_departure = true;
    let out = json!({"how": "out", "code": code(1, 1), "id": format!("{:032x}", 1)});
    for _asked_again in 0..2 {
        let (status, problem) = depart(&door, out.clone()).await;
        assert_eq!((status, &problem["code"]), (409, &json!("not_counted")));
    }
    let both = json!({"how": "undone", "tickets": [TicketId([1; 8]).to_string(), TicketId([2; 8]).to_string()]});
    let (status, view) = depart(&door, both).await;
    let codes: Vec<_> = view["stay"].as_array().expect("who stays").iter().map(|one| one["code"].clone()).collect();
    assert_eq!((status, codes), (200, vec![json!("not_counted"), json!("not_counted")]), "{view}");
    edge.now().silent = true;
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "already already_admitted SOLO");
}

#[tokio::test]
async fn guests_come_back_only_where_the_show_lets_them() {
    let (_edge, door) = house().await;
    door.scan(&code(1, 1)).await;
    let (status, problem) = depart(&door, json!({"how": "out", "code": code(1, 1)})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("no_reentry")));

    let (_edge, door) = reentry_house().await;
    let (status, problem) = depart(&door, json!({"how": "out", "code": code(1, 1)})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("not_inside")));
    door.scan(&code(1, 1)).await;
    let (status, view) = depart(&door, json!({"how": "out", "code": code(1, 1)})).await;
    assert_eq!((status, &view["how"]), (200, &json!("out")));
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "admit ok SHARED");
    for bad in [json!({"how": "gone", "ticket": "00"}), json!({"how": "out"}), json!({"how": "out", "code": "HELLO"})] {
        assert_eq!(depart(&door, bad).await.0, 422);
    }
}

#[tokio::test]
async fn whoever_goes_out_for_good_is_counted_out_and_the_ticket_stays_used() {
    let (edge, door) = house_with("exit").await;
    edge.now().lets_nobody_back = true;
    door.scan(&code(1, 1)).await;
    door.scan(&code(2, 2)).await;
    let out = json!({"how": "out", "code": code(1, 1), "id": format!("{:032x}", 1)});
    let first = depart(&door, out.clone()).await;
    assert_eq!((first.0, &first.1["used"], &first.1["shared"]), (200, &json!(true), &json!(true)), "{}", first.1);
    assert_eq!(depart(&door, out).await, first, "the answer had got lost");
    let counts = door.status().await["counts"].clone();
    assert_eq!((&counts["inside"], &counts["doors"][0]["admitted"]), (&json!(1), &json!(1)), "{counts}");
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "already already_admitted SHARED");
    edge.now().silent = true;
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "already already_admitted SOLO");
    let (status, view) = depart(&door, json!({"how": "out", "code": code(2, 2)})).await;
    assert_eq!((status, &view["used"], &view["shared"]), (200, &json!(true), &json!(false)), "{view}");
    assert_eq!(answer(&door.scan(&code(2, 2)).await), "already already_admitted SOLO");
    assert_eq!(door.status().await["counts"]["inside"], 0);
    edge.now().silent = false;
    eventually("told", || async { edge.now().departures.len() == 2 }).await;
    let data = door.stop().await;
    let door = TestDoor::reopen(data, |_| {}).await;
    assert_eq!(door.status().await["counts"]["inside"], 0, "after a restart too");
    door.stop().await;
}

#[tokio::test]
async fn what_a_departure_comes_to_is_the_edges_to_say() {
    // The house has changed its mind, and this door has not heard of it.
    for (setting, lets_nobody_back, verdict) in
        [("reentry", true, "already already_admitted SOLO"), ("exit", false, "admit ok SOLO")]
    {
        let (edge, door) = house_with(setting).await;
        edge.now().lets_nobody_back = lets_nobody_back;
        door.scan(&code(1, 1)).await;
        let (status, view) = depart(&door, json!({"how": "out", "code": code(1, 1)})).await;
        assert_eq!((status, view["used"] == json!(true)), (200, lets_nobody_back), "{view}");
        assert_eq!(door.status().await["counts"]["inside"], 0, "{setting}");
        edge.now().silent = true;
        assert_eq!(answer(&door.scan(&code(1, 1)).await), verdict, "{setting}");
        door.stop().await;
    }
}

#[tokio::test]
async fn a_guest_whom_another_door_counted_out_is_not_counted_here() {
    let (edge, door) = house_with("exit").await;
    door.scan(&code(1, 1)).await;
    let mut row = ticket(1, 1, "live");
    row["gone_at"] = json!(crate::fake_edge::rfc3339(crate::fake_edge::wall() + std::time::Duration::from_secs(1)));
    edge.now().pages.push(page(&[], &[row]));
    eventually("heard", || async { door.status().await["counts"]["inside"] == 0 }).await;
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "already already_admitted SHARED");
}

#[tokio::test]
async fn a_departure_survives_a_restart_of_the_device() {
    let (edge, door) = reentry_house().await;
    edge.now().silent = true;
    door.scan(&code(1, 1)).await;
    depart(&door, json!({"how": "out", "code": code(1, 1)})).await;
    let data = door.stop().await;
    let door = TestDoor::reopen(data, |config| config.edge = "http://127.0.0.1:9".into()).await;
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "admit ok SOLO");
    let data = door.stop().await;
    edge.now().silent = false;
    let door = TestDoor::reopen(data, |_| {}).await;
    eventually("told", || async { edge.now().departures.len() == 1 }).await;
    door.stop().await;
}

#[tokio::test]
async fn a_supervisor_is_asked_for_at_the_edge_and_only_there() {
    let (edge, door) = house().await;
    door.scan(&code(1, 1)).await;
    let request = |pin: &str, code: &str| {
        json!({"code": code, "person": "Asha", "reason": "child", "staff": "Ravi", "pin": pin}).to_string()
    };
    let (status, problem) = door.post("/v1/overrides", request("0000", &code(1, 1))).await;
    assert_eq!((status, &problem["code"]), (401, &json!("wrong_pin")));
    let (status, problem) = door.post("/v1/overrides", request("4711", "HELLO")).await;
    assert_eq!((status, &problem["code"]), (409, &json!("no_override")));
    let (status, view) = door.post("/v1/overrides", request("4711", &code(1, 1))).await;
    assert_eq!((status, &view["code"]), (200, &json!("overridden")));
    assert!(edge.now().asked.contains(&"override by \"Ravi\" and \"Asha\"".to_owned()));
    edge.now().silent = true;
    let (status, problem) = door.post("/v1/overrides", request("4711", &code(1, 1))).await;
    assert_eq!((status, &problem["code"]), (503, &json!("edge_out_of_reach")));
}

#[tokio::test]
async fn a_booking_is_looked_up_by_the_code_that_is_printed_on_it() {
    let edge = FakeEdge::start().await;
    let of_booking = |number: u8, seat: u16, booking: &str| {
        let mut row = ticket(number, seat, "live");
        row["booking"] = json!(booking);
        row
    };
    let rows = [of_booking(1, 1, "7KQ2MXPA"), of_booking(2, 2, "7KQ2MXPA"), of_booking(3, 3, "22222222")];
    edge.now().pages.push(page(&[show()], &rows));
    let door = TestDoor::start(&edge).await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    let found = |body: String| serde_json::from_str::<Value>(&body).expect("JSON")["tickets"].clone();
    let tickets = found(door.get("/v1/tickets?seat=7kq2%20mxpa").await.1);
    let told = tickets.as_array().expect("list").iter().map(|one| (&one["seat"], &one["booking"])).collect::<Vec<_>>();
    assert_eq!(told, [(&json!("C1"), &json!("7KQ2MXPA")), (&json!("C2"), &json!("7KQ2MXPA"))]);
    assert_eq!(found(door.get("/v1/tickets?seat=7KQ2").await.1), json!([]), "half a code finds nobody");
}

#[tokio::test]
async fn a_seat_is_looked_up_with_what_is_known_of_it() {
    let (_edge, door) = house().await;
    door.scan(&code(1, 1)).await;
    let found = |body: String| serde_json::from_str::<Value>(&body).expect("JSON")["tickets"].clone();
    let tickets = found(door.get("/v1/tickets?seat=c1").await.1);
    assert_eq!((&tickets[0]["seat"], &tickets[0]["admitted"]["door"]), (&json!("C1"), &json!("Door A")));
    let tickets = found(door.get("/v1/tickets?seat=0909").await.1);
    assert_eq!((&tickets[0]["seat"], &tickets[0]["state"]), (&json!("C9"), &json!("void")));
    assert_eq!(found(door.get("/v1/tickets?seat=Z99").await.1), json!([]));
    assert_eq!(door.get("/v1/tickets?seat=%25").await.0, 422);
}

#[tokio::test]
async fn what_this_door_alone_refuses_is_told_with_the_override() {
    let edge = FakeEdge::start().await;
    edge.now().pages.push(page(&[show()], &[ticket(1, 1, "live")]));
    let door = TestDoor::with(&edge, |config| config.screens = vec![1]).await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    assert_eq!(door.scan(&code(1, 1)).await["code"], "wrong_screen");
    let call = json!({"code": code(1, 1), "person": "Asha", "reason": "lift broken", "staff": "boss", "pin": "4711"});
    let (status, view) = door.post("/v1/overrides", call.to_string()).await;
    assert_eq!((status, &view["code"]), (200, &json!("overridden")), "{view}");
    let asked = edge.now().asked.iter().any(|asked| asked.ends_with("against \"wrong_screen\""));
    assert!(asked, "{:?}", edge.now().asked);
}

#[tokio::test]
async fn a_supervisor_lets_in_by_a_short_code_the_ticket_that_the_verdict_was_about() {
    let edge = FakeEdge::start().await;
    let rows = [1, 2, 5].map(|number| {
        let mut row = ticket(number, number.into(), "live");
        row["booking"] = json!(if number == 5 { "22222222" } else { "7KQ2MXPA" });
        row
    });
    edge.now().pages.push(page(&[show()], &rows));
    let door = TestDoor::start(&edge).await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    door.scan("22222222").await;
    let yellow = door.scan("2222 2222").await;
    assert_eq!(answer(&yellow), "already already_admitted SHARED");
    let call = |code: &str, ticket: &Value| {
        json!({"code": code, "ticket": ticket, "person": "Asha", "reason": "child", "staff": "boss", "pin": "4711"})
            .to_string()
    };
    let (status, view) = door.post("/v1/overrides", call("2222 2222", &yellow["ticket"])).await;
    assert_eq!((status, &view["code"]), (200, &json!("overridden")), "{view}");
    let second = json!(TicketId([2; 8]).to_string());
    assert_eq!(door.post("/v1/overrides", call("7kq2mxpa", &second)).await.0, 200);
    let told = [json!(["22222222", TicketId([5; 8]).to_string(), "C5", 345]), json!(["7KQ2MXPA", second, "C2", 345])];
    assert_eq!(edge.now().overridden, told);
    for (code, ticket) in [("7KQ2MXPA", Value::Null), ("33333333", Value::Null), ("22222222", second)] {
        let (status, problem) = door.post("/v1/overrides", call(code, &ticket)).await;
        assert_eq!((status, &problem["code"]), (409, &json!("no_override")), "{code} {ticket}");
    }
}

#[tokio::test]
async fn whoever_came_back_is_inside_whatever_the_feed_tells_first() {
    let (edge, door) = reentry_house().await;
    edge.now().silent = true;
    door.scan(&code(1, 1)).await;
    door.scan(&code(2, 2)).await;
    let at = |offset_s: i64| {
        crate::fake_edge::rfc3339(shared::time::Timestamp(crate::fake_edge::wall().0 + offset_s * 1000))
    };
    let mut missed = ticket(1, 1, "live");
    // In one row: the guest went out and is back, by another door.
    (missed["left_at"], missed["admitted"]) = (json!(at(60)), json!({"at": at(120), "door": "Door B"}));
    // Back at this door, which the edge has not heard of when it tells of the stay before.
    let mut before = ticket(2, 2, "live");
    (before["left_at"], before["admitted"]) = (json!(at(-60)), json!({"at": at(-120), "door": "Door B"}));
    {
        let mut edge = edge.now();
        edge.pages.push(page(&[], &[missed, before]));
        edge.silent = false;
    }
    eventually("told", || async { door.rows("SELECT count(*) || '' FROM departed") == ["2"] }).await;
    edge.now().silent = true;
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "already already_admitted SOLO");
    assert_eq!(answer(&door.scan(&code(2, 2)).await), "already already_admitted SOLO");
}

#[tokio::test]
async fn a_guest_who_came_in_by_another_door_during_a_cut_may_leave_by_this_one_and_come_back() {
    let (edge, door) = reentry_house().await;
    // The other door has told the box, which this one cannot hear.
    let entry = json!({"at": crate::fake_edge::rfc3339(crate::fake_edge::wall()), "door": "Door B"});
    edge.now().admitted.insert(TicketId([1; 8]), ("b".repeat(32), entry.clone()));
    edge.now().silent = true;
    let out = json!({"how": "out", "code": code(1, 1), "id": format!("{:032x}", 1)});
    let (status, view) = depart(&door, out.clone()).await;
    assert_eq!((status, &view["how"], &view["shared"]), (200, &json!("out"), &json!(false)), "{view}");
    assert_eq!(depart(&door, out).await.0, 200, "asked again");
    let (status, problem) = depart(&door, json!({"how": "undone", "ticket": TicketId([2; 8]).to_string()})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("not_inside")), "nothing is taken back that was not made here");
    edge.now().silent = false;
    eventually("told", || async { edge.now().departures.len() == 1 }).await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "admit ok SHARED");
}

#[tokio::test]
async fn an_override_that_is_asked_for_again_goes_to_the_box_under_its_number() {
    let (edge, door) = house().await;
    door.scan(&code(1, 1)).await;
    let id = format!("{:032x}", 7);
    let call = |id: &str| {
        json!({"code": code(1, 1), "id": id, "person": "Asha", "reason": "child", "staff": "boss", "pin": "4711"})
            .to_string()
    };
    for _asked_again in 0..2 {
        assert_eq!(door.post("/v1/overrides", call(&id)).await.0, 200);
    }
    assert_eq!(edge.now().override_ids, [json!(id), json!(id)]);
    let (status, problem) = door.post("/v1/overrides", call("7")).await;
    assert_eq!((status, &problem["code"]), (422, &json!("bad_override")));
}
