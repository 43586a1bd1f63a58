//! A box with a login of its own that tries what it may not, against the embedded broker.

use crate::client::{Client, exchange};
use node::broker::{Accounts, EmbeddedBroker};
use node::mqtt::{PAYLOAD_MAX, TlsFiles, TroubleKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// As central does it: a box is named after its theatre, speaks on its topics and hears what is meant for it.
pub(crate) struct Boxes;

impl Accounts for Boxes {
    fn authenticate(&self, client_id: &str, username: &str, password: &str) -> bool {
        client_id == username && password == "right"
    }

    fn may_publish(&self, client_id: &str, topic: &str) -> bool {
        let own = |part: &str| topic == format!("usher/v1/{client_id}/{part}");
        match client_id {
            "central" => topic.ends_with("/down") || topic.ends_with("/down/log"),
            _ => own("up") || own("up/log") || own("presence"),
        }
    }

    fn may_subscribe(&self, client_id: &str, filter: &str) -> bool {
        let own = |part: &str| filter == format!("usher/v1/{client_id}/{part}");
        match client_id {
            "central" => matches!(filter, "usher/v1/+/up" | "usher/v1/+/up/log" | "usher/v1/+/presence"),
            _ => own("down") || own("down/log"),
        }
    }
}

/// A CONNECT of MQTT 5 with a keep-alive of 0: never to be given up for its silence.
pub(crate) fn connect_packet(name: &str, password: &str, version: u8, will: &[&[u8]]) -> Vec<u8> {
    let text = |text: &[u8]| [&u16::try_from(text.len()).unwrap().to_be_bytes(), text].concat();
    let flags = if will.is_empty() { 0b1100_0010 } else { 0b1100_0110 };
    let mut body = [text(b"MQTT").as_slice(), &[version, flags, 0, 0, 0]].concat();
    body.extend(text(name.as_bytes()));
    if let [topic, message] = will {
        body.push(0);
        body.extend(text(topic));
        body.extend(text(message));
    }
    body.extend(text(name.as_bytes()));
    body.extend(text(password.as_bytes()));
    [&[0x10, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
}

fn subscribe_packet(filter: &str) -> Vec<u8> {
    let length = u16::try_from(filter.len()).unwrap().to_be_bytes();
    let body = [&[0, 1, 0], length.as_slice(), filter.as_bytes(), &[1]].concat();
    [&[0x82, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
}

fn publish_packet(topic: &str, flags: u8) -> Vec<u8> {
    let length = u16::try_from(topic.len()).unwrap().to_be_bytes();
    let id: &[u8] = if flags & 0b0110 == 0 { &[] } else { &[0, 7] };
    let body = [length.as_slice(), topic.as_bytes(), id, &[0], b"forged"].concat();
    [&[0x30 | flags, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
}

/// A connection that sends what it likes.
struct Raw(TcpStream);

impl Raw {
    async fn login(address: SocketAddr, name: &str, will: &[&[u8]]) -> Self {
        let mut raw = Self(TcpStream::connect(address).await.unwrap());
        let answer = raw.ask(&connect_packet(name, "right", 5, will)).await;
        assert_eq!((answer[0], answer[3]), (0x20, 0), "{answer:02x?}");
        raw
    }

    async fn ask(&mut self, packet: &[u8]) -> Vec<u8> {
        self.0.write_all(packet).await.unwrap();
        let mut answer = vec![0; 512];
        let read = timeout(Duration::from_secs(5), self.0.read(&mut answer)).await.expect("an answer").unwrap();
        answer.truncate(read);
        answer
    }
}

async fn broker() -> (EmbeddedBroker, SocketAddr, String) {
    let broker = EmbeddedBroker::start("127.0.0.1:0".parse().unwrap(), Arc::new(Boxes)).await.unwrap();
    let address = broker.local_addr();
    (broker, address, format!("mqtt://{address}"))
}

#[tokio::test]
async fn a_box_is_heard_and_hears_for_its_own_theatre_only() {
    let (broker, address, url) = broker().await;
    let filters = ["usher/v1/+/up", "usher/v1/+/up/log", "usher/v1/+/presence"];
    let mut central = Client::named(&url, "central", &filters, TlsFiles::default());
    let mut victim = Client::edge(&url, "13", TlsFiles::default());
    central.up().await;
    victim.up().await;

    let mut hostile = Raw::login(address, "12", &[b"usher/v1/13/up", b"forged last words"]).await;
    for filter in [
        "#",
        "+/v1/13/down",
        "usher/v1/13/down",
        "usher/v1/+/down",
        "usher/v1/12/#",
        "usher/v1/13/up",
        "usher/v1/12/up",
        "$share/group/usher/v1/13/down",
        "$SYS/#",
    ] {
        let answer = hostile.ask(&subscribe_packet(filter)).await;
        assert_eq!(answer[0], 0x90, "{filter}: {answer:02x?}");
        assert!(answer.last().is_some_and(|code| *code >= 0x80), "{filter}: {answer:02x?}");
    }
    for topic in [
        "usher/v1/13/up",
        "usher/v1/13/up/log",
        "usher/v1/13/presence",
        "usher/v1/13/down",
        "usher/v1/12/down",
        "usher/v1/12/up/",
        "usher/v1/012/up",
        "$SYS/broker",
    ] {
        hostile.0.write_all(&publish_packet(topic, 0)).await.unwrap();
        let answer = hostile.ask(&publish_packet(topic, 0b0010)).await;
        assert_eq!((answer[0], answer[4]), (0x40, 0x87), "{topic}: {answer:02x?}");
    }
    // Retained, and so there for whoever subscribes later, even after the sender is gone.
    hostile.0.write_all(&publish_packet("usher/v1/12/up", 0b0001)).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    drop(hostile);
    central.quiet().await;
    victim.quiet().await;
    central.end().await;
    let mut later = Client::named(&url, "central", &filters, TlsFiles::default());
    later.up().await;
    later.quiet().await;
    broker.shutdown().await;
}

#[tokio::test]
async fn a_box_cannot_come_in_under_another_name() {
    let (broker, address, _) = broker().await;
    let login = |name, password| connect_packet(name, password, 5, &[]);
    let mut other_name = login("13", "right");
    let at = other_name.len() - "13".len() - 2 - "right".len();
    other_name[at..at + 2].copy_from_slice(b"12");
    for packet in [login("12", "wrong"), login("12", ""), login("central", "wrong"), other_name] {
        let mut raw = Raw(TcpStream::connect(address).await.unwrap());
        let answer = raw.ask(&packet).await;
        assert_eq!((answer[0], answer[3]), (0x20, 0x86), "{answer:02x?}");
    }
    broker.shutdown().await;
}

#[tokio::test]
async fn two_boxes_with_one_identity_are_told_and_do_not_storm_the_broker() {
    let (broker, _, url) = broker().await;
    let mut original = Client::edge(&url, "12", TlsFiles::default());
    original.up().await;
    let copy = Client::edge(&url, "12", TlsFiles::default());
    // This broker says who took over, in a form of DISCONNECT that our client does not read.
    original.has_trouble(TroubleKind::ThrownOut).await;
    let takeovers = original.downs(Duration::from_secs(4)).await;
    assert!((1..=10).contains(&takeovers), "{takeovers} takeovers in 4 s: {:?}", copy.status());
    broker.shutdown().await;
}

#[tokio::test]
async fn our_own_link_shows_that_a_topic_is_refused() {
    let (broker, _, url) = broker().await;
    let mut edge = Client::edge(&url, "12", TlsFiles::default());
    edge.up().await;
    edge.says("usher/v1/13/up", b"forged");
    let story = edge.has_trouble(TroubleKind::PublishRefused).await;
    assert!(story.contains("usher/v1/13/up") && story.contains("NotAuthorized"), "{story}");
    assert!(edge.publisher.is_up());
    broker.shutdown().await;
}

#[tokio::test]
async fn a_client_that_reads_nothing_neither_slows_the_others_nor_outlives_the_broker() {
    let (broker, address, url) = broker().await;
    let mut central = Client::central(&url, TlsFiles::default());
    let mut edge = Client::edge(&url, "13", TlsFiles::default());
    central.up().await;
    edge.up().await;
    let mut stuck = Raw::login(address, "12", &[]).await;
    stuck.ask(&subscribe_packet("usher/v1/12/down")).await;
    // Far more than the sockets' buffers and the client's queue hold.
    let started = Instant::now();
    for _ in 0..40 {
        for _ in 0..50 {
            central.publisher.publish("usher/v1/12/down", vec![7; PAYLOAD_MAX]);
        }
        exchange(&mut central, &mut edge, "13", "meanwhile").await;
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    let ending = Instant::now();
    broker.shutdown().await;
    assert!(ending.elapsed() < Duration::from_secs(5), "{:?}", ending.elapsed());
    // It goes on reading nothing; that nobody is there any more shows when it speaks.
    let closed = async {
        while stuck.0.write_all(&[0xc0, 0]).await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(2), closed).await.expect("the connection ended with the broker");
    let again = EmbeddedBroker::start(address, Arc::new(Boxes)).await.expect("the port is free again");
    edge.up().await;
    again.shutdown().await;
}
