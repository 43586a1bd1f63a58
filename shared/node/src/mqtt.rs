//! The MQTT link: a pipe that may lose, repeat and reorder, and says when it is up.
//!
//! Nothing here is relied on for safety: a message that was published may never arrive, and the protocol above sends
//! again what the peer has not acknowledged. So messages go at quality of service 0, sessions start clean, and after
//! any error the whole client is thrown away and built anew: a client that goes on after an error can lose what it
//! holds, or hang for ever. How the pipe stands, and why it does not carry what it should, is its [`LinkStatus`].

mod feed;
mod poller;
mod session;
mod status;
mod tls;
mod url;

pub use status::{LinkStatus, Trouble, TroubleKind};
pub use tls::{BadTls, TlsFiles};
pub use url::{BadMqttUrl, MqttUrl};

use crate::shutdown::Shutdown;
use session::{Ended, bounded, session};
use status::{Standing, Was};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tracing::Instrument;

/// The largest MQTT packet either way, bytes.
pub const PACKET_MAX: u32 = 64 * 1024;

/// The largest payload, bytes: the packet without its topic and header.
pub const PAYLOAD_MAX: usize = PACKET_MAX as usize - 1024;

const _: () = assert!(sync_protocol::envelope::ENVELOPE_BYTES_MAX <= PAYLOAD_MAX);

/// How long a silent connection is believed in where nothing else is set.
pub const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Messages that wait to be sent; more are dropped.
const OUTGOING_MAX: usize = 512;

/// Messages that wait to be taken by the program; more make the broker wait.
const INCOMING_MAX: usize = 1024;

const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Where and as whom to connect.
#[derive(Clone)]
pub struct LinkConfig {
    /// The broker.
    pub url: MqttUrl,
    /// The client id; the broker allows one connection for each.
    pub client_id: String,
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
    /// Certificates and key, for `mqtts://` only.
    pub tls: TlsFiles,
    /// A connection that is silent for this long is given up; 1 s to 60 s, see [`KEEP_ALIVE`].
    pub keep_alive: Duration,
}

impl fmt::Debug for LinkConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkConfig({} as {} at {})", self.client_id, self.username, self.url)
    }
}

/// What happened on the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEvent {
    /// Connected and subscribed to everything: what is published from now on reaches the broker, if nothing fails.
    Up,
    /// No longer so. Follows every `Up` but the one that the shutdown ends.
    Down,
    /// A message on one of the subscriptions.
    Message {
        /// Its topic.
        topic: String,
        /// Its bytes.
        payload: Vec<u8>,
    },
}

/// Sends messages over the link. Clones share it.
#[derive(Debug, Clone)]
pub struct Publisher {
    outgoing: mpsc::Sender<Outgoing>,
    standing: Arc<Standing>,
}

#[derive(Debug)]
struct Outgoing {
    topic: String,
    payload: Vec<u8>,
}

impl Outgoing {
    /// The size of its packet with the largest header it may get, bytes.
    fn packet_bytes(&self) -> usize {
        const HEADER: usize = 5;
        const TOPIC_LENGTH: usize = 2;
        const PACKET_ID: usize = 2;
        const NO_PROPERTIES: usize = 1;
        HEADER + TOPIC_LENGTH + self.topic.len() + PACKET_ID + NO_PROPERTIES + self.payload.len()
    }
}

impl Publisher {
    /// Hands a message over, without ever waiting. `false`: dropped, because the link is down, the queue full, or the
    /// payload larger than [`PAYLOAD_MAX`] or than the broker takes. `true` promises nothing but a try.
    pub fn publish(&self, topic: &str, payload: Vec<u8>) -> bool {
        if !self.is_up() || payload.len() > PAYLOAD_MAX {
            return false;
        }
        let message = Outgoing { topic: topic.to_owned(), payload };
        self.standing.takes(topic, message.packet_bytes()) && self.outgoing.try_send(message).is_ok()
    }

    /// Whether the link is up now.
    pub fn is_up(&self) -> bool {
        self.standing.is_up()
    }

    /// How the link stands, for operators.
    pub fn status(&self) -> LinkStatus {
        self.standing.status()
    }
}

/// Keeps a connection to the broker with these subscriptions until `shutdown`, in a task of its own.
pub fn connect(
    config: LinkConfig,
    subscriptions: Vec<String>,
    shutdown: Shutdown,
) -> (Publisher, mpsc::Receiver<LinkEvent>) {
    let (outgoing, waiting) = mpsc::channel(OUTGOING_MAX);
    let (events, received) = mpsc::channel(INCOMING_MAX);
    let publisher = Publisher { outgoing, standing: Arc::new(Standing::new(bounded(config.keep_alive))) };
    let link = Link { config, subscriptions, waiting, events, standing: publisher.standing.clone() };
    let span = tracing::info_span!("link", client = link.config.client_id, broker = %link.config.url);
    tokio::spawn(link.run(shutdown).instrument(span));
    (publisher, received)
}

/// The task's state: what outlives a connection.
struct Link {
    config: LinkConfig,
    subscriptions: Vec<String>,
    waiting: mpsc::Receiver<Outgoing>,
    events: mpsc::Sender<LinkEvent>,
    standing: Arc<Standing>,
}

impl Link {
    async fn run(mut self, shutdown: Shutdown) {
        let mut backoff = BACKOFF_FIRST;
        loop {
            let ended = session(&mut self, &shutdown).await;
            let trouble = match ended {
                Ended::ByShutdown => return self.standing.stopped(),
                Ended::ByTrouble(trouble) => trouble,
            };
            let was = self.standing.went_down(trouble);
            // One that is thrown out as soon as it is up must not storm the broker.
            if was == Was::Lasting {
                backoff = BACKOFF_FIRST;
            }
            if was != Was::NeverUp && self.events.send(LinkEvent::Down).await.is_err() {
                return;
            }
            // What waited for the lost connection is stale: the protocol sends it again.
            while self.waiting.try_recv().is_ok() {}
            tokio::select! {
                () = shutdown.wait() => return,
                () = tokio::time::sleep(jittered(backoff)) => {}
            }
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }
}

/// Between half and all of it, so that boxes which lost one broker do not come back in one instant.
fn jittered(backoff: Duration) -> Duration {
    let [byte] = crate::random::bytes::<1>();
    backoff.mul_f64(0.5 + f64::from(byte) / 510.0)
}
