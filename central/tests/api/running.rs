//! What operators set up while central sells: tables, and boxes.

use crate::edge::{Habit, plug_in};
use crate::server::{Answer, MOVIES, OPERATOR_TOKEN, THEATRES, TestCentral, plan_lines, show_table};
use central::catalogue::import::Table;
use central::fleet::boxes::EnrolRequest;
use central::fleet::enrolment::JoinRequest;
use central::fleet::keys::KeyStore;
use central::running::RunningCentral;
use serde_json::json;
use shared::ids::TheatreId;
use shared::keys::SecretKey;

async fn import(test: &TestCentral, table: &str, text: &str) -> Answer {
    let bearer = ("authorization", format!("Bearer {OPERATOR_TOKEN}"));
    test.raw(&format!("/v1/imports/{table}"), &[bearer], text.to_owned()).await
}

async fn counts(test: &TestCentral, table: &str, text: &str) -> [u64; 3] {
    let report = import(test, table, text).await.expect(200);
    assert_eq!(report["refused"], json!([]), "{report}");
    ["added", "updated", "unchanged"].map(|member| report[member].as_u64().expect("a count"))
}

fn running(test: &TestCentral) -> RunningCentral {
    let central = test.central.as_ref().expect("running");
    RunningCentral::at(&format!("http://{}/", central.local_addr()), OPERATOR_TOKEN).expect("central")
}

#[tokio::test]
async fn what_is_imported_while_central_sells_is_sold_at_once() {
    let mut test = TestCentral::start().await;
    assert_eq!(counts(&test, "theatres", THEATRES).await, [0, 0, 2]);
    let theatres = "city,name,screens,seats\nNashik,Ashoka,1,40\n";
    assert_eq!(counts(&test, "theatres", theatres).await, [1, 0, 0]);
    let movies = format!("{MOVIES}Pakeezah,1972,147,Drama,A\r\n");
    assert_eq!(counts(&test, "movies", &movies).await, [1, 0, 3]);
    let there = plan_lines();
    let new = there.lines().next_back().expect("a line").replace("Padma", "Ashoka").replace("Kochi", "Nashik");
    assert_eq!(counts(&test, "plans", &format!("{there}\n{new}")).await, [1, 0, 3]);
    let shows = show_table();
    let row = shows.lines().next_back().expect("a row").replace("Padma,Kochi", "Ashoka,Nashik");
    let row = row.replace("Sholay", "Pakeezah").replace("Silver=100|Gold=120", "Silver=0|Gold=0");
    assert_eq!(counts(&test, "shows", &format!("{shows}{row}\n")).await, [1, 0, 3]);

    let show = test.show("Nashik", "Pakeezah").await;
    let booking = test.book(&show, &["A1", "A2"]).await;
    assert_eq!(booking["state"], "booked");
    let taken = test.post(&format!("/v1/shows/{show}/holds"), "again", json!({ "seats": ["A1"] })).await;
    assert_eq!(taken.problem(409), "seat_sold");
    test.stop().await;
    test.start_again().await;
    let taken = test.post(&format!("/v1/shows/{show}/holds"), "later", json!({ "seats": ["A1"] })).await;
    assert_eq!(taken.problem(409), "seat_sold");
}

