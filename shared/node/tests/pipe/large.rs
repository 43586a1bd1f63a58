//! Messages larger than somebody takes: they are lost, and the link goes on.

use crate::client::{Client, exchange};
use crate::mosquitto::Mosquitto;
use node::mqtt::{PAYLOAD_MAX, TlsFiles, TroubleKind};
use rumqttc::{AsyncClient, MqttOptions, PublishOptions};
use std::time::Duration;
use tokio::time::sleep;

#[tokio::test]
async fn what_the_broker_says_it_does_not_take_is_not_sent() {
    let broker = Mosquitto::with("max_packet_size 20000");
    let mut central = Client::central(&broker.url(), TlsFiles::default());
    let mut edge = Client::edge(&broker.url(), "12", TlsFiles::default());
    central.up().await;
    edge.up().await;
    assert!(!edge.publisher.publish("usher/v1/12/up", vec![7; 20_000]));
    let story = edge.has_trouble(TroubleKind::TooLarge).await;
    assert!(story.contains("20000"), "{story}");
    exchange(&mut central, &mut edge, "12", "small").await;
    let just_fits = vec![7; 20_000 - 32];
    edge.says("usher/v1/12/up", &just_fits);
    central.hears("usher/v1/12/up", &just_fits).await;
    assert!(edge.publisher.is_up());
}

#[tokio::test]
async fn what_the_broker_drops_without_having_said_so_does_not_wedge_the_link() {
    let broker = Mosquitto::with("message_size_limit 1000");
    let mut central = Client::central(&broker.url(), TlsFiles::default());
    let mut edge = Client::edge(&broker.url(), "12", TlsFiles::default());
    central.up().await;
    edge.up().await;
    for _ in 0..3 {
        // The first on a topic asks for the broker's answer, which is one that the client does not know.
        for _ in 0..5 {
            edge.publisher.publish("usher/v1/12/up", vec![7; 5000]);
        }
        sleep(Duration::from_millis(300)).await;
        if !edge.publisher.is_up() {
            edge.up().await;
        }
        exchange(&mut central, &mut edge, "12", "small").await;
    }
}

#[tokio::test]
async fn what_is_larger_than_we_take_is_kept_from_us_and_the_link_goes_on() {
    let broker = Mosquitto::without_configuration();
    let mut central = Client::central(&broker.url(), TlsFiles::default());
    let mut edge = Client::edge(&broker.url(), "12", TlsFiles::default());
    central.up().await;
    edge.up().await;
    let mut options = MqttOptions::new("stranger", ("127.0.0.1", broker.port()));
    options.set_max_packet_size(Some(10_000_000));
    let (stranger, mut event_loop) = AsyncClient::builder(options).capacity(10).build();
    let polling = tokio::spawn(async move { while event_loop.poll().await.is_ok() {} });
    for bytes in [PAYLOAD_MAX * 2, 5_000_000] {
        stranger.publish("usher/v1/12/down", vec![7; bytes], PublishOptions::at_least_once()).await.unwrap();
    }
    sleep(Duration::from_millis(500)).await;
    edge.quiet().await;
    exchange(&mut central, &mut edge, "12", "small").await;
    let largest = vec![7; PAYLOAD_MAX];
    edge.says("usher/v1/12/up", &largest);
    central.hears("usher/v1/12/up", &largest).await;
    polling.abort();
}
