//! One connection to the broker, from CONNECT to the first error.

use super::feed::Feed;
use super::poller::Poller;
use super::status::{Standing, Trouble, TroubleKind};
use super::{Link, LinkConfig, LinkEvent, PACKET_MAX};
use crate::shutdown::Shutdown;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v5::{ConnectReturnCode, DisconnectReasonCode, Packet, SubscribeFilter, SubscribeReasonCode};
use rumqttc::{AsyncClient, ConnectionError, EventLoop, MqttOptions, NetworkOptions, SessionMode, StateError};
use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// How long a goodbye may take.
const GOODBYE_MAX: Duration = Duration::from_millis(250);

/// Packets that the client may hold before the feed waits.
const CLIENT_QUEUE: usize = 64;

/// Room for unacknowledged messages, of which there are few. The client walks all of it at every send, and by default
/// it has 65,535 places.
const INFLIGHT_MAX: u16 = 8;

pub(super) enum Ended {
    ByShutdown,
    ByTrouble(Trouble),
}

pub(super) async fn session(link: &mut Link, shutdown: &Shutdown) -> Ended {
    let (client, event_loop) = match build(&link.config) {
        Ok(built) => built,
        Err(error) => return Ended::ByTrouble(Trouble::new(TroubleKind::Setup, format!("{error:#}"))),
    };
    let mut poller = Poller::start(event_loop);
    let heard = Heard(Mutex::new(Instant::now()));
    let incoming = Incoming {
        subscriptions: &link.subscriptions,
        events: &link.events,
        standing: &link.standing,
        keep_alive: bounded(link.config.keep_alive),
        heard: &heard,
    };
    let feed = Feed::new(&client, &link.standing, &heard, &link.config);
    let ended = tokio::select! {
        trouble = incoming.run(&client, &mut poller) => Ended::ByTrouble(trouble),
        trouble = feed.run(&mut link.waiting) => Ended::ByTrouble(trouble),
        () = shutdown.wait() => Ended::ByShutdown,
    };
    let said_goodbye = matches!(ended, Ended::ByShutdown) && client.try_disconnect_now().is_ok();
    poller.end(if said_goodbye { GOODBYE_MAX } else { Duration::ZERO }).await;
    ended
}

pub(super) fn bounded(keep_alive: Duration) -> Duration {
    keep_alive.clamp(Duration::from_secs(1), Duration::from_secs(60))
}

fn build(config: &LinkConfig) -> anyhow::Result<(AsyncClient, EventLoop)> {
    let mut options = MqttOptions::new(&config.client_id, (config.url.host.as_str(), config.url.port));
    let keep_alive_s = u16::try_from(bounded(config.keep_alive).as_secs())?;
    options
        .set_credentials(&config.username, config.password.clone())
        .set_keep_alive(keep_alive_s)
        .set_session_mode(SessionMode::Clean)
        .set_max_packet_size(Some(PACKET_MAX))
        .set_outgoing_inflight_upper_limit(INFLIGHT_MAX)
        .set_connect_timeout(CONNECT_TIMEOUT)
        .set_transport(config.tls.transport(&config.url)?);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    Ok(AsyncClient::builder(options).capacity(CLIENT_QUEUE).try_build()?)
}

/// When the broker was last heard.
pub(super) struct Heard(Mutex<Instant>);

impl Heard {
    pub(super) fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// What comes from the broker.
struct Incoming<'a> {
    subscriptions: &'a [String],
    events: &'a mpsc::Sender<LinkEvent>,
    standing: &'a Standing,
    keep_alive: Duration,
    heard: &'a Heard,
}