#[tokio::test]
async fn a_theatre_that_is_renamed_while_central_sells_has_its_new_name() {
    let test = TestCentral::start().await;
    let show = test.show("Kochi", "Sholay").await;
    let moved = THEATRES.replace("lat,lon", "lat,lon,zone").replace("9.9,76.2", "9.9,76.2,Asia/Dubai");
    let moved = moved.replace("18.5,73.8", "18.5,73.8,Asia/Kolkata");
    assert_eq!(counts(&test, "theatres", &moved).await, [0, 1, 1]);
    let map = test.get(&format!("/v1/shows/{show}/seats")).await.expect(200);
    assert!(map["show"]["starts_at"].as_str().expect("a time").ends_with("+04:00"), "{}", map["show"]);
    // One of these has another day now than the other.
    for zone in ["Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        counts(&test, "theatres", &moved.replace("Asia/Dubai", zone)).await;
        let shows = test.get("/v1/shows?theatre=2").await.expect(200)["shows"].clone();
        let day = &shows[0]["starts_at"].as_str().expect("a time")[..10];
        let of_day = test.get(&format!("/v1/shows?theatre=2&date={day}")).await.expect(200);
        assert_eq!(of_day["shows"], shows, "{zone}");
    }
    let dearer = moved.replace("zone\r", "zone,currency\r").replace("Asia/Kolkata", "Asia/Kolkata,EUR");
    let dearer = dearer.replace("Asia/Dubai", "Asia/Dubai,INR");
    let report = import(&test, "theatres", &dearer).await.expect(200);
    let reason = "its shows are priced in INR; they cannot be in EUR";
    assert_eq!(report["refused"], json!([{ "line": 2, "reason": reason }]));
}

#[tokio::test]
async fn a_table_that_is_none_changes_nothing_and_says_why() {
    let test = TestCentral::start().await;
    let report = import(&test, "theatres", "city,name,screens,seats\nPune,New,1,80\nPune,,1,80\n").await.expect(200);
    assert_eq!(
        (&report["added"], &report["refused"]),
        (&json!(1), &json!([{ "line": 3, "reason": "name is missing" }]))
    );
    let header = import(&test, "theatres", "town,house\nPune,Vijay\n").await;
    assert!(header.text.contains("missing: city, name, screens, seats"), "{}", header.text);
    assert_eq!(header.problem(422), "bad_table");
    assert_eq!(import(&test, "tickets", "a\n1\n").await.problem(404), "unknown_table");
    let long = format!("city,name,screens,seats\n{}", "x".repeat(1 << 20));
    assert_eq!(import(&test, "theatres", &long).await.problem(413), "body_too_large");
    assert_eq!(test.raw("/v1/imports/theatres", &[], THEATRES.to_owned()).await.problem(401), "wrong_operator_token");
    test.get("/readyz").await.expect(200);
}

#[tokio::test]
async fn a_long_table_is_imported_in_parts_and_bad_rows_are_named_by_their_own_lines() {
    let test = TestCentral::start().await;
    let row =
        |n: usize| if n == 77 { "Pune,\"Hall\n77\",none,80\n".to_owned() } else { format!("Pune,Hall {n},1,80\n") };
    let table = format!("city,name,screens,seats\n{}", (1..=120).map(row).collect::<String>());
    let (mut told, central) = (Vec::new(), running(&test));
    let report =
        central.import(Table::Theatres, table.as_bytes(), |report, done| told.push((report.added, done))).await;
    let report = report.expect("imported");
    assert_eq!((report.added, report.refused.len(), report.refused[0].line), (119, 1, 78));
    let rows = table.len() - "city,name,screens,seats\n".len();
    assert_eq!((told.len(), told[0].0, *told.last().expect("told")), (3, 50, (119, rows)));
    let wrong = central.import(Table::Theatres, b"town\n1\n", |_, _| {}).await.expect_err("refused");
    assert!(format!("{wrong:#}").contains("422"), "{wrong:#}");
}

#[tokio::test]
async fn a_box_is_taken_in_while_central_sells() {
    let mut test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let held = test.post(&format!("/v1/shows/{show}/holds"), "held", json!({ "seats": ["A1"] })).await.expect(201);
    let new = SecretKey::from_seed(&[8; 32]);
    let request = JoinRequest { format: 1, public_key: new.public().to_hex() };
    let wanted = EnrolRequest { request, new_issuing_key: true };
    let file = running(&test).enrol("Pune/Vijay, Camp", &wanted).await.expect("enrolled");
    assert_eq!((&file["theatre"]["id"], &file["broker"]["client_id"]), (&json!(1), &json!("edge-1")));

    // Only a box with the new key and the new password gets a line that is live; a hold of before stands.
    std::fs::write(test.directory.path().join("join.json"), file.to_string()).expect("join file");
    test.edge_key = new;
    plug_in(&test, Habit::AnswersVoids).await;
    let path = format!("/v1/holds/{}", held["hold"].as_str().expect("a hold"));
    let renewed = test.post(&path, "renewed", json!({})).await;
    assert_eq!(renewed.expect(200)["lines"], held["lines"]);
}

