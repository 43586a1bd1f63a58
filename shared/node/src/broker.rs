//! The MQTT broker inside central: a mailman in the same process, for installations without one of their own.
//!
//! It keeps nothing: no sessions, no queues for those who are away. The interface is narrow on purpose, so that
//! another broker can take the place of the one used here.

use crate::mqtt::PACKET_MAX;
use anyhow::Context;
use mqtt5::broker::{
    AuthProvider, AuthResult, BrokerConfig, BrokerShutdownHandle, MqttBroker, StorageBackendType, StorageConfig,
};
use mqtt5::packet::connect::ConnectPacket;
use mqtt5::protocol::v5::reason_codes::ReasonCode;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// The most boxes that may be connected.
const CLIENTS_MAX: usize = 20_000;

/// The most filters that one client may subscribe to.
const SUBSCRIPTIONS_MAX: usize = 64;

/// The largest message that is kept for later subscribers, bytes: presence, nothing else.
const RETAINED_MAX: usize = 4 * 1024;

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

impl EmbeddedBroker {
    /// Listens on an address (port 0 for any) and serves until [`shutdown`](Self::shutdown).
    ///
    /// # Errors
    /// If the address is taken.
    pub async fn start(listen: SocketAddr, accounts: Arc<dyn Accounts>) -> anyhow::Result<Self> {
        let broker = MqttBroker::with_config(config(listen)).await;
        let mut broker = broker
            .with_context(|| format!("start the broker on {listen}"))?
            .with_auth_provider(Arc::new(Gate { accounts }));
        let address = broker.local_addr().context("read the address of the broker")?;
        let (handle, mut ready) = (broker.shutdown_handle(), broker.ready_receiver());
        let task = tokio::spawn(async move {
            if let Err(error) = broker.run().await {
                tracing::error!(%error, "the embedded broker failed");
            }
        });
        let started = tokio::time::timeout(SHUTDOWN_MAX, ready.wait_for(|ready| *ready)).await;
        started.context("wait for the broker")?.context("start the broker")?;
        tracing::info!(%address, "embedded broker listening");
        Ok(Self { address, handle, task: Some(task) })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections and gives the port back.
    pub async fn shutdown(mut self) {
        self.handle.shutdown();
        let Some(mut task) = self.task.take() else { return };
        if tokio::time::timeout(SHUTDOWN_MAX, &mut task).await.is_err() {
            tracing::warn!(address = %self.address, "connections to the embedded broker did not end in time");
            task.abort();
        }
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

fn config(listen: SocketAddr) -> BrokerConfig {
    let mut config = BrokerConfig::new()
        .with_bind_addresses(vec![listen])
        .with_max_clients(CLIENTS_MAX)
        .with_max_packet_size(PACKET_MAX as usize)
        .with_maximum_qos(1)
        .with_session_expiry(Duration::ZERO)
        .with_max_subscriptions_per_client(SUBSCRIPTIONS_MAX)
        .with_max_retained_messages(CLIENTS_MAX)
        .with_max_retained_message_size(RETAINED_MAX)
        .with_sys_topics_enabled(false)
        .with_storage(StorageConfig::new().with_backend(StorageBackendType::Memory).with_persistence(false));
    config.shared_subscription_available = false;
    config
}

/// Puts the accounts behind the broker's own interface.
struct Gate {
    accounts: Arc<dyn Accounts>,
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl AuthProvider for Gate {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        address: SocketAddr,
    ) -> Answer<'a, mqtt5::Result<AuthResult>> {
        let username = connect.username.as_deref().unwrap_or("");
        let password = connect.password.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("");
        let accepted = self.accounts.authenticate(&connect.client_id, username, password);
        if !accepted {
            tracing::warn!(client = connect.client_id, %address, "the embedded broker refuses a login");
        }
        let result = if accepted {
            AuthResult::success_with_user(username)
        } else {
            AuthResult::fail(ReasonCode::BadUsernameOrPassword)
        };
        Box::pin(std::future::ready(Ok(result)))
    }

    fn authorize_publish<'a>(&'a self, client_id: &str, _user_id: Option<&'a str>, topic: &'a str) -> Answer<'a, bool> {
        Box::pin(std::future::ready(self.accounts.may_publish(client_id, topic)))
    }

    fn authorize_subscribe<'a>(
        &'a self,
        client_id: &str,
        _user_id: Option<&'a str>,
        filter: &'a str,
    ) -> Answer<'a, bool> {
        Box::pin(std::future::ready(self.accounts.may_subscribe(client_id, filter)))
    }
}

#[cfg(test)]
mod tests;
