//! The accounts behind the crate's own interface, and what is written down about clients.

use super::Accounts;
use mqtt5::broker::{
    AuthProvider, AuthResult, BrokerEventHandler, ClientConnectEvent, ClientDisconnectEvent, ClientPublishEvent,
    PublishAction,
};
use mqtt5::packet::connect::ConnectPacket;
use mqtt5::protocol::v5::reason_codes::ReasonCode;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The longest part of a name from outside that is written to the log, characters.
const LOGGED_MAX: usize = 64;

pub(super) struct Gate {
    accounts: Arc<dyn Accounts>,
    /// Connections under each client id: two for a moment while one takes over the other.
    connected: Mutex<BTreeMap<Arc<str>, u32>>,
}

impl Gate {
    pub(super) fn new(accounts: Arc<dyn Accounts>) -> Self {
        Self { accounts, connected: Mutex::default() }
    }

    fn connected(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, u32>> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_connected(&self, client_id: &str) -> bool {
        self.connected().contains_key(client_id)
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

fn now<'a, T: Send + 'a>(answer: T) -> Answer<'a, T> {
    Box::pin(std::future::ready(answer))
}

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
            let client: String = connect.client_id.chars().take(LOGGED_MAX).collect();
            tracing::warn!(?client, %address, "the embedded broker refuses a login");
        } else if self.is_connected(&connect.client_id) {
            // Two boxes with one identity, or one that came back before its old connection was given up.
            tracing::warn!(client = connect.client_id, %address, "a connection to the embedded broker takes over another");
        }
        now(Ok(if accepted {
            AuthResult::success_with_user(username)
        } else {
            AuthResult::fail(ReasonCode::BadUsernameOrPassword)
        }))
    }

    fn authorize_publish<'a>(&'a self, client_id: &str, _user_id: Option<&'a str>, topic: &'a str) -> Answer<'a, bool> {
        now(self.accounts.may_publish(client_id, topic))
    }

    fn authorize_subscribe<'a>(
        &'a self,
        client_id: &str,
        _user_id: Option<&'a str>,
        filter: &'a str,
    ) -> Answer<'a, bool> {
        now(self.accounts.may_subscribe(client_id, filter))
    }
}

impl BrokerEventHandler for Gate {
    fn on_client_connect<'a>(&'a self, event: ClientConnectEvent) -> Answer<'a, ()> {
        *self.connected().entry(event.client_id).or_default() += 1;
        now(())
    }

    fn on_client_disconnect<'a>(&'a self, event: ClientDisconnectEvent) -> Answer<'a, ()> {
        let mut connected = self.connected();
        if let Some(connections) = connected.get_mut(&event.client_id) {
            *connections -= 1;
            if *connections == 0 {
                connected.remove(&event.client_id);
            }
        }
        now(())
    }

    fn on_client_publish<'a>(&'a self, event: ClientPublishEvent) -> Answer<'a, PublishAction> {
        // The crate says that it retains nothing and then does: a message meant to be kept is dropped instead.
        now(if event.retain { PublishAction::Handled } else { PublishAction::Continue })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Boxes;
    use super::*;

    #[tokio::test]
    async fn a_takeover_is_seen_whichever_of_the_two_is_heard_of_first() {
        let gate = Gate::new(Arc::new(Boxes));
        let (connect, disconnect) = (
            || ClientConnectEvent {
                client_id: "12".into(),
                user_id: None,
                clean_start: true,
                session_expiry_interval: 0,
                will_topic: None,
                will_payload: None,
                will_qos: None,
                will_retain: None,
            },
            || ClientDisconnectEvent {
                client_id: "12".into(),
                user_id: None,
                reason: ReasonCode::Success,
                unexpected: true,
            },
        );
        assert!(!gate.is_connected("12"));
        gate.on_client_connect(connect()).await;
        assert!(gate.is_connected("12"));
        gate.on_client_connect(connect()).await;
        gate.on_client_disconnect(disconnect()).await;
        assert!(gate.is_connected("12"), "the newer of the two is still there");
        gate.on_client_disconnect(disconnect()).await;
        assert!(!gate.is_connected("12"));
    }
}
