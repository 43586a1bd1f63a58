//! The named witness: confirms a restart, gives back a lost tail, is waited for in a cut.

use crate::house::{House, KEEPER, PIN};
use node::shutdown::Shutdown;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn call(house: &House, token: &str, body: Value) -> Value {
    let (status, answer) = house.post("/v1/door/witness", token, body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn the_witness_gives_a_restored_box_its_lost_tail_back_and_opens_it_without_central() {
    let mut house = House::open().await;
    let show = house.add_show(60).await;
    house.stop().await;
    let image = house.image();
    house.start().await;
    let sale = house.sell(&show, &["A1", "A2"]).await;
    let kept = call(&house, KEEPER, json!({"kept": null})).await;
    assert_eq!(
        (&kept["named"], &kept["wanted"], kept["head"]["head"]["seq"] == kept["own"]),
        (&json!(true), &json!(false), true)
    );
    house.stop().await;

    house.put_back(&image);
    house.vouched = false;
    house.start().await;
    let (_, status) = house.get("/v1/status", "").await;
    assert_eq!(status["closed"], "head_unproven");
    let asked = call(&house, KEEPER, json!({"kept": kept["head"], "wait_s": 20})).await;
    assert_eq!((&asked["wanted"], &asked["head"]), (&json!(true), &Value::Null), "at once: {asked}");
    assert!(asked["own"].as_u64() < kept["own"].as_u64());
    let (_, status) = house.get("/v1/status", "").await;
    assert_eq!((&status["asking"]["wanted"], &status["asking"]["answers"][0]["who"]), (&kept["own"], &json!("d0")));
    let manager = house.log_in("manager").await;
    let (status, problem) = house.post("/v1/open", &manager, json!({"by": "manager_pin"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("asking")), "no PIN against a witness that knows more");
    let given = call(&house, KEEPER, json!({"kept": kept["head"], "entries": kept["entries"]})).await;
    assert_eq!((&given["wanted"], &given["head"]), (&json!(false), &kept["head"]), "{given}");
    let (_, status) = house.get("/v1/status", "").await;
    assert_eq!(status["can_sell"], true, "{status}");
    assert_eq!(house.state_of(&show, "A2").await, "sold");
    let door = house.pair("Door A").await;
    let at = node::zone::Zone::utc().rfc3339(crate::house::now());
    let scan = json!([{"id": "00000000000000000000000000000001", "code": sale["tickets"][0]["code"], "at": at, "door": "Door A"}]);
    let (_, answers) = house.post("/v1/door/scans", &door, scan).await;
    assert_eq!(answers[0]["verdict"], "admit", "{answers}");
    // The numbers of the tickets that the box had forgotten are on paper already.
    let next = house.sell(&show, &["A3"]).await;
    let serial = |sale: &Value, ticket: usize| {
        let serial = sale["tickets"][ticket]["serial"].as_str().and_then(|serial| serial.rsplit('-').next());
        serial.and_then(|digits| digits.parse::<u32>().ok()).expect("a serial")
    };
    assert_eq!(serial(&next, 0), serial(&sale, 1) + 1, "{next}");
    house.stop().await;
}

#[tokio::test]
async fn whoever_was_let_in_before_the_box_was_put_back_is_inside_when_its_log_is_back() {
    let mut house = House::open().await;
    let show = house.add_show(30).await;
    house.stop().await;
    let image = house.image();
    house.start().await;
    let sale = house.sell(&show, &["A1"]).await;
    let scan = |id: u8, door: &str| {
        let at = node::zone::Zone::utc().rfc3339(crate::house::now());
        json!([{"id": format!("{id:032x}"), "code": sale["tickets"][0]["code"], "at": at, "door": door}])
    };
    let door = house.pair("Door A").await;
    let (_, answers) = house.post("/v1/door/scans", &door, scan(1, "Door A")).await;
    assert_eq!(answers[0]["verdict"], "admit", "{answers}");
    let kept = call(&house, KEEPER, json!({"kept": null})).await;
    house.stop().await;

    house.put_back(&image);
    house.vouched = false;
    house.start().await;
    call(&house, KEEPER, json!({"kept": kept["head"], "entries": kept["entries"]})).await;
    let (_, status) = house.get("/v1/status", "").await;
    assert_eq!(status["can_sell"], true, "{status}");
    let door = house.pair("Door B").await;
    let (_, answers) = house.post("/v1/door/scans", &door, scan(2, "Door B")).await;
    assert_eq!(
        (&answers[0]["verdict"], &answers[0]["first"]["door"]),
        (&json!("already"), &json!("Door A")),
        "{answers}"
    );
    house.stop().await;
}

#[tokio::test]
async fn entries_of_a_line_that_was_left_are_asked_for_and_listed_before_the_witness_takes_up_the_new_one() {
    let mut house = House::open().await;
    let show = house.add_show(60).await;
    house.stop().await;
    let image = house.image();
    house.start().await;
    house.sell(&show, &["A1"]).await;
    let kept = call(&house, KEEPER, json!({"kept": null})).await;
    house.stop().await;

    house.put_back(&image);
    (house.vouched, house.gate_wait_ms) = (false, 0);
    house.start().await;
    let manager = house.log_in("manager").await;
    let two = json!({"by": "two_persons", "second": {"staff": "supervisor", "pin": PIN}});
    assert_eq!(house.post("/v1/open", &manager, two).await.0, 204);
    let vouch = json!({"kept": kept["head"], "after": kept["acked"]});
    let asked = call(&house, KEEPER, vouch.clone()).await;
    assert_eq!((&asked["wanted"], &asked["after"], &asked["head"]), (&json!(true), &kept["acked"], &Value::Null));
    let mut given = vouch;
    given["entries"] = kept["entries"].clone();
    let answer = call(&house, KEEPER, given).await;
    assert_eq!((&answer["wanted"], answer["head"].is_null()), (&json!(false), false), "{answer}");
    let (_, page) = house.get("/v1/discrepancies", &manager).await;
    let kinds: Vec<_> = page["discrepancies"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
    assert!(kinds.contains(&json!("beyond_cut")), "{page}");
    // One that says it keeps nothing is not asked.
    let nothing = call(&house, KEEPER, json!({"kept": kept["head"]})).await;
    assert_eq!(nothing["wanted"], false, "{nothing}");
    house.stop().await;
}

#[tokio::test]
async fn a_sale_in_a_cut_waits_for_the_witness_and_counts_as_unwitnessed_without_it() {
    let mut house = House::open().await;
    let show = house.add_show(60).await;
    house.stop().await;
    house.witness_silent_after_ms = 60_000;
    house.start().await;
    let began = Instant::now();
    house.sell(&show, &["A1"]).await;
    assert!(began.elapsed() >= Duration::from_millis(1_400), "{:?}", began.elapsed());
    let (_, status) = house.get("/v1/status", "").await;
    assert!(status["unwitnessed"].as_u64().unwrap() > 0, "{status}");

    let kept = call(&house, KEEPER, json!({"kept": null})).await;
    let after = kept["acked"].clone();
    call(&house, KEEPER, json!({"kept": kept["head"], "after": after})).await;
    let (_, status) = house.get("/v1/status", "").await;
    assert_eq!(status["unwitnessed"], 0, "{status}");
    let witness = async {
        let next = call(&house, KEEPER, json!({"kept": kept["head"], "after": after, "wait_s": 20})).await;
        assert!(next["own"].as_u64() > kept["own"].as_u64());
        call(&house, KEEPER, json!({"kept": next["head"], "after": after})).await;
    };
    let began = Instant::now();
    let (sale, ()) = tokio::join!(house.sell(&show, &["A2"]), witness);
    assert!(sale["sale"].is_string() && began.elapsed() < Duration::from_secs(15));
    let (_, status) = house.get("/v1/status", "").await;
    assert_eq!(status["unwitnessed"], 0, "{status}");
    house.stop().await;
}

#[tokio::test]
async fn a_manager_names_the_witness_and_in_the_place_of_one_declared_off_the_next_scanner_is_named() {
    let mut house = House::open().await;
    let (a, b) = (house.pair("Door A").await, house.pair("Door B").await);
    let manager = house.log_in("manager").await;
    assert_eq!(call(&house, &a, json!({"kept": null})).await["named"], false);
    let (status, problem) = house.post("/v1/devices/d9/witness", &manager, json!({})).await;
    assert_eq!((status, &problem["code"]), (404, &json!("unknown_device")));
    assert_eq!(house.post("/v1/devices/d1/witness", &manager, json!({})).await.0, 204);
    let answer = call(&house, &a, json!({"kept": null})).await;
    assert_eq!((&answer["named"], answer["entries"].is_string()), (&json!(true), true));
    let (_, list) = house.get("/v1/devices", &manager).await;
    let named: Vec<_> = list["devices"].as_array().unwrap().iter().map(|one| one["witness"] == true).collect();
    assert_eq!(named, [false, true, false]);

    assert_eq!(house.post("/v1/devices/d1", &manager, json!({"off": true})).await.0, 204);
    let first = call(&house, &b, json!({"kept": null})).await;
    assert_eq!((&first["named"], &first["entries"]), (&json!(false), &Value::Null));
    let second = call(&house, &b, json!({"kept": first["head"]})).await;
    assert_eq!((&second["named"], second["entries"].is_string()), (&json!(true), true), "{second}");
    let vouch = json!({"kept": second["head"], "after": second["acked"]});
    house.stop().await;
    house.vouched = false;
    house.start().await;
    call(&house, KEEPER, vouch.clone()).await;
    assert_eq!(house.get("/v1/status", "").await.1["closed"], "head_unproven", "the keeper is not named any more");
    let (status, problem) = house.post("/v1/devices/d0/witness", &manager, json!({})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("asking")));
    call(&house, &b, vouch).await;
    assert_eq!(house.get("/v1/status", "").await.1["can_sell"], true);
    house.stop().await;
}

/// A door device on a folder, with the box where it listens now.
fn door_device(house: &House, data: &std::path::Path) -> (Shutdown, tokio::task::JoinHandle<anyhow::Result<()>>) {
    let config = scanner::Config { data: data.to_owned(), edge: house.url(""), retry_ms: 20, ..Default::default() };
    let shutdown = Shutdown::new();
    let ending = shutdown.clone();
    let running = async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        scanner::run(config, listener, ending).await
    };
    (shutdown, tokio::spawn(running))
}

async fn until(house: &House, what: &str, reached: impl Fn(&Value) -> bool) {
    for _ in 0..400 {
        if reached(&house.get("/v1/status", "").await.1) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("never: {what}");
}

#[tokio::test]
async fn a_real_door_device_keeps_the_tail_of_a_cut_and_opens_the_restored_box_with_it() {
    let mut house = House::open().await;
    let show = house.add_show(60).await;
    house.stop().await;
    let image = house.image();
    let name_d1 = |house: &House| {
        let db = house.db();
        db.execute("UPDATE devices SET witness = 0", []).unwrap();
        db.execute("UPDATE devices SET witness = 1 WHERE number = 1", []).unwrap();
    };
    house.witness_silent_after_ms = 60_000;
    house.start().await;
    let manager = house.log_in("manager").await;
    let (_, device) = house.post("/v1/devices", &manager, json!({"name": "Door A", "kind": "scanner"})).await;
    let data = tempfile::tempdir().unwrap();
    scanner::pair(device["pair_url"].as_str().unwrap(), data.path()).await.unwrap();
    assert_eq!(house.post("/v1/devices/d1/witness", &manager, json!({})).await.0, 204);
    let (shutdown, running) = door_device(&house, data.path());
    until(&house, "the door keeps everything", |status| status["unwitnessed"] == 0).await;
    house.sell(&show, &["A1", "A2"]).await;
    let (_, status) = house.get("/v1/status", "").await;
    assert_eq!(status["unwitnessed"], 0, "a sale is answered when it is kept: {status}");
    shutdown.trigger();
    running.await.unwrap().unwrap();
    house.stop().await;

    let devices = token_of(&house);
    house.put_back(&image);
    let insert = "INSERT INTO devices (number, name, kind, token_hash) VALUES (1, 'Door A', 'scanner', ?1)";
    house.db().execute(insert, [devices]).unwrap();
    name_d1(&house);
    house.vouched = false;
    house.start().await;
    assert_eq!(house.get("/v1/status", "").await.1["closed"], "head_unproven");
    let (shutdown, running) = door_device(&house, data.path());
    until(&house, "the box opens by itself", |status| status["can_sell"] == true).await;
    assert_eq!(house.state_of(&show, "A2").await, "sold");
    shutdown.trigger();
    running.await.unwrap().unwrap();
    house.stop().await;
}

fn token_of(house: &House) -> Vec<u8> {
    house.db().query_row("SELECT token_hash FROM devices WHERE number = 1", [], |row| row.get(0)).unwrap()
}
