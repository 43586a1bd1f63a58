//! Devices, the feed and the scans.

use crate::house::{House, now, read};
use node::zone::Zone;
use serde_json::{Value, json};
use shared::ids::ShowNumber;
use shared::keys::SecretKey;
use shared::time::Timestamp;

fn at(offset_s: i64) -> String {
    Zone::utc().rfc3339(Timestamp(now().0 + offset_s * 1000))
}

fn scan(id: u8, code: &str, door: &str) -> Value {
    json!({"id": format!("{id:032x}"), "code": code, "at": at(0), "door": door, "local": null})
}

fn happened(id: u8, code: &str, door: &str, offset_s: i64) -> Value {
    let local = json!({"verdict": "admit", "code": "ok", "guarantee": "SOLO"});
    json!({"id": format!("{id:032x}"), "code": code, "at": at(offset_s), "door": door, "local": local})
}

fn code_of(sale: &Value, index: usize) -> String {
    sale["tickets"][index]["code"].as_str().unwrap().to_owned()
}

async fn upload(house: &House, token: &str, scans: Vec<Value>) -> Vec<Value> {
    let (status, answers) = house.post("/v1/door/scans", token, json!(scans)).await;
    assert_eq!(status, 200, "{answers}");
    answers.as_array().unwrap().clone()
}

async fn feed(house: &House, token: &str, after: &str) -> Value {
    let (status, feed) = house.get(&format!("/v1/door/feed?after={after}"), token).await;
    assert_eq!(status, 200, "{feed}");
    feed
}

#[tokio::test]
async fn a_device_pairs_once_and_then_has_a_token_of_its_own() {
    let house = House::open().await;
    let manager = house.log_in("manager").await;
    let (_, device) = house.post("/v1/devices", &manager, json!({"name": "Door A", "kind": "scanner"})).await;
    let url = device["pair_url"].as_str().unwrap();
    let (status, paired) = read(house.client.post(url).send().await.unwrap()).await;
    assert_eq!((status, &paired["device"], &paired["name"]), (200, &json!("d1"), &json!("Door A")));
    assert_eq!((&paired["theatre"]["id"], paired["certificates"].as_array().unwrap().len()), (&json!(12), 2));
    let (status, problem) = read(house.client.post(url).send().await.unwrap()).await;
    assert_eq!((status, &problem["code"]), (401, &json!("pairing_over")));
    let (status, problem) = house.get("/v1/door/feed", &manager).await;
    assert_eq!((status, &problem["code"]), (401, &json!("device_token_required")), "a person is no device");
    let (_, list) = house.get("/v1/devices", &manager).await;
    assert_eq!((&list["devices"][1]["name"], &list["devices"][1]["paired"]), (&json!("Door A"), &json!(true)));
}

#[tokio::test]
async fn the_feed_tells_what_changed_and_starts_over_on_a_strange_cursor() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let door = house.pair("Door A").await;
    let sale = house.sell(&show, &["A1"]).await;
    let first = feed(&house, &door, "").await;
    assert_eq!((&first["reset"], &first["more"]), (&json!(true), &json!(false)));
    assert_eq!((&first["shows"][0]["title"], &first["tickets"][0]["seat"]), (&json!("The Late Show"), &json!("A1")));
    assert_eq!(
        (&first["tickets"][0]["ticket"], &first["tickets"][0]["state"]),
        (&sale["tickets"][0]["ticket"], &json!("live"))
    );
    assert_eq!((first["boot"].as_str().unwrap().len(), first["certificates"].as_array().unwrap().len()), (16, 2));
    let cursor = first["cursor"].as_str().unwrap().to_owned();
    let quiet = feed(&house, &door, &cursor).await;
    assert_eq!((&quiet["reset"], &quiet["tickets"], &quiet["cursor"]), (&json!(false), &json!([]), &json!(cursor)));
    upload(&house, &door, vec![scan(1, &code_of(&sale, 0), "Door A")]).await;
    let next = feed(&house, &door, &cursor).await;
    assert_eq!((&next["reset"], &next["tickets"][0]["admitted"]["door"]), (&json!(false), &json!("Door A")));
    let strange = feed(&house, &door, "0000000000000001.3.00").await;
    assert_eq!(strange["reset"], true);
    assert_eq!(strange["tickets"][0]["admitted"]["door"], "Door A");
}

