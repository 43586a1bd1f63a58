//! What a crash leaves in the file of the embedded engine.

use crate::edge::{Habit, plug_in};
use crate::server::TestCentral;
use rusqlite::Connection;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_claim_that_was_cut_off_by_a_crash_leaves_no_seat_held() {
    let mut test = TestCentral::start_with(|config| {
        (config.claim_wait_ms, config.suspect_after_ms) = (30_000, 30_000);
    })
    .await;
    let edge = plug_in(&test, Habit::AnswersVoids).await;
    let show = test.show("Pune", "Sholay").await;
    edge.trigger();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let holds = format!("/v1/shows/{show}/holds");
    let (web, path) = (test.web.clone(), holds.clone());
    let waiting = tokio::spawn(async move { web.post(&path, "k1", json!({ "seats": ["A1", "D1"] })).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let refused = test.post(&holds, "k2", json!({ "seats": ["A1"] })).await;
    assert_eq!(refused.problem(409), "seat_held", "the claim waits");
    let (store, copy) = ["data/central.sqlite", "crashed.sqlite"].map(|file| test.directory.path().join(file)).into();
    let running = Connection::open(&store).expect("open");
    running.execute("VACUUM INTO ?1", [copy.to_str()]).expect("what a crash would leave");
    drop(running);
    test.stop().await;
    waiting.abort();
    std::fs::rename(copy, store).expect("as after a crash");
    test.start_again().await;
    test.post(&holds, "k2", json!({ "seats": ["A1"] })).await.expect(201);
}
