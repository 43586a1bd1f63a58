//! Mosquitto with `deploy/broker`: TLS, a certificate for everybody, and who may say what.

use crate::client::{Client, exchange};
use crate::mosquitto::{Certificates, Mosquitto};
use node::mqtt::TroubleKind;

#[tokio::test]
async fn central_and_a_box_talk_with_certificates_through_kills_of_the_broker() {
    let certificates = Certificates::new();
    let mut broker = Mosquitto::deployed(&certificates);
    let mut central = Client::central(&broker.encrypted_url(), certificates.of("central"));
    let mut edge = Client::edge(&broker.encrypted_url(), "12", certificates.of("12"));
    central.up().await;
    edge.up().await;
    exchange(&mut central, &mut edge, "12", "hello").await;
    broker.kill();
    edge.has_trouble(TroubleKind::Unreachable).await;
    broker.start_again();
    central.up().await;
    edge.up().await;
    exchange(&mut central, &mut edge, "12", "again").await;
    assert_eq!((central.status().trouble, edge.status().trouble), (None, None));
}

#[tokio::test]
async fn a_box_with_another_theatres_certificate_is_not_heard_and_hears_nothing() {
    let certificates = Certificates::new();
    let broker = Mosquitto::deployed(&certificates);
    let url = broker.encrypted_url();
    let mut central = Client::central(&url, certificates.of("central"));
    let mut edge = Client::edge(&url, "12", certificates.of("12"));
    central.up().await;
    edge.up().await;

    // It says that it is the box of theatre 12, in name and client id, and shows the certificate of theatre 13.
    let mut impostor = Client::edge(&url, "12", certificates.of("13"));
    impostor.up().await;
    impostor.says("usher/v1/12/up", b"forged");
    impostor.says("usher/v1/12/up", b"forged again");
    impostor.says("usher/v1/12/down", b"forged");
    let story = impostor.has_trouble(TroubleKind::PublishRefused).await;
    assert!(story.contains("usher/v1/12/") && story.contains("NotAuthorized"), "{story}");
    central.quiet().await;
    edge.quiet().await;
    assert!(edge.publisher.is_up(), "the impostor threw the box out: {:?}", edge.status());
    exchange(&mut central, &mut edge, "12", "between us").await;
    impostor.quiet().await;
    assert_eq!(edge.status().trouble, None);
}

#[tokio::test]
async fn a_broker_that_somebody_else_vouches_for_is_refused_with_the_reason() {
    let (certificates, others) = (Certificates::new(), Certificates::new());
    let broker = Mosquitto::deployed(&certificates);
    let edge = Client::edge(&broker.encrypted_url(), "12", others.of("12"));
    let story = edge.has_trouble(TroubleKind::Tls).await;
    assert!(story.contains("invalid peer certificate"), "{story}");
    assert!(!edge.publisher.is_up());
}

#[tokio::test]
async fn a_broker_under_another_name_than_its_certificates_is_refused_with_the_reason() {
    let certificates = Certificates::new();
    let broker = Mosquitto::deployed(&certificates);
    let edge = Client::edge(&format!("mqtts://localhost:{}", broker.port()), "12", certificates.of("12"));
    let story = edge.has_trouble(TroubleKind::Tls).await;
    assert!(story.contains("not valid for name"), "{story}");
}

#[tokio::test]
async fn nobody_connects_without_a_certificate_of_the_same_ca() {
    let (certificates, others) = (Certificates::new(), Certificates::new());
    let broker = Mosquitto::deployed(&certificates);
    let mut foreign = others.of("12");
    foreign.ca = certificates.of_nobody().ca;
    for files in [certificates.of_nobody(), foreign] {
        let mut edge = Client::edge(&broker.encrypted_url(), "12", files);
        edge.has_trouble(TroubleKind::Tls).await;
        edge.quiet().await;
    }
}