#[tokio::test]
async fn the_feed_says_what_an_answer_promises() {
    let mut house = House::open().await;
    let (a, b) = (house.pair("Door A").await, house.pair("Door B").await);
    house.stop().await;
    house.start().await;
    assert_eq!(feed(&house, &a, "").await["guarantee"], "SOLO", "Door B was not heard since the start");
    assert_eq!(feed(&house, &b, "").await["guarantee"], "SHARED");
    let cursor = feed(&house, &a, "").await["cursor"].as_str().unwrap().to_owned();
    assert_eq!(feed(&house, &a, &cursor).await["guarantee"], "SHARED");
}

#[tokio::test]
async fn a_long_poll_ends_when_there_is_news() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let door = house.pair("Door A").await;
    let cursor = feed(&house, &door, "").await["cursor"].as_str().unwrap().to_owned();
    let url = house.url(&format!("/v1/door/feed?after={cursor}&wait_s=20"));
    let waiting = tokio::spawn(house.client.get(url).bearer_auth(&door).send());
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(!waiting.is_finished());
    house.sell(&show, &["B1"]).await;
    let (status, news) = read(waiting.await.unwrap().unwrap()).await;
    assert_eq!((status, &news["tickets"][0]["seat"]), (200, &json!("B1")));
}

#[tokio::test]
async fn a_ticket_is_green_once_in_the_house_and_yellow_after() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (a, b) = (house.pair("Door A").await, house.pair("Door B").await);
    let sale = house.sell(&show, &["A1"]).await;
    let code = code_of(&sale, 0);
    let green = upload(&house, &a, vec![scan(1, &code, "Door A")]).await;
    assert_eq!(
        (&green[0]["verdict"], &green[0]["code"], &green[0]["guarantee"]),
        (&json!("admit"), &json!("ok"), &json!("SHARED"))
    );
    assert_eq!(
        (&green[0]["seat"], &green[0]["show"], &green[0]["screen"]),
        (&json!("A1"), &json!("The Late Show"), &json!(1))
    );
    let yellow = upload(&house, &b, vec![scan(2, &code.to_lowercase(), "Door B")]).await;
    assert_eq!((&yellow[0]["verdict"], &yellow[0]["first"]["door"]), (&json!("already"), &json!("Door A")));
    let again = upload(&house, &a, vec![scan(1, &code, "Door A")]).await;
    assert_eq!(again, green, "the same scan gets the same answer");
}

#[tokio::test]
async fn many_doors_at_once_admit_a_ticket_once() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let door = house.pair("Door A").await;
    let code = code_of(&house.sell(&show, &["A1"]).await, 0);
    let tries: Vec<_> = (0..30u8)
        .map(|id| {
            let request = house.client.post(house.url("/v1/door/scans")).bearer_auth(&door);
            tokio::spawn(request.json(&json!([scan(id, &code, &format!("Door {id}"))])).send())
        })
        .collect();
    let mut admitted = 0;
    for one in tries {
        let (_, answer) = read(one.await.unwrap().unwrap()).await;
        admitted += u32::from(answer[0]["verdict"] == "admit");
    }
    assert_eq!(admitted, 1);
}

