//! Company: the others of a booking come in with the one whose code was read.

use crate::answer;
use crate::fake_edge::{FakeEdge, SHOW, code, page, show, ticket};
use crate::test_door::{TestDoor, eventually};
use serde_json::{Value, json};
use shared::ids::TicketId;

/// Tickets 1 to 4 of one booking on C1 to C4, the last one void; ticket 5 is somebody else's.
fn booked() -> Vec<Value> {
    let of = |number: u8, state: &str, booking: &str| {
        let mut row = ticket(number, number.into(), state);
        row["booking"] = json!(booking);
        row
    };
    let ours = "7KQ2MXPA";
    let mut rows: Vec<Value> = (1..4).map(|number| of(number, "live", ours)).collect();
    rows.extend([of(4, "void", ours), of(5, "live", "22222222")]);
    rows
}

async fn party() -> (FakeEdge, TestDoor) {
    let edge = FakeEdge::start().await;
    edge.now().pages.push(page(&[show()], &booked()));
    let door = TestDoor::start(&edge).await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    (edge, door)
}

fn id(number: u8) -> String {
    TicketId([number; 8]).to_string()
}

async fn enter(door: &TestDoor, with: u8, tickets: &[u8]) -> (u16, Value) {
    let tickets: Vec<String> = tickets.iter().map(|number| id(*number)).collect();
    door.post("/v1/groups", json!({"with": id(with), "tickets": tickets}).to_string()).await
}

fn answers(view: &Value) -> Vec<String> {
    view["verdicts"].as_array().expect("verdicts").iter().map(answer).collect()
}

fn seats(view: &Value) -> Vec<&str> {
    view["group"].as_array().into_iter().flatten().map(|one| one["seat"].as_str().expect("seat")).collect()
}

#[tokio::test]
async fn a_green_verdict_tells_who_of_the_booking_is_outside_and_they_come_in_each_with_a_scan_of_their_own() {
    let (edge, door) = party().await;
    let green = door.scan(&code(1, 1)).await;
    assert_eq!((answer(&green).as_str(), seats(&green)), ("admit ok SHARED", vec!["C2", "C3"]));
    let (status, view) = enter(&door, 1, &[2, 3]).await;
    assert_eq!((status, answers(&view)), (200, vec!["admit ok SHARED".into(), "admit ok SHARED".into()]), "{view}");
    assert_eq!((&view["verdicts"][1]["seat"], &view["verdicts"][1]["ticket"]), (&json!("C3"), &json!(id(3))));
    let scans: Vec<Value> = edge.now().scans.values().cloned().collect();
    assert_eq!(scans.len(), 3, "each has its own");
    assert!(scans.iter().all(|scan| scan["code"] == code(1, 1).as_str()), "by the code that was read");
    assert_eq!(door.status().await["counts"]["inside"], 3);
    // Whoever shows a code of their own afterwards is in already, wherever that is asked.
    assert_eq!(answer(&door.scan(&code(2, 2)).await), "already already_admitted SHARED");
    edge.now().silent = true;
    assert_eq!(answer(&door.scan(&code(3, 3)).await), "already already_admitted SOLO");
}

#[tokio::test]
async fn a_door_that_is_alone_lets_company_in_and_tells_of_each_later() {
    let (edge, door) = party().await;
    edge.now().silent = true;
    let green = door.scan(&code(2, 2)).await;
    assert_eq!((answer(&green).as_str(), seats(&green)), ("admit ok SOLO", vec!["C1", "C3"]));
    let (_, view) = enter(&door, 2, &[3]).await;
    assert_eq!(answers(&view), ["admit ok SOLO"]);
    // One of them had come in by itself, one is cancelled: each is told by its own verdict.
    let (_, view) = enter(&door, 2, &[1, 3, 4]).await;
    assert_eq!(answers(&view), ["admit ok SOLO", "already already_admitted SOLO", "refuse void SOLO"]);
    assert_eq!(view["verdicts"][1]["first"]["door"], "Door A");
    let queued = door.queue();
    assert_eq!(queued.len(), 5);
    edge.now().silent = false;
    eventually("told", || async { door.status().await["queued"] == 0 }).await;
    let edge = edge.now();
    let told: Vec<_> = queued.iter().map(|scan| &edge.scans[scan]).collect();
    assert_eq!(told[0].get("member"), None, "the one that was read");
    assert_eq!(told[1]["member"], json!({"ticket": id(3), "seat": "C3", "generation": 0, "show": SHOW}));
    assert_eq!(edge.admitted.len(), 4, "what is decided here is a fact there");
}

