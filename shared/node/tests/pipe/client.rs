//! A link as the tests hold it: central or the box of a theatre.

use node::mqtt::{LinkConfig, LinkEvent, LinkStatus, Publisher, TlsFiles, TroubleKind, connect};
use node::shutdown::Shutdown;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep, timeout};

/// Longer than the longest pause between two attempts to connect.
const PATIENCE: Duration = Duration::from_secs(12);

pub(crate) struct Client {
    pub(crate) publisher: Publisher,
    events: Receiver<LinkEvent>,
    shutdown: Shutdown,
}

impl Client {
    /// A link that says of itself that it is `name`.
    pub(crate) fn named(url: &str, name: &str, filters: &[&str], tls: TlsFiles) -> Self {
        let config = LinkConfig {
            url: url.parse().unwrap(),
            client_id: name.into(),
            username: name.into(),
            password: "right".into(),
            tls,
            keep_alive: Duration::from_secs(1),
        };
        let shutdown = Shutdown::new();
        let filters = filters.iter().map(|filter| (*filter).to_owned()).collect();
        let (publisher, events) = connect(config, filters, shutdown.clone());
        Self { publisher, events, shutdown }
    }

    pub(crate) fn central(url: &str, tls: TlsFiles) -> Self {
        Self::named(url, "central", &["usher/v1/+/up", "usher/v1/+/up/log"], tls)
    }

    pub(crate) fn edge(url: &str, theatre: &str, tls: TlsFiles) -> Self {
        let filters = ["down", "down/log"].map(|part| format!("usher/v1/{theatre}/{part}"));
        Self::named(url, theatre, &[&filters[0], &filters[1]], tls)
    }

    pub(crate) async fn next(&mut self) -> LinkEvent {
        let event = timeout(PATIENCE, self.events.recv()).await;
        event.unwrap_or_else(|_| panic!("no event in time: {:?}", self.status())).expect("the link runs")
    }

    pub(crate) async fn up(&mut self) {
        while self.next().await != LinkEvent::Up {}
    }

    pub(crate) async fn quiet(&mut self) {
        let event = timeout(Duration::from_millis(400), self.events.recv()).await;
        assert!(event.is_err(), "{event:?}");
    }

    /// Waits for a message and lets everything before it pass.
    pub(crate) async fn hears(&mut self, topic: &str, payload: &[u8]) {
        let expected = LinkEvent::Message { topic: topic.into(), payload: payload.to_vec() };
        while self.next().await != expected {}
    }

    pub(crate) fn says(&self, topic: &str, payload: &[u8]) {
        assert!(self.publisher.publish(topic, payload.to_vec()), "{:?}", self.status());
    }

    /// Ends it and waits until it has ended.
    pub(crate) async fn end(&mut self) {
        self.shutdown.trigger();
        while self.events.recv().await.is_some() {}
    }

    /// How often it went down in this time.
    pub(crate) async fn downs(&self, time: Duration) -> usize {
        let (started, mut downs, mut was_up) = (Instant::now(), 0, false);
        while started.elapsed() < time {
            let up = self.publisher.is_up();
            downs += usize::from(was_up && !up);
            was_up = up;
            sleep(Duration::from_millis(2)).await;
        }
        downs
    }

    pub(crate) fn status(&self) -> LinkStatus {
        self.publisher.status()
    }

    pub(crate) async fn has_trouble(&self, kind: TroubleKind) -> String {
        let started = Instant::now();
        loop {
            let status = self.status();
            match status.trouble {
                Some(trouble) if trouble.kind == kind => return trouble.story,
                _ => assert!(started.elapsed() < PATIENCE, "no {kind:?}: {status:?}"),
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

/// Both say something, and the other hears it.
pub(crate) async fn exchange(central: &mut Client, edge: &mut Client, theatre: &str, word: &str) {
    let (up, down) = (format!("usher/v1/{theatre}/up"), format!("usher/v1/{theatre}/down"));
    edge.says(&up, word.as_bytes());
    central.hears(&up, word.as_bytes()).await;
    central.says(&down, word.as_bytes());
    edge.hears(&down, word.as_bytes()).await;
}
