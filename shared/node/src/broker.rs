//! The MQTT broker inside central: a mailman in the same process, for installations without one of their own.
//!
//! It keeps nothing: no sessions, no queues for those who are away. The interface is narrow on purpose, so that another broker can
//! take the place of the one used here.

use crate::mqtt::PACKET_MAX;
use anyhow::Context;
use mqtt5::broker::auth::{AuthProvider, AuthResult};
use mqtt5::broker::config::StorageConfig;
use mqtt5::broker::server::BrokerShutdownHandle;
use mqtt5::broker::{BrokerConfig, MqttBroker};
use mqtt5_types::{ConnectPacket, ReasonCode};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// The most boxes that may be connected.
const CLIENTS_MAX: usize = 20_000;

/// How long connections may take to end.
const SHUTDOWN_MAX: Duration = Duration::from_secs(3);

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
    task: Option<JoinHandle<()>>,
}