#[tokio::test]
async fn an_edge_that_falls_silent_in_the_middle_leaves_one_scan_for_each() {
    let (edge, door) = party().await;
    door.scan(&code(1, 1)).await;
    edge.now().silent = true;
    let (_, view) = enter(&door, 1, &[2, 3]).await;
    assert_eq!(answers(&view), ["admit ok SOLO", "admit ok SOLO"]);
    edge.now().silent = false;
    eventually("told", || async { door.status().await["queued"] == 0 }).await;
    assert_eq!(edge.now().scans.len(), 3);
}

#[tokio::test]
async fn a_lost_answer_to_a_short_code_is_the_same_one_when_nobody_else_of_the_booking_is_left() {
    let (_edge, door) = party().await;
    choose(&door, "7KQ2MXPA", &[1, 3]).await;
    let asked = json!({"code": "7KQ2MXPA", "id": "00000000000000000000000000000009"}).to_string();
    for _ in 0..2 {
        let (_, view) = door.post("/v1/scan", asked.clone()).await;
        assert_eq!((answer(&view).as_str(), &view["seat"]), ("admit ok SHARED", &json!("C2")), "{view}");
    }
    assert_eq!(answer(&door.scan("7KQ2MXPA").await), "already already_admitted SHARED");
}

#[tokio::test]
async fn company_comes_with_somebody_who_was_let_in_here_and_of_the_same_booking_only() {
    let (_edge, door) = party().await;
    let refused = |(status, problem): (u16, Value)| (status, problem["code"].as_str().unwrap_or("?").to_owned());
    assert_eq!(refused(enter(&door, 1, &[2]).await), (409, "not_let_in_here".into()));
    door.scan(&code(1, 1)).await;
    assert_eq!(refused(enter(&door, 1, &[5]).await), (409, "not_in_group".into()));
    assert_eq!(refused(enter(&door, 1, &[2, 5]).await), (409, "not_in_group".into()));
    assert_eq!(refused(enter(&door, 1, &[1]).await), (409, "not_in_group".into()));
    assert_eq!(refused(enter(&door, 1, &[]).await), (422, "bad_group".into()));
    assert_eq!(
        refused(door.post("/v1/groups", json!({"with": "x", "tickets": ["y"]}).to_string()).await).1,
        "bad_group"
    );
    door.post("/v1/departures", json!({"how": "undone", "ticket": id(1)}).to_string()).await;
    assert_eq!(refused(enter(&door, 1, &[2]).await), (409, "not_let_in_here".into()), "it was taken back");
    assert_eq!(door.status().await["admitted"], 0, "nobody came in by this");
}

#[tokio::test]
async fn a_group_is_taken_back_at_once_and_whoever_was_not_in_is_named() {
    let (edge, door) = party().await;
    door.scan(&code(1, 1)).await;
    enter(&door, 1, &[2, 3]).await;
    let undone = json!({"how": "undone", "tickets": [id(1), id(2), id(3), id(5)]});
    let (status, view) = door.post("/v1/departures", undone.to_string()).await;
    assert_eq!((status, &view["shared"]), (200, &json!(true)), "{view}");
    assert_eq!(view["stay"], json!([{"ticket": id(5), "code": "not_inside"}]));
    assert_eq!((door.status().await["admitted"].clone(), edge.now().departures.len()), (json!(0), 3));
    let green = door.scan(&code(1, 1)).await;
    assert_eq!(seats(&green), ["C2", "C3"], "they are outside again");
    let none = json!({"how": "undone", "tickets": []});
    assert_eq!(door.post("/v1/departures", none.to_string()).await.0, 422);
}

#[tokio::test]
async fn company_outlives_a_restart_of_the_device() {
    let (edge, door) = party().await;
    edge.now().silent = true;
    door.scan(&code(1, 1)).await;
    enter(&door, 1, &[2]).await;
    let data = door.stop().await;
    let door = TestDoor::reopen(data, |config| config.edge = "http://127.0.0.1:9".into()).await;
    let (_, view) = enter(&door, 1, &[2, 3]).await;
    let told = answers(&view);
    assert!(told[0].starts_with("already") && told[1].starts_with("admit"), "{told:?}");
    door.stop().await;
}

// --- by the short code alone

async fn choose(door: &TestDoor, booking: &str, tickets: &[u8]) -> (u16, Value) {
    let tickets: Vec<String> = tickets.iter().map(|number| id(*number)).collect();
    door.post("/v1/groups", json!({"booking": booking, "tickets": tickets}).to_string()).await
}