impl Incoming<'_> {
    /// Runs until the connection is of no more use and says why.
    async fn run(&self, client: &AsyncClient, poller: &mut Poller) -> Trouble {
        let mut patience = CONNECT_TIMEOUT + self.keep_alive;
        loop {
            // The client's own keep-alive does not ping while it has something to send, so a half-open connection
            // would stay open.
            let packet = match timeout_at(self.heard.last() + patience, poller.next()).await {
                Err(_) => return Trouble::new(TroubleKind::Silent, format!("nothing heard for {patience:?}")),
                Ok(None) => return Trouble::new(TroubleKind::Lost, "the client ended"),
                Ok(Some(Err(error))) => return trouble_of(&error),
                Ok(Some(Ok(packet))) => packet,
            };
            if let Err(trouble) = self.handle(client, packet).await {
                return trouble;
            }
            // After handling: a program that is slow to take messages does not make the broker silent.
            self.heard.now();
            patience = self.keep_alive;
        }
    }

    async fn handle(&self, client: &AsyncClient, packet: Packet) -> Result<(), Trouble> {
        match packet {
            Packet::ConnAck(answer) => {
                self.standing.connected(answer.properties.and_then(|properties| properties.max_packet_size));
                if self.subscriptions.is_empty() {
                    return self.come_up().await;
                }
                let filters = self.subscriptions.iter().map(|filter| SubscribeFilter::new(filter, QoS::AtMostOnce));
                let asked = client.try_subscribe_many(filters);
                asked.map_err(|error| Trouble::new(TroubleKind::Lost, format!("subscribe: {error}")))
            }
            Packet::SubAck(answer) => {
                for (filter, code) in self.subscriptions.iter().zip(&answer.return_codes) {
                    if !matches!(code, SubscribeReasonCode::Success(_)) {
                        return Err(Trouble::new(TroubleKind::SubscriptionRefused, format!("{filter}: {code:?}")));
                    }
                }
                self.come_up().await
            }
            Packet::Publish(message) if self.standing.is_up() => {
                let Ok(topic) = String::from_utf8(message.topic.to_vec()) else { return Ok(()) };
                self.pass_on(LinkEvent::Message { topic, payload: message.payload.to_vec() }).await
            }
            Packet::Disconnect(goodbye) => Err(goodbye_trouble(goodbye.reason_code)),
            _ => Ok(()),
        }
    }

    async fn come_up(&self) -> Result<(), Trouble> {
        self.standing.came_up();
        self.pass_on(LinkEvent::Up).await
    }

    async fn pass_on(&self, event: LinkEvent) -> Result<(), Trouble> {
        let passed = self.events.send(event).await;
        passed.map_err(|_| Trouble::new(TroubleKind::Lost, "nobody takes the messages any more"))
    }
}

fn goodbye_trouble(reason: DisconnectReasonCode) -> Trouble {
    let kind = match reason {
        DisconnectReasonCode::SessionTakenOver => TroubleKind::TakenOver,
        DisconnectReasonCode::NotAuthorized => TroubleKind::LoginRefused,
        _ => TroubleKind::Lost,
    };
    Trouble::new(kind, format!("the broker ended the connection: {reason:?}"))
}

fn trouble_of(error: &ConnectionError) -> Trouble {
    let kind = match error {
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, .. }) => {
            return goodbye_trouble(*reason_code);
        }
        _ if from_tls(error) => TroubleKind::Tls,
        ConnectionError::Io(_) | ConnectionError::Timeout(_) => TroubleKind::Unreachable,
        ConnectionError::ConnectionRefused(code) => match code {
            ConnectReturnCode::BadClientId
            | ConnectReturnCode::ClientIdentifierNotValid
            | ConnectReturnCode::BadUserNamePassword
            | ConnectReturnCode::NotAuthorized
            | ConnectReturnCode::Banned
            | ConnectReturnCode::BadAuthenticationMethod => TroubleKind::LoginRefused,
            _ => TroubleKind::Unreachable,
        },
        _ => TroubleKind::Lost,
    };
    Trouble::new(kind, error.to_string())
}

/// Whether certificates are at the bottom of it. An alert about ours arrives when the connection seemed to stand.
fn from_tls(error: &ConnectionError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = match error {
        // It does not say that it has a cause.
        ConnectionError::MqttState(StateError::Deserialization(inside)) => Some(inside),
        _ => Some(error),
    };
    while let Some(error) = cause {
        let inside = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if error.is::<rustls::Error>() || inside.is_some_and(|inside| inside.is::<rustls::Error>()) {
            return true;
        }
        cause = error.source();
    }
    matches!(error, ConnectionError::Tls(_))
}