#[tokio::test]
async fn forged_foreign_unknown_and_void_tickets_are_told_apart() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let number = ShowNumber(show.split('-').nth(1).unwrap().parse().unwrap());
    let door = house.pair("Door A").await;
    let good = code_of(&house.sell(&show, &["A1"]).await, 0);
    let voided = house.sell(&show, &["A3"]).await;
    let supervisor = house.log_in("supervisor").await;
    let path = format!("/v1/sales/{}/void", voided["sale"].as_str().unwrap());
    house.post(&path, &supervisor, json!({"reason": "x", "paper_surrendered": true})).await;
    let mut forged = good.clone();
    let at = forged.len() - 9..forged.len() - 8;
    let other = if &forged[at.clone()] == "A" { "Q" } else { "A" };
    forged.replace_range(at, other);
    let stranger = SecretKey::from_seed(&[77; 32]);
    let edge_key = edge::identity::load(house.data.path()).unwrap().key;
    let central = &house.central_key;
    let table = [
        (good, "admit", "ok"),
        (forged, "refuse", "bad_signature"),
        ("HELLO".to_owned(), "refuse", "malformed"),
        (house.foreign_ticket(central, 13, number, 1), "refuse", "wrong_theatre"),
        (house.foreign_ticket(&stranger, 12, number, 2), "unknown", "unknown_key"),
        (house.foreign_ticket(&edge_key, 12, number, 3), "unknown", "not_in_book"),
        (house.foreign_ticket(central, 12, number, 4), "admit", "ok"),
        (house.foreign_ticket(central, 12, number, 5), "already", "seat_taken"),
        (house.foreign_ticket(central, 12, ShowNumber(99), 6), "admit", "show_not_known"),
        (code_of(&voided, 0), "refuse", "void"),
    ];
    for (id, (code, verdict, reason)) in (0u8..).zip(table) {
        let answer = upload(&house, &door, vec![scan(id, &code, "Door A")]).await;
        assert_eq!((&answer[0]["verdict"], &answer[0]["code"]), (&json!(verdict), &json!(reason)), "{}", answer[0]);
    }
}

#[tokio::test]
async fn what_happened_at_two_doors_that_could_not_ask_is_merged_and_listed() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (a, b) = (house.pair("Door A").await, house.pair("Door B").await);
    let code = code_of(&house.sell(&show, &["A1"]).await, 0);
    let first = upload(&house, &a, vec![happened(1, &code, "Door A", -60)]).await;
    assert_eq!((&first[0]["verdict"], &first[0]["code"]), (&json!("admit"), &json!("ok")));
    let earlier = upload(&house, &b, vec![happened(2, &code, "Door B", -90)]).await;
    assert_eq!(earlier[0]["verdict"], "admit", "the earliest is the admission: {}", earlier[0]);
    let third = upload(&house, &b, vec![happened(3, &code, "Door B", -30)]).await;
    assert_eq!((&third[0]["verdict"], &third[0]["first"]["door"]), (&json!("already"), &json!("Door B")));
    upload(&house, &b, vec![happened(3, &code, "Door B", -30)]).await;
    let supervisor = house.log_in("supervisor").await;
    let (_, list) = house.get("/v1/discrepancies", &supervisor).await;
    let list = list["discrepancies"].as_array().unwrap().clone();
    let doors = |one: &Value| (one["theirs"]["admitted"]["door"].clone(), one["ours"]["admitted"]["door"].clone());
    let told: Vec<_> = list.iter().map(doors).collect();
    assert_eq!(told, [(json!("Door A"), json!("Door B")), (json!("Door B"), json!("Door B"))], "{list:?}");
    assert!(list.iter().all(|one| one["kind"] == "admitted_twice" && one["theirs"]["admitted"]["guarantee"] == "SOLO"));
}

#[tokio::test]
async fn a_door_that_got_no_answer_in_time_merges_what_it_did_under_the_same_scan() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (a, b) = (house.pair("Door A").await, house.pair("Door B").await);
    let code = code_of(&house.sell(&show, &["A1"]).await, 0);
    upload(&house, &a, vec![scan(1, &code, "Door A")]).await;
    let refused = upload(&house, &b, vec![scan(2, &code, "Door B")]).await;
    assert_eq!(refused[0]["verdict"], "already");
    let merged = upload(&house, &b, vec![happened(2, &code, "Door B", 0)]).await;
    assert_eq!(merged[0]["verdict"], "already");
    let (_, status) = house.get("/v1/status", "").await;
    assert_eq!(status["door_discrepancies"], 1, "{status}");
}

