//! Mosquitto as it starts without any configuration, over TCP.

use crate::client::{Client, exchange};
use crate::mosquitto::Mosquitto;
use node::mqtt::{TlsFiles, TroubleKind};
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test]
async fn links_go_on_after_the_broker_was_killed_and_started_again() {
    let mut broker = Mosquitto::without_configuration();
    let mut central = Client::central(&broker.url(), TlsFiles::default());
    let mut edge = Client::edge(&broker.url(), "12", TlsFiles::default());
    central.up().await;
    edge.up().await;
    exchange(&mut central, &mut edge, "12", "hello").await;
    for round in 1..=3 {
        broker.kill();
        edge.has_trouble(TroubleKind::Unreachable).await;
        assert!(!edge.publisher.publish("usher/v1/12/up", b"lost".to_vec()));
        broker.start_again();
        central.up().await;
        edge.up().await;
        exchange(&mut central, &mut edge, "12", &format!("round {round}")).await;
        assert_eq!(edge.status().trouble, None);
    }
}

#[tokio::test]
async fn two_boxes_with_one_identity_are_told_and_do_not_storm_the_broker() {
    let broker = Mosquitto::without_configuration();
    let original = Client::edge(&broker.url(), "12", TlsFiles::default());
    let copy = Client::edge(&broker.url(), "12", TlsFiles::default());
    // This Mosquitto closes the older connection without a word.
    original.has_trouble(TroubleKind::ThrownOut).await;
    let downs = original.downs(Duration::from_secs(4)).await;
    assert!((1..=10).contains(&downs), "{downs} times down in 4 s: {:?}", copy.status());
}

#[tokio::test]
async fn a_shutdown_says_goodbye_and_ends_at_once() {
    let broker = Mosquitto::without_configuration();
    let mut edge = Client::edge(&broker.url(), "12", TlsFiles::default());
    edge.up().await;
    let started = Instant::now();
    edge.end().await;
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert!(!edge.publisher.is_up());
}
