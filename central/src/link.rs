//! The line to the boxes: what the broker delivers becomes a job of the writer, what the desk sends leaves after its commit.

use crate::desk::Desk;
use crate::fleet::accounts::{self, theatre_topic};
use node::mqtt::{self, LinkConfig, LinkEvent, MqttUrl, Publisher, TlsFiles};
use node::shutdown::Shutdown;
use node::writer::{WriteError, Writer};
use std::time::Duration;
use tokio::sync::mpsc;

/// The pause before a message is offered to a writer whose queue was full.
const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(5);
/// The pause before a change of the link is offered again to a writer whose store is away.
const STORE_AWAY_PAUSE: Duration = Duration::from_millis(100);

/// Central's login at the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerLogin {
    /// The user name, also the client id.
    pub username: String,
    /// The password.
    pub password: String,
    /// Certificates, where the broker asks for them.
    pub tls: TlsFiles,
}

impl BrokerLogin {
    /// A login for the embedded broker, new at each start.
    pub fn fresh() -> Self {
        Self { username: accounts::CENTRAL.to_owned(), password: node::random::hex::<32>(), tls: TlsFiles::default() }
    }
}

/// Connects to the broker and subscribes to what all boxes say.
pub fn connect(
    url: MqttUrl,
    login: BrokerLogin,
    heartbeat: Duration,
    shutdown: Shutdown,
) -> (Publisher, mpsc::Receiver<LinkEvent>) {
    let BrokerLogin { username, password, tls } = login;
    let keep_alive = heartbeat * 3;
    let config = LinkConfig { url, client_id: username.clone(), username, password, tls, keep_alive };
    let subscriptions = ["up", "up/log"].map(|part| format!("usher/v1/+/{part}")).to_vec();
    mqtt::connect(config, subscriptions, shutdown)
}

/// Passes what arrives to the writer until the link ends.
pub async fn deliver(mut events: mpsc::Receiver<LinkEvent>, writer: Writer<Desk>) {
    while let Some(event) = events.recv().await {
        while let Err(error) = hand_over(&writer, event.clone()).await {
            match error {
                // Waiting here makes the broker wait, which is better than losing what would be asked for again.
                WriteError::Overloaded => tokio::time::sleep(FULL_QUEUE_PAUSE).await,
                WriteError::Unreachable | WriteError::Unknown | WriteError::Unwritable(_) => {
                    tokio::time::sleep(STORE_AWAY_PAUSE).await;
                }
                WriteError::Stopped { .. } => return,
            }
        }
    }
}

/// Hands an event to the writer, ahead of customers: a cashier who asks for a seat of the web's does not wait behind a rush for it.
/// Messages are not waited for: the box sends again what was not taken in.
async fn hand_over(writer: &Writer<Desk>, event: LinkEvent) -> Result<(), WriteError> {
    match event {
        LinkEvent::Up | LinkEvent::Down => {
            let up = event == LinkEvent::Up;
            let told = writer.run_ahead(move |desk, _, now| {
                desk.link_changed(up, now);
                Ok(())
            });
            told.await
        }
        LinkEvent::Message { topic, payload } => match theatre_topic(&topic) {
            Some((theatre, "up" | "up/log")) => {
                writer.post_ahead(move |desk, tx, now| desk.receive(tx, theatre, &payload, now))
            }
            _ => Ok(()),
        },
    }
}
