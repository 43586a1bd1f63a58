//! Entries that are taken back, guests who go out and come back, and whom a supervisor lets in.

use crate::house::{House, PIN, now};
use node::zone::Zone;
use serde_json::{Value, json};
use shared::time::Timestamp;

fn at(offset_s: i64) -> String {
    Zone::utc().rfc3339(Timestamp(now().0 + offset_s * 1000))
}

struct Doors {
    house: House,
    show: String,
    door: String,
    sale: Value,
}

impl Doors {
    async fn open() -> Self {
        let house = House::open().await;
        let show = house.add_show(30).await;
        let door = house.pair("Door A").await;
        let sale = house.sell(&show, &["A1"]).await;
        Self { house, show, door, sale }
    }

    fn ticket(&self) -> &str {
        self.sale["tickets"][0]["ticket"].as_str().unwrap()
    }

    fn code(&self) -> &str {
        self.sale["tickets"][0]["code"].as_str().unwrap()
    }

    async fn scan(&self, id: u8, offset_s: i64) -> Value {
        let local = json!({"verdict": "admit", "code": "ok", "guarantee": "SOLO"});
        let scan = json!([{"id": format!("{id:032x}"), "code": self.code(), "at": at(offset_s), "door": "Door A",
            "local": (offset_s != 0).then_some(local)}]);
        self.house.post("/v1/door/scans", &self.door, scan).await.1[0].clone()
    }

    async fn depart(&self, id: u8, how: &str, offset_s: i64) -> bool {
        self.departed(id, how, offset_s).await["counts"].as_bool().unwrap()
    }

    async fn departed(&self, id: u8, how: &str, offset_s: i64) -> Value {
        let departure = json!([{"id": format!("{id:032x}"), "ticket": self.ticket(), "how": how, "at": at(offset_s), "door": "Door A"}]);
        let (status, answer) = self.house.post("/v1/door/departures", &self.door, departure).await;
        assert_eq!(status, 200, "{answer}");
        answer[0].clone()
    }

    async fn let_people_back(&self) {
        assert_eq!(self.set_way_out(json!({"reentry": true})).await.0, 204);
    }

    async fn set_way_out(&self, setting: Value) -> (u16, Value) {
        let manager = self.house.log_in("manager").await;
        self.house.post(&format!("/v1/shows/{}/door", self.show), &manager, setting).await
    }

    async fn row(&self) -> Value {
        let (_, feed) = self.house.get("/v1/door/feed", &self.door).await;
        feed["tickets"][0].clone()
    }

    async fn discrepancies(&self) -> Vec<Value> {
        let supervisor = self.house.log_in("supervisor").await;
        self.house.get("/v1/discrepancies", &supervisor).await.1["discrepancies"].as_array().unwrap().clone()
    }

    async fn let_in(&self, id: u8, person: &str, staff: &str, pin: &str) -> (u16, Value) {
        let supervisor = json!({"staff": staff, "pin": pin});
        let request = json!({"id": format!("{id:032x}"), "code": self.code(), "door": "Door A", "person": person,
            "reason": "came back with a child", "supervisor": supervisor});
        self.house.post("/v1/door/overrides", &self.door, request).await
    }
}

#[tokio::test]
async fn an_entry_taken_back_within_ten_seconds_may_be_made_again_and_later_it_may_not() {
    let doors = Doors::open().await;
    assert_eq!(doors.scan(1, 0).await["verdict"], "admit");
    assert!(doors.depart(2, "undone", 5).await);
    assert!(doors.depart(2, "undone", 5).await, "told twice it is the same");
    let row = doors.row().await;
    assert!(row["left_at"].is_string(), "the other doors learn of it: {row}");
    assert_eq!(doors.scan(3, 6).await["verdict"], "admit", "nobody came in on it");
    assert!(!doors.depart(4, "undone", 60).await);
    assert_eq!(doors.scan(5, 61).await["code"], "already_admitted");
    let listed = doors.discrepancies().await;
    assert_eq!(listed.len(), 1, "only the last one was a second entry: {listed:?}");
}