#[tokio::test]
async fn a_number_that_a_device_uses_for_two_codes_is_two_scans_and_each_has_its_own_answer() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let door = house.pair("Door A").await;
    let sale = house.sell(&show, &["A1", "A2"]).await;
    let (first, second) = (code_of(&sale, 0), code_of(&sale, 1));
    let green = upload(&house, &door, vec![scan(1, &first, "Door A")]).await;
    assert_eq!((&green[0]["verdict"], &green[0]["seat"]), (&json!("admit"), &json!("A1")));
    let other = upload(&house, &door, vec![scan(1, &second, "Door A")]).await;
    assert_eq!(
        (&other[0]["verdict"], &other[0]["seat"], &other[0]["id"]),
        (&json!("admit"), &json!("A2"), &green[0]["id"])
    );
    let forged = format!("{}7", &first[..first.len() - 1]);
    let red = upload(&house, &door, vec![scan(1, &forged, "Door A")]).await;
    assert_ne!(red[0]["verdict"], "admit", "not the answer of the first one: {}", red[0]);
    assert_eq!(upload(&house, &door, vec![scan(1, &first.to_lowercase(), "Door A")]).await, green, "each asked again");
    assert_eq!(upload(&house, &door, vec![scan(1, &second, "Door A")]).await, other);
    let stored: u32 = house.db().query_row("SELECT count(*) FROM scans", [], |row| row.get(0)).unwrap();
    assert_eq!(stored, 3, "none is lost");
    // Company by the code that was read is a scan of its own under whatever number.
    let mut company = scan(1, &first, "Door A");
    company["member"] = json!({"ticket": sale["tickets"][1]["ticket"], "seat": "A2", "generation": 0});
    let yellow = upload(&house, &door, vec![company]).await;
    assert_eq!((&yellow[0]["seat"], &yellow[0]["verdict"]), (&json!("A2"), &json!("already")));
}

#[tokio::test]
async fn a_void_at_the_doors_waits_for_every_scanner_that_counts() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (a, b) = (house.pair("Door A").await, house.pair("Door B").await);
    let sale = house.sell(&show, &["A1"]).await;
    let supervisor = house.log_in("supervisor").await;
    let path = format!("/v1/sales/{}/void", sale["sale"].as_str().unwrap());
    let (status, view) = house.post(&path, &supervisor, json!({"reason": "wrong show"})).await;
    assert_eq!((status, &view["state"]), (200, &json!("void_requested")));
    assert_eq!(house.state_of(&show, "A1").await, "sold");
    let at_a = feed(&house, &a, "").await;
    assert_eq!(at_a["tickets"][0]["state"], "void_requested");
    let blocked = upload(&house, &a, vec![scan(1, &code_of(&sale, 0), "Door A")]).await;
    assert_eq!((&blocked[0]["verdict"], &blocked[0]["code"]), (&json!("refuse"), &json!("void")));
    feed(&house, &a, at_a["cursor"].as_str().unwrap()).await;
    assert_eq!(house.state_of(&show, "A1").await, "sold", "Door B has not said that it knows");
    let cursor = feed(&house, &b, "").await["cursor"].as_str().unwrap().to_owned();
    feed(&house, &b, &format!("{cursor}&queued=1")).await;
    assert_eq!(house.state_of(&show, "A1").await, "sold", "Door B has scans to upload first");
    feed(&house, &b, &cursor).await;
    assert_eq!(house.state_of(&show, "A1").await, "free");
    let (_, view) = house.post(&path, &supervisor, json!({"reason": "wrong show"})).await;
    assert_eq!(view["state"], "voided");
}

