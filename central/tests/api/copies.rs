//! Copies of a central's file that are made while it runs and put back later.

use crate::edge::{Habit, plug_in, until_live};
use crate::server::TestCentral;
use central::database::Place;
use node::checkup::Grade;
use serde_json::{Value, json};
use std::time::Duration;

fn store(test: &TestCentral) -> rusqlite::Connection {
    rusqlite::Connection::open(test.directory.path().join("data/central.sqlite")).expect("open")
}

/// Waits until a member of Pune's link is this.
async fn until(test: &TestCentral, member: &str, wanted: &Value) {
    let mut link = Value::Null;
    for _ in 0..200 {
        link = test.get("/v1/theatres/1/link").await.expect(200);
        if link.get(member).unwrap_or(&Value::Null) == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{member} is never {wanted}: {link}");
}

#[tokio::test]
async fn a_restored_central_takes_its_sale_back_from_the_box_and_lists_its_booking() {
    let mut test = TestCentral::start().await;
    let edge = plug_in(&test, Habit::AnswersVoids).await;
    let running = test.central.as_ref().expect("running");
    let (broker, address) = (running.broker_addr().expect("embedded"), running.local_addr());
    test.config.mqtt = format!("embedded:{broker}");
    let paying = test.book(&test.show("Pune", "Sholay").await, &["A2"]).await;
    test.pay(&paying).await;
    test.stop().await;
    let backup = test.directory.path().join("backup.sqlite");
    store(&test).execute("VACUUM INTO ?1", [backup.to_str()]).expect("backup");
    test.start_at(address).await;
    until_live(&test).await;
    let show = test.show("Pune", "Don").await;
    let booking = test.book(&show, &["A1"]).await;
    assert_eq!(booking["state"], "booked");
    test.gateway.decide("captured");
    test.until(&paying, "booked").await;
    until(&test, "backlog", &json!(0)).await;
    test.stop().await;
    let data = test.directory.path().join("data");
    for name in ["central.sqlite-wal", "central.sqlite-shm"] {
        drop(std::fs::remove_file(data.join(name)));
    }
    std::fs::rename(&backup, data.join("central.sqlite")).expect("put back");
    // Nobody says so: central finds it out.
    test.start_at(address).await;
    assert_eq!(test.get("/v1/theatres/2/link").await.expect(200)["closed"], "head_unproven");
    until_live(&test).await;
    until(&test, "closed", &Value::Null).await;
    let path = format!("/v1/bookings/{}", booking["booking"].as_str().expect("id"));
    let recovered = test.get(&path).await.expect(200);
    assert_eq!((&recovered["state"], &recovered["tickets"]), (&booking["state"], &booking["tickets"]));
    let listed = test.as_operator("/v1/discrepancies").await.expect(200);
    let kinds: Vec<_> = listed["discrepancies"].as_array().expect("list").iter().map(|found| &found["kind"]).collect();
    assert!(kinds.contains(&&json!("booking_recovered")) && kinds.contains(&&json!("forgot")), "{listed}");
    test.until(&paying, "booked").await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(test.gateway.refunds().len(), 0, "what was paid before the loss bought its tickets");
    edge.trigger();
}

#[tokio::test]
async fn a_backup_of_a_running_central_is_put_back_and_the_doctor_says_how_it_stands() {
    let mut test = TestCentral::start().await;
    let show = test.show("Pune", "Don").await;
    test.book(&show, &["A1"]).await;
    let path = test.directory.path().join("data/central.sqlite");
    let backup = test.directory.path().join("backup.sqlite");
    assert!(node::sqlite::back_up(&path, &central::schema::SCHEMA, &backup).expect("backed up") > 0);
    test.book(&show, &["A2"]).await;
    let examine = |path: &std::path::Path| {
        central::checkup::examine(&Place::File(path.to_owned()), &test.config.keys).expect("examined")
    };
    let grades = |path: &std::path::Path| examine(path).iter().map(|finding| finding.grade).max();
    assert_eq!(grades(&path), Some(Grade::Good), "{:?}", examine(&path));
    assert_eq!(grades(&backup), Some(Grade::Attention), "an older copy");
    assert!(central::Setup::restore(&test.config.store, &backup).is_err(), "central is running");
    test.stop().await;
    let (theatres, kept) = central::Setup::restore(&test.config.store, &backup).expect("restored");
    assert_eq!((theatres, kept.is_some_and(|kept| kept.exists())), (2, true));
    test.start_again().await;
    assert_eq!(test.get("/v1/theatres/1/link").await.expect(200)["closed"], "head_unproven");
    test.stop().await;
    let examine = central::checkup::examine(&Place::File(path.clone()), &test.config.keys).expect("examined");
    assert!(examine.iter().any(|finding| finding.text.contains("closed for sale: head_unproven")), "{examine:?}");
    store(&test).execute("UPDATE ledger_entry SET hash = zeroblob(length(hash)) WHERE seq = 2", []).expect("tampered");
    let examine = central::checkup::examine(&Place::File(path.clone()), &test.config.keys).expect("examined");
    assert!(examine.iter().any(|finding| finding.grade == Grade::Bad), "{examine:?}");
}