#[tokio::test]
async fn guests_come_back_where_the_show_lets_them() {
    let doors = Doors::open().await;
    doors.scan(1, -600).await;
    assert!(!doors.depart(2, "out", -500).await, "this show does not");
    let manager = doors.house.log_in("manager").await;
    let path = format!("/v1/shows/{}/door", doors.show);
    let (status, _) = doors.house.post(&path, &doors.door, json!({"reentry": true})).await;
    assert_eq!(status, 401, "a device sets nothing");
    let (status, _) = doors.house.post(&path, &manager, json!({"reentry": true})).await;
    assert_eq!(status, 204);
    assert_eq!(doors.house.get(&path, &manager).await, (200, json!({"exit": true, "reentry": true})));
    let (_, feed) = doors.house.get("/v1/door/feed", &doors.door).await;
    assert_eq!((&feed["shows"][0]["exit"], &feed["shows"][0]["reentry"]), (&json!(true), &json!(true)));
    assert!(doors.depart(3, "out", -400).await);
    assert_eq!(doors.scan(4, -300).await["verdict"], "admit");
    assert_eq!(doors.row().await["admitted"]["at"].as_str().map(|at| at.len() > 10), Some(true));
    assert_eq!(doors.scan(5, 0).await["verdict"], "already", "one inside is enough");
    assert_eq!(doors.discrepancies().await.len(), 0);
}

#[tokio::test]
async fn whoever_goes_out_of_a_show_that_lets_nobody_back_is_counted_out_and_the_ticket_stays_used() {
    let doors = Doors::open().await;
    let (status, problem) = doors.set_way_out(json!({"exit": false, "reentry": true})).await;
    assert_eq!((status, &problem["code"]), (422, &json!("reentry_needs_exit")));
    assert_eq!(doors.set_way_out(json!({"exit": true, "reentry": false})).await.0, 204);
    let (_, feed) = doors.house.get("/v1/door/feed", &doors.door).await;
    assert_eq!((&feed["shows"][0]["exit"], &feed["shows"][0]["reentry"]), (&json!(true), &Value::Null));
    assert_eq!(doors.scan(1, -60).await["verdict"], "admit");
    let told = |answer: Value| (answer["counts"] == true, answer["gone"] == true);
    assert_eq!(told(doors.departed(2, "out", -50).await), (false, true));
    assert_eq!(told(doors.departed(2, "out", -50).await), (false, true), "told again it is the same one");
    assert_eq!(told(doors.departed(3, "out", -40).await), (false, false), "nobody is inside");
    let row = doors.row().await;
    assert_eq!((row["left_at"].is_null(), row["gone_at"].is_string()), (true, true), "{row}");
    assert_eq!(doors.scan(4, 0).await["code"], "already_admitted");
    assert!(doors.discrepancies().await.is_empty(), "that was a try, and no second entry");
    // A door that was alone has let the guest in again all the same.
    assert_eq!(doors.scan(5, -10).await["code"], "already_admitted");
    assert_eq!(doors.discrepancies().await.len(), 1);
}

#[tokio::test]
async fn a_guest_counted_out_before_the_entry_is_told_is_outside_once_it_is() {
    let doors = Doors::open().await;
    assert_eq!(doors.set_way_out(json!({"exit": true, "reentry": false})).await.0, 204);
    assert_eq!(doors.departed(1, "out", -60).await["gone"], Value::Null, "nobody is known to be inside");
    doors.scan(2, -120).await;
    let row = doors.row().await;
    assert_eq!((row["left_at"].is_null(), row["gone_at"].is_string()), (true, true), "{row}");
    assert_eq!(doors.scan(3, 0).await["code"], "already_admitted");
}

#[tokio::test]
async fn whoever_has_left_cannot_leave_again() {
    let doors = Doors::open().await;
    doors.let_people_back().await;
    assert_eq!(doors.scan(1, -60).await["verdict"], "admit");
    assert!(doors.depart(2, "out", -50).await);
    assert!(!doors.depart(3, "out", -40).await, "nobody is inside");
    assert!(doors.depart(2, "out", -50).await, "told again it is the same one");
    assert_eq!(doors.scan(4, -30).await["verdict"], "admit");
    assert!(doors.depart(5, "out", -20).await);
}

#[tokio::test]
async fn an_entry_told_late_from_before_a_departure_opens_no_ticket_that_is_in_use() {
    let doors = Doors::open().await;
    doors.let_people_back().await;
    doors.scan(1, -600).await;
    assert!(doors.depart(2, "out", -400).await);
    assert_eq!(doors.scan(3, -300).await["verdict"], "admit");
    let late = doors.scan(4, -500).await;
    assert_eq!(late["code"], "already_admitted", "somebody was inside then: {late}");
    assert_eq!(doors.scan(5, 0).await["code"], "already_admitted", "whoever came back is inside");
    let listed = doors.discrepancies().await;
    assert_eq!(listed.len(), 1, "the second guest of the first stay: {listed:?}");
    let (first, second) = (&listed[0]["ours"]["admitted"]["at"], &listed[0]["theirs"]["admitted"]["at"]);
    assert!(first.as_str() < second.as_str(), "{listed:?}");
}