#[tokio::test]
async fn one_ticket_comes_in_by_the_short_code_of_its_booking_and_only_once() {
    let (edge, door) = party().await;
    let green = door.scan("2222 2222").await;
    assert_eq!((answer(&green).as_str(), &green["seat"]), ("admit ok SHARED", &json!("C5")));
    assert_eq!(answer(&door.scan("22222222").await), "already already_admitted SHARED");
    assert_eq!(answer(&door.scan(&code(5, 5)).await), "already already_admitted SHARED", "nor by its own code");
    {
        let edge = edge.now();
        let scan = edge.scans.values().next().expect("told");
        assert_eq!((&scan["code"], &scan["member"]["show"]), (&json!("22222222"), &json!(SHOW)));
        assert_eq!((&scan["member"]["ticket"], &scan["member"]["seat"]), (&json!(id(5)), &json!("C5")));
    }
    edge.now().silent = true;
    assert_eq!(answer(&door.scan("2222-2222").await), "already already_admitted SOLO");
}

#[tokio::test]
async fn of_several_under_a_short_code_somebody_chooses_who_comes_in() {
    let (edge, door) = party().await;
    let asked = door.scan("7kq2mxpa").await;
    assert_eq!((answer(&asked).as_str(), seats(&asked)), ("unknown choose_tickets SOLO", vec!["C1", "C2", "C3"]));
    assert_eq!((&asked["booking"], edge.now().scans.len()), (&json!("7KQ2MXPA"), 0), "nobody is in yet");
    edge.now().silent = true;
    let (status, view) = choose(&door, "7KQ2MXPA", &[3, 1]).await;
    assert_eq!((status, answers(&view)), (200, vec!["admit ok SOLO".into(), "admit ok SOLO".into()]), "{view}");
    // One is left of those that are good, so there is nobody to choose from.
    let last = door.scan("7KQ2MXPA").await;
    assert_eq!((answer(&last).as_str(), &last["seat"]), ("admit ok SOLO", &json!("C2")));
    assert_eq!(answer(&door.scan("7KQ2MXPA").await), "already already_admitted SOLO");
    edge.now().silent = false;
    eventually("told", || async { door.status().await["queued"] == 0 }).await;
    assert_eq!(edge.now().admitted.len(), 3);
    assert!(edge.now().scans.values().all(|scan| scan["code"] == "7KQ2MXPA" && scan["member"]["show"] == SHOW));
}

#[tokio::test]
async fn company_comes_with_somebody_who_was_let_in_by_the_short_code() {
    let (_edge, door) = party().await;
    let (_, view) = choose(&door, "7KQ2MXPA", &[1]).await;
    assert_eq!(answers(&view), ["admit ok SHARED"]);
    let (status, view) = enter(&door, 1, &[2]).await;
    assert_eq!((status, answers(&view)), (200, vec!["admit ok SHARED".into()]), "{view}");
    let refused = |(status, problem): (u16, Value)| (status, problem["code"].as_str().unwrap_or("?").to_owned());
    assert_eq!(refused(choose(&door, "7KQ2MXPA", &[5]).await), (409, "not_in_group".into()), "another booking's");
    assert_eq!(refused(choose(&door, "33333333", &[1]).await), (409, "not_in_group".into()));
    assert_eq!(refused(choose(&door, "7KQ2MXP0", &[1]).await), (422, "bad_group".into()), "no short code");
    let both = json!({"with": id(1), "booking": "7KQ2MXPA", "tickets": [id(2)]});
    assert_eq!(refused(door.post("/v1/groups", both.to_string()).await).1, "bad_group");
}

#[tokio::test]
async fn short_codes_are_not_guessed_at_and_tickets_are_scanned_all_the_same() {
    let (_edge, door) = party().await;
    for number in 2..12 {
        let wrong = format!("3333333{}", ["2", "3", "4", "5", "6", "7", "8", "9", "A", "B"][number - 2]);
        assert_eq!(answer(&door.scan(&wrong).await), "unknown code_not_known SOLO");
    }
    assert_eq!(answer(&door.scan("22222222").await), "unknown too_many_codes SOLO", "even a right one");
    assert_eq!(answer(&door.scan(&code(5, 5)).await), "admit ok SHARED");
}

#[tokio::test]
async fn a_short_code_whose_ticket_is_cancelled_is_red() {
    let edge = FakeEdge::start().await;
    let mut row = ticket(4, 4, "void");
    row["booking"] = json!("22222222");
    edge.now().pages.push(page(&[show()], &[row]));
    let door = TestDoor::start(&edge).await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    edge.now().silent = true;
    assert_eq!(answer(&door.scan("22222222").await), "refuse void SOLO");
}
