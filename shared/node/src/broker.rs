//! The MQTT broker inside central: a mailman in the same process, for evaluation, tests and small installations.
//!
//! It keeps nothing: no sessions, no queues for those who are away. The interface is narrow on purpose, so that
//! another broker can take the place of the one used here, which is a young crate. What is not left to it: it runs on
//! threads of its own and everything it started ends with them, whatever its clients do; every queue has an end; who
//! may say and hear what is decided by [`Accounts`] at each packet.
//!
//! It does not encrypt, though the crate could: its TLS listener waits for one client's handshake before it takes the
//! next connection, so that a single silent client would shut out all the others. Boxes elsewhere need Mosquitto.

mod gate;
mod threads;

use crate::mqtt::PACKET_MAX;
use anyhow::{Context, anyhow};
use gate::Gate;
use mqtt5::broker::{BrokerConfig, BrokerShutdownHandle, MqttBroker, StorageBackendType, StorageConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use threads::Threads;
use tokio::task::JoinHandle;

/// The most boxes that may be connected.
const CLIENTS_MAX: usize = 20_000;

/// The most filters that one client may subscribe to.
const SUBSCRIPTIONS_MAX: usize = 16;

/// Messages that wait for one client; more are dropped. With [`PACKET_MAX`] at most 64 MB for a client that is stuck.
const WAITING_MAX: usize = 1024;

/// Messages and bytes that wait for a client at quality of service 1, beyond [`WAITING_MAX`]. Usher's subscribe at 0.
const QUEUED_MAX: (usize, usize) = (64, 1024 * 1024);

/// Messages that one client may have unacknowledged.
const RECEIVE_MAX: u16 = 64;

/// How long the broker may take to start, and connections to end.
const PATIENCE: Duration = Duration::from_secs(3);

/// Who may connect, publish and subscribe. Called for every packet concerned: it must not block.
pub trait Accounts: Send + Sync + 'static {
    /// Whether this client id may connect with this name and password.
    fn authenticate(&self, client_id: &str, username: &str, password: &str) -> bool;

    /// Whether a connected client may publish to a topic.
    fn may_publish(&self, client_id: &str, topic: &str) -> bool;

    /// Whether a connected client may subscribe to a filter.
    fn may_subscribe(&self, client_id: &str, filter: &str) -> bool;
}

/// A running broker; dropping it ends it.
pub struct EmbeddedBroker {
    address: SocketAddr,
    handle: BrokerShutdownHandle,
    served: JoinHandle<()>,
    threads: Threads,
}

impl EmbeddedBroker {
    /// Listens on an address (port 0 for any) and serves until [`shutdown`](Self::shutdown).
    ///
    /// # Errors
    /// If the address is taken or no thread can be started.
    pub async fn start(listen: SocketAddr, accounts: Arc<dyn Accounts>) -> anyhow::Result<Self> {
        if !listen.ip().is_loopback() {
            tracing::warn!(%listen, "the embedded broker does not encrypt, and others can reach it: use Mosquitto");
        }
        let gate = Arc::new(Gate::new(accounts));
        let threads = Threads::start().context("start the broker's threads")?;
        let bound = threads.spawn(bind(listen, gate));
        let mut broker = bound.await?.with_context(|| format!("start the broker on {listen}"))?;
        let address = broker.local_addr().context("read the address of the broker")?;
        let (handle, mut ready) = (broker.shutdown_handle(), broker.ready_receiver());
        let served = threads.spawn(async move {
            if let Err(error) = broker.run().await {
                tracing::error!(%error, "the embedded broker failed");
            }
        });
        let started = tokio::time::timeout(PATIENCE, ready.wait_for(|ready| *ready)).await;
        started.context("wait for the broker")?.context("start the broker")?;
        tracing::info!(%address, "embedded broker listening");
        Ok(Self { address, handle, served, threads })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections and gives the port back, in at most 4 s. A client that cannot be told is cut off.
    pub async fn shutdown(mut self) {
        self.handle.shutdown();
        if tokio::time::timeout(PATIENCE, &mut self.served).await.is_err() {
            tracing::warn!(address = %self.address, "cutting off connections to the embedded broker that did not end");
        }
        self.threads.end().await;
    }
}

async fn bind(listen: SocketAddr, gate: Arc<Gate>) -> anyhow::Result<MqttBroker> {
    let config = config(listen).with_event_handler(gate.clone());
    let broker = MqttBroker::with_config(config).await.map_err(|error| anyhow!("{error}"))?;
    Ok(broker.with_auth_provider(gate))
}

fn config(listen: SocketAddr) -> BrokerConfig {
    let storage = StorageConfig::new()
        .with_backend(StorageBackendType::Memory)
        .with_persistence(false)
        .with_max_queued_messages_per_client(QUEUED_MAX.0)
        .with_max_queued_bytes_per_client(QUEUED_MAX.1);
    let mut config = BrokerConfig::new()
        .with_bind_addresses(vec![listen])
        .with_max_clients(CLIENTS_MAX)
        .with_max_packet_size(PACKET_MAX as usize)
        .with_maximum_qos(1)
        .with_retain_available(false)
        .with_session_expiry(Duration::ZERO)
        .with_server_receive_maximum(RECEIVE_MAX)
        .with_max_subscriptions_per_client(SUBSCRIPTIONS_MAX)
        .with_sys_topics_enabled(false)
        .with_storage(storage);
    config.topic_alias_maximum = 0;
    config.client_channel_capacity = WAITING_MAX;
    config.shared_subscription_available = false;
    config.subscription_identifier_available = false;
    config
}

#[cfg(test)]
mod tests;