#[tokio::test]
async fn an_entry_and_its_departure_told_late_are_the_stay_before_the_one_that_lasts() {
    let doors = Doors::open().await;
    doors.let_people_back().await;
    assert_eq!(doors.scan(1, -300).await["verdict"], "admit");
    assert_eq!(doors.scan(2, -600).await["verdict"], "admit", "the earlier one");
    assert!(doors.depart(3, "out", -400).await);
    assert_eq!(doors.scan(4, 0).await["code"], "already_admitted", "whoever came back is inside");
    let row = doors.row().await;
    assert!(row["left_at"].as_str() < row["admitted"]["at"].as_str(), "the other doors know it: {row}");
}

#[tokio::test]
async fn a_story_tells_what_the_door_of_its_own_entry_promised() {
    let doors = Doors::open().await;
    assert_eq!(doors.scan(1, 0).await["guarantee"], "SHARED");
    assert_eq!(doors.scan(2, -60).await["verdict"], "admit", "the earlier one");
    let listed = doors.discrepancies().await;
    assert_eq!((listed.len(), &listed[0]["theirs"]["admitted"]["guarantee"]), (1, &json!("SHARED")), "{listed:?}");
}

#[tokio::test]
async fn a_supervisor_lets_in_against_the_verdict_and_both_persons_are_written_down() {
    let doors = Doors::open().await;
    doors.scan(1, 0).await;
    for (id, person, staff, pin, expected) in [
        (2, "Asha", "supervisor", "0000", (401, "wrong_pin")),
        (3, "Asha", "counter", PIN, (403, "role_not_allowed")),
        (4, "supervisor", "supervisor", PIN, (403, "two_persons_needed")),
        (5, " ", "supervisor", PIN, (422, "bad_override")),
    ] {
        let (status, problem) = doors.let_in(id, person, staff, pin).await;
        assert_eq!((status, problem["code"].as_str().unwrap()), expected);
    }
    let (status, verdict) = doors.let_in(6, "Asha", "supervisor", PIN).await;
    assert_eq!(
        (status, &verdict["verdict"], &verdict["code"]),
        (200, &json!("admit"), &json!("overridden")),
        "{verdict}"
    );
    let listed = doors.discrepancies().await;
    assert_eq!(
        (&listed[0]["kind"], &listed[0]["theirs"]["admitted"]["guarantee"]),
        (&json!("admitted_twice"), &json!("OVERRIDE"))
    );
    let db = doors.house.db();
    let persons = "SELECT supervisor || ' ' || person || ' ' || code FROM overrides";
    let persons: Vec<String> =
        db.prepare(persons).unwrap().query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(persons, ["supervisor Asha already_admitted"]);
}

#[tokio::test]
async fn a_supervisor_lets_in_against_what_the_door_alone_refuses() {
    let doors = Doors::open().await;
    let call = |id: u8, refused: Value| {
        json!({"id": format!("{id:032x}"), "code": doors.code(), "door": "Door A", "person": "Asha", "reason": "lift broken",
            "refused": refused, "supervisor": {"staff": "supervisor", "pin": PIN}})
    };
    let ask = async |call: Value| doors.house.post("/v1/door/overrides", &doors.door, call).await;
    let (status, problem) = ask(call(1, Value::Null)).await;
    assert_eq!((status, &problem["code"]), (409, &json!("no_override")), "the box would let the bearer in");
    let (status, problem) = ask(call(2, json!("void"))).await;
    assert_eq!((status, &problem["code"]), (422, &json!("bad_override")), "that is the box's to say");
    let (status, verdict) = ask(call(3, json!("wrong_screen"))).await;
    assert_eq!((status, &verdict["code"]), (200, &json!("overridden")), "{verdict}");
    let code: String = doors.house.db().query_row("SELECT code FROM overrides", [], |row| row.get(0)).unwrap();
    assert_eq!(code, "wrong_screen");
    let listed = doors.discrepancies().await;
    assert_eq!((listed.len(), &listed[0]["kind"]), (1, &json!("admitted_wrong_screen")), "{listed:?}");
    assert_eq!(doors.scan(4, 0).await["code"], "already_admitted");
}