async fn enrol(test: &TestCentral, theatre: &str, key: &SecretKey) -> Answer {
    let body = json!({ "request": { "format": 1, "public_key": key.public().to_hex() } }).to_string();
    let bearer = ("authorization", format!("Bearer {OPERATOR_TOKEN}"));
    test.raw(&format!("/v1/theatres/{theatre}/box"), &[bearer], body).await
}

async fn retire(test: &TestCentral) {
    let bearer = ("authorization", format!("Bearer {OPERATOR_TOKEN}"));
    let two = json!({ "persons": ["first", "second"] }).to_string();
    test.raw("/v1/theatres/1/box/retire", &[bearer], two).await.expect(200);
}

#[tokio::test]
async fn a_box_that_is_taken_in_twice_after_a_retired_one_is_told_twice_to_go_on_with_its_log() {
    let test = TestCentral::start().await;
    plug_in(&test, Habit::AnswersVoids).await.trigger();
    retire(&test).await;
    let new = SecretKey::from_seed(&[8; 32]);
    for _ in 0..2 {
        assert_eq!(enrol(&test, "1", &new).await.expect(201)["replacement"], true);
    }
    assert_eq!(test.get("/v1/theatres/1/link").await.expect(200)["box_retired"], false);
}

#[tokio::test]
async fn a_box_is_not_taken_in_while_nothing_can_be_written_down_about_it() {
    let mut test = TestCentral::start().await;
    retire(&test).await;
    test.stop().await;
    test.set_up(|setup| setup.mark_restored().expect("marked"));
    test.start_again().await;
    let new = SecretKey::from_seed(&[8; 32]);
    assert_eq!(enrol(&test, "1", &new).await.problem(503), "closed");
    let wanted =
        EnrolRequest { request: JoinRequest { format: 1, public_key: new.public().to_hex() }, new_issuing_key: false };
    let refused = running(&test).enrol("1", &wanted).await.expect_err("refused at once");
    assert!(format!("{refused:#}").contains("503"), "{refused:#}");
    test.get("/readyz").await.expect(200);
}

#[tokio::test]
async fn a_key_that_was_made_and_not_certified_in_the_end_signs_nothing() {
    let mut test = TestCentral::start().await;
    test.stop().await;
    KeyStore::at(&test.config.keys).new_issuing(TheatreId(1)).expect("a key");
    test.start_again().await;
    plug_in(&test, Habit::AnswersVoids).await;
}

#[tokio::test]
async fn a_box_that_cannot_be_taken_in_is_refused_and_central_goes_on() {
    let test = TestCentral::start().await;
    let good = SecretKey::from_seed(&[8; 32]);
    assert_eq!(enrol(&test, "77", &good).await.problem(404), "unknown_theatre");
    let weak = json!({ "request": { "format": 1, "public_key": "00".repeat(32) } }).to_string();
    let bearer = ("authorization", format!("Bearer {OPERATOR_TOKEN}"));
    let refused = test.raw("/v1/theatres/Kochi%2FPadma/box", &[bearer], weak).await;
    assert_eq!(refused.problem(422), "bad_join_request");
    std::fs::rename(test.config.keys.join("root.pem"), test.directory.path().join("safe.pem")).expect("moved");
    assert_eq!(enrol(&test, "2", &good).await.problem(409), "no_root_key");
    std::fs::rename(test.directory.path().join("safe.pem"), test.config.keys.join("root.pem")).expect("moved");
    let answer = enrol(&test, "2", &good).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.expect(201)["theatre"]["name"], json!("Padma"));
    test.get("/v1/theatres/2/link").await.expect(200);
    test.get("/readyz").await.expect(200);
    assert_eq!(test.store.number("SELECT count(*) FROM enrolment"), 2);
}