#[tokio::test]
async fn a_void_does_not_wait_for_a_scanner_declared_off() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    house.pair("Door A").await;
    let sale = house.sell(&show, &["A1"]).await;
    let (supervisor, manager) = (house.log_in("supervisor").await, house.log_in("manager").await);
    let path = format!("/v1/sales/{}/void", sale["sale"].as_str().unwrap());
    house.post(&path, &supervisor, json!({"reason": "x"})).await;
    assert_eq!(house.state_of(&show, "A1").await, "sold");
    let (status, _) = house.post("/v1/devices/d1", &manager, json!({"off": true})).await;
    assert_eq!(status, 204);
    assert_eq!(house.state_of(&show, "A1").await, "free");
}

#[tokio::test]
async fn a_scanner_declared_off_is_refused_until_it_is_on_again_and_what_it_did_is_stored() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (a, b) = (house.pair("Door A").await, house.pair("Door B").await);
    let sale = house.sell(&show, &["A1", "A2"]).await;
    let manager = house.log_in("manager").await;
    let declare = async |off: bool| house.post("/v1/devices/d1", &manager, json!({"off": off})).await.0;
    let cursor = feed(&house, &a, "").await["cursor"].as_str().unwrap().to_owned();
    let url = house.url(&format!("/v1/door/feed?after={cursor}&wait_s=20"));
    let waiting = tokio::spawn(house.client.get(url).bearer_auth(&a).send());
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(declare(true).await, 204);
    assert_eq!(read(waiting.await.unwrap().unwrap()).await.0, 401, "who waits for news hears of it at once");
    let persons = json!({"id": format!("{:032x}", 9), "code": code_of(&sale, 0), "door": "Door A", "person": "Asha", "reason": "x",
        "supervisor": {"staff": "supervisor", "pin": crate::house::PIN}});
    let refused = [
        house.get("/v1/door/feed", &a).await,
        house.post("/v1/door/scans", &a, json!([scan(1, &code_of(&sale, 0), "Door A")])).await,
        house
            .post("/v1/door/scans", &a, json!([happened(2, &code_of(&sale, 0), "Door A", -5), scan(1, "x", "Door A")]))
            .await,
        house.post("/v1/door/overrides", &a, persons).await,
        house.post("/v1/door/witness", &a, json!({"kept": null, "after": null, "entries": null})).await,
    ];
    for (status, problem) in refused {
        assert_eq!((status, &problem["code"]), (401, &json!("device_off")), "{problem}");
    }
    let stored = upload(&house, &a, vec![happened(2, &code_of(&sale, 0), "Door A", -5)]).await;
    assert_eq!(stored[0]["verdict"], "admit", "somebody walked in before");
    let out = json!([{"id": format!("{:032x}", 3), "ticket": sale["tickets"][0]["ticket"], "how": "undone", "at": at(0), "door": "Door A"}]);
    assert_eq!(house.post("/v1/door/departures", &a, out).await.0, 200);
    let yellow =
        upload(&house, &b, vec![happened(4, &code_of(&sale, 1), "Door B", 0), scan(5, &code_of(&sale, 1), "Door B")])
            .await;
    assert_eq!(yellow[1]["verdict"], "already", "the others go on");
    assert_eq!(declare(false).await, 204);
    feed(&house, &a, "").await;
    assert_eq!(upload(&house, &a, vec![scan(6, &code_of(&sale, 1), "Door A")]).await[0]["code"], "already_admitted");
}

