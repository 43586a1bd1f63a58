use super::*;
use crate::mqtt::{LinkConfig, LinkEvent, PAYLOAD_MAX, Publisher, TlsFiles, connect};
use crate::shutdown::Shutdown;
use std::time::Instant;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

/// Boxes may speak on their own topics; `central` on all of them.
pub(super) struct Boxes;

impl Accounts for Boxes {
    fn authenticate(&self, client_id: &str, username: &str, password: &str) -> bool {
        client_id == username && password == "right"
    }

    fn may_publish(&self, client_id: &str, topic: &str) -> bool {
        client_id == "central" || topic == format!("usher/v1/{client_id}/up")
    }

    fn may_subscribe(&self, client_id: &str, filter: &str) -> bool {
        client_id == "central" || filter == format!("usher/v1/{client_id}/down")
    }
}

struct Client {
    publisher: Publisher,
    events: Receiver<LinkEvent>,
}

fn client(address: SocketAddr, name: &str, filter: &str, shutdown: &Shutdown) -> Client {
    let config = LinkConfig {
        url: format!("mqtt://{address}").parse().unwrap(),
        client_id: name.into(),
        username: name.into(),
        password: "right".into(),
        tls: TlsFiles::default(),
        keep_alive: Duration::from_secs(1),
    };
    let (publisher, events) = connect(config, vec![filter.into()], shutdown.clone());
    Client { publisher, events }
}

impl Client {
    async fn next(&mut self) -> LinkEvent {
        timeout(Duration::from_secs(5), self.events.recv()).await.expect("an event in time").expect("the link runs")
    }

    async fn quiet(&mut self) {
        let event = timeout(Duration::from_millis(300), self.events.recv()).await;
        assert!(event.is_err(), "{event:?}");
    }
}

fn message(topic: &str, payload: &[u8]) -> LinkEvent {
    LinkEvent::Message { topic: topic.into(), payload: payload.to_vec() }
}

async fn broker() -> EmbeddedBroker {
    EmbeddedBroker::start("127.0.0.1:0".parse().unwrap(), Arc::new(Boxes)).await.unwrap()
}

#[tokio::test]
async fn two_links_talk_through_the_broker_and_it_comes_back_on_its_port() {
    let (broker, shutdown) = (broker().await, Shutdown::new());
    let address = broker.local_addr();
    let mut central = client(address, "central", "usher/v1/+/up", &shutdown);
    let mut edge = client(address, "12", "usher/v1/12/down", &shutdown);
    assert_eq!(central.next().await, LinkEvent::Up);
    assert_eq!(edge.next().await, LinkEvent::Up);
    assert!(edge.publisher.publish("usher/v1/12/up", b"hello".to_vec()));
    assert_eq!(central.next().await, message("usher/v1/12/up", b"hello"));
    let batch = vec![7; PAYLOAD_MAX];
    assert!(central.publisher.publish("usher/v1/12/down", batch.clone()));
    assert_eq!(edge.next().await, message("usher/v1/12/down", &batch));

    broker.shutdown().await;
    assert_eq!(central.next().await, LinkEvent::Down);
    assert_eq!(edge.next().await, LinkEvent::Down);
    assert!(!edge.publisher.publish("usher/v1/12/up", b"lost".to_vec()));
    tokio::time::sleep(Duration::from_millis(700)).await;
    let again = EmbeddedBroker::start(address, Arc::new(Boxes)).await.unwrap();
    let started = Instant::now();
    assert_eq!(central.next().await, LinkEvent::Up);
    assert_eq!(edge.next().await, LinkEvent::Up);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert!(edge.publisher.publish("usher/v1/12/up", b"again".to_vec()));
    assert_eq!(central.next().await, message("usher/v1/12/up", b"again"));
    shutdown.trigger();
    again.shutdown().await;
}

#[tokio::test]
async fn a_topic_of_somebody_else_is_refused_and_a_wrong_password_does_not_connect() {
    let (broker, shutdown) = (broker().await, Shutdown::new());
    let address = broker.local_addr();
    let mut central = client(address, "central", "usher/v1/+/up", &shutdown);
    let mut edge = client(address, "12", "usher/v1/12/down", &shutdown);
    assert_eq!(central.next().await, LinkEvent::Up);
    assert_eq!(edge.next().await, LinkEvent::Up);
    assert!(edge.publisher.publish("usher/v1/13/up", b"forged".to_vec()));
    central.quiet().await;
    assert!(edge.publisher.publish("usher/v1/12/up", b"own".to_vec()));
    assert_eq!(central.next().await, message("usher/v1/12/up", b"own"));

    let mut listener = client(address, "14", "usher/v1/12/down", &shutdown);
    listener.quiet().await;
    let config = LinkConfig {
        url: format!("mqtt://{address}").parse().unwrap(),
        client_id: "15".into(),
        username: "15".into(),
        password: "wrong".into(),
        tls: TlsFiles::default(),
        keep_alive: Duration::from_secs(1),
    };
    assert!(!format!("{config:?}").contains("wrong"));
    let (_publisher, events) = connect(config, vec!["usher/v1/15/down".into()], shutdown.clone());
    Client { publisher: listener.publisher.clone(), events }.quiet().await;
    shutdown.trigger();
    broker.shutdown().await;
}

/// Passes bytes on between a client and the broker until told to let them fall.
async fn valve(broker: SocketAddr) -> (SocketAddr, Shutdown) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, cut) = (listener.local_addr().unwrap(), Shutdown::new());
    let closing = cut.clone();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut near, _)) = listener.accept().await {
            let closing = closing.clone();
            let mut far = TcpStream::connect(broker).await.unwrap();
            open.push(tokio::spawn(async move {
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    // Both sockets stay open and silent, like a line that was cut.
                    () = closing.wait() => std::future::pending().await,
                }
            }));
        }
    });
    (address, cut)
}

#[tokio::test]
async fn a_half_open_connection_is_noticed_even_while_messages_are_sent() {
    let (broker, shutdown) = (broker().await, Shutdown::new());
    let (through, cut) = valve(broker.local_addr()).await;
    let mut edge = client(through, "12", "usher/v1/12/down", &shutdown);
    assert_eq!(edge.next().await, LinkEvent::Up);
    // A quiet link stays up for longer than its keep-alive.
    assert!(timeout(Duration::from_millis(2500), edge.events.recv()).await.is_err());
    cut.trigger();
    let publisher = edge.publisher.clone();
    let heartbeats = tokio::spawn(async move {
        loop {
            publisher.publish("usher/v1/12/up", b"heartbeat".to_vec());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let started = Instant::now();
    assert_eq!(edge.next().await, LinkEvent::Down);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    heartbeats.abort();
    shutdown.trigger();
    broker.shutdown().await;
}