#[tokio::test]
async fn the_certificate_of_a_key_is_a_picture_for_the_door() {
    let doors = Doors::open().await;
    let (_, feed) = doors.house.get("/v1/door/feed", &doors.door).await;
    assert_eq!(feed["certificates"].as_array().unwrap().len(), 2);
    let (status, picture) =
        doors.house.get(&format!("/v1/certificates/{}.svg", doors.house.central_key.key_id()), "").await;
    assert!(status == 200 && picture.as_str().unwrap().contains("<svg"), "{status}");
    for other in ["00000000.svg", "x.svg", "00000000"] {
        let (status, problem) = doors.house.get(&format!("/v1/certificates/{other}"), "").await;
        assert_eq!((status, &problem["code"]), (404, &json!("unknown_key")));
    }
}

#[tokio::test]
async fn a_supervisor_lets_in_by_the_short_code_what_is_booked_under_it() {
    let doors = Doors::open().await;
    doors.scan(1, 0).await;
    let row = doors.row().await;
    let member =
        json!({"ticket": row["ticket"], "seat": row["seat"], "generation": row["generation"], "show": row["show"]});
    let ask = async |id: u8, code: &str, member: &Value| {
        let call = json!({"id": format!("{id:032x}"), "code": code, "member": member, "door": "Door A", "person": "Asha",
            "reason": "came back with a child", "supervisor": {"staff": "supervisor", "pin": PIN}});
        doors.house.post("/v1/door/overrides", &doors.door, call).await
    };
    let short = row["booking"].as_str().expect("a short code");
    for (id, code, member) in [(2, "22222222", &member), (3, short, &Value::Null)] {
        let (status, problem) = ask(id, code, member).await;
        assert_eq!((status, &problem["code"]), (409, &json!("no_override")), "{code}: {problem}");
    }
    let (status, verdict) = ask(4, short, &member).await;
    assert_eq!((status, &verdict["code"], &verdict["seat"]), (200, &json!("overridden"), &json!("A1")), "{verdict}");
    let listed = doors.discrepancies().await;
    assert_eq!((listed.len(), &listed[0]["kind"]), (1, &json!("admitted_twice")), "{listed:?}");
    let persons = "SELECT supervisor || ' ' || person || ' ' || code FROM overrides";
    let persons: String = doors.house.db().query_row(persons, [], |row| row.get(0)).expect("both persons");
    assert_eq!(persons, "supervisor Asha already_admitted");
}

#[tokio::test]
async fn a_departure_that_is_told_before_its_entry_counts_once_the_entry_is_known() {
    let doors = Doors::open().await;
    doors.let_people_back().await;
    assert!(!doors.depart(1, "out", -60).await, "nobody is known to be inside");
    doors.scan(2, -120).await;
    assert!(
        doors.row().await["left_at"].is_string(),
        "the door of the entry has told of it, and the others hear of it"
    );
    assert_eq!(doors.scan(3, 0).await["verdict"], "admit", "the guest is back");
    assert_eq!(doors.scan(4, 0).await["code"], "already_admitted");
    assert!(doors.discrepancies().await.is_empty(), "nobody came in twice");
}

#[tokio::test]
async fn a_guest_who_is_back_before_both_doors_have_told_came_in_once_each_time() {
    let doors = Doors::open().await;
    doors.let_people_back().await;
    assert!(!doors.depart(1, "out", -60).await);
    assert_eq!(doors.scan(3, 0).await["verdict"], "admit");
    doors.scan(2, -120).await;
    assert!(doors.discrepancies().await.is_empty(), "each stay is known");
    assert_eq!(doors.scan(4, 0).await["code"], "already_admitted");
}

#[tokio::test]
async fn an_override_that_is_asked_for_again_is_the_same_one() {
    let doors = Doors::open().await;
    doors.scan(1, 0).await;
    for _asked_again in 0..2 {
        let (status, view) = doors.let_in(7, "Asha", "supervisor", PIN).await;
        assert_eq!((status, &view["code"]), (200, &json!("overridden")), "{view}");
    }
    let overrides: u32 = doors.house.db().query_row("SELECT count(*) FROM overrides", [], |row| row.get(0)).unwrap();
    assert_eq!((overrides, doors.discrepancies().await.len()), (1, 1));
}