#[tokio::test]
async fn a_scan_that_cannot_be_read_is_refused_and_a_late_entry_beats_a_void() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let door = house.pair("Door A").await;
    let (status, problem) =
        house.post("/v1/door/scans", &door, json!([{"id": "1", "code": "x", "at": at(0), "door": "A"}])).await;
    assert_eq!((status, &problem["code"]), (422, &json!("bad_scan")));
    let sale = house.sell(&show, &["A1"]).await;
    let supervisor = house.log_in("supervisor").await;
    let path = format!("/v1/sales/{}/void", sale["sale"].as_str().unwrap());
    house.post(&path, &supervisor, json!({"reason": "x"})).await;
    upload(&house, &door, vec![happened(1, &code_of(&sale, 0), "Door A", -5)]).await;
    assert_eq!(house.state_of(&show, "A1").await, "sold", "somebody sits there");
    let (status, problem) = house.post(&path, &supervisor, json!({"reason": "x"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("already_admitted")));
}

#[tokio::test]
async fn a_void_after_the_show_waits_for_scanners_that_may_hold_an_entry() {
    let mut house = House::open().await;
    let show = house.add_show(30).await;
    let door = house.pair("Door A").await;
    let sale = house.sell(&show, &["A1"]).await;
    feed(&house, &door, "").await;
    house.stop().await;
    house.turn_clock(5 * 3600);
    house.start().await;
    let supervisor = house.log_in("supervisor").await;
    let path = format!("/v1/sales/{}/void", sale["sale"].as_str().unwrap());
    let (status, view) = house.post(&path, &supervisor, json!({"reason": "did not come"})).await;
    assert_eq!((status, &view["state"]), (200, &json!("void_requested")), "Door A was not heard since: {view}");
    upload(&house, &door, vec![happened(1, &code_of(&sale, 0), "Door A", 1800)]).await;
    let (status, problem) = house.post(&path, &supervisor, json!({"reason": "did not come"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("already_admitted")));
}

#[tokio::test]
async fn a_second_ticket_for_a_seat_that_is_taken_is_listed_once_with_both_tickets() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let number = ShowNumber(show.split('-').nth(1).unwrap().parse().unwrap());
    let door = house.pair("Door A").await;
    let ticket = |id| house.foreign_ticket(&house.central_key, 12, number, id);
    upload(&house, &door, vec![scan(1, &ticket(1), "Door A")]).await;
    for id in [2, 3] {
        let second = upload(&house, &door, vec![scan(id, &ticket(2), "Door A")]).await;
        assert_eq!((&second[0]["verdict"], &second[0]["code"]), (&json!("already"), &json!("seat_taken")));
    }
    let supervisor = house.log_in("supervisor").await;
    let (_, list) = house.get("/v1/discrepancies", &supervisor).await;
    let list = list["discrepancies"].as_array().unwrap();
    assert_eq!(list.len(), 1, "{list:?}");
    assert_eq!((&list[0]["kind"], &list[0]["proposed"]["code"]), (&json!("seat_taken"), &json!("refund_second")));
    let seat = &list[0]["ours"]["seats"][0];
    assert_eq!((&seat["label"], &seat["ticket"]), (&json!("B2"), &json!("0202020202020202")));
    assert_eq!(list[0]["ours"]["admitted"]["door"], "Door A");
    assert_eq!(list[0]["theirs"]["shown"]["guarantee"], "SHARED");
}

#[tokio::test]
async fn a_long_upload_is_answered_scan_by_scan_in_its_order_and_once() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let door = house.pair("Door A").await;
    let code = code_of(&house.sell(&show, &["A1"]).await, 0);
    let scans: Vec<Value> =
        (1..=95).map(|id| scan(id, if id % 19 == 0 { &code } else { "nonsense" }, "Door A")).collect();
    let answers = upload(&house, &door, scans.clone()).await;
    let ids = |answers: &[Value]| answers.iter().map(|answer| answer["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&answers), ids(&scans));
    let let_in: Vec<usize> =
        (1..).zip(&answers).filter(|(_, answer)| answer["verdict"] == "admit").map(|(n, _)| n).collect();
    assert_eq!(let_in, [19], "the first of five");
    assert_eq!(upload(&house, &door, scans).await, answers, "told again it is answered alike");
}
