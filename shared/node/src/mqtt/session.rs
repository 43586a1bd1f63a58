//! One connection to the broker, from CONNECT to the first error.

use super::{Link, LinkConfig, LinkEvent, Outgoing, PACKET_MAX};
use crate::shutdown::Shutdown;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v5::{Packet, SubscribeFilter, SubscribeReasonCode};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, NetworkOptions, PublishOptions, SessionMode, Transport};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

/// A filter that nobody subscribes to. Giving it up costs nothing and makes the broker answer.
const PROBE_FILTER: &str = "usher/probe";

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// Packets that the client may hold before the feeder waits.
const CLIENT_QUEUE: usize = 64;

/// Room for unacknowledged messages, of which there are none at quality of service 0. The client walks all of it at
/// every send, and by default it has 65,535 places.
const INFLIGHT_MAX: u16 = 8;

pub(super) enum Ended {
    ByShutdown,
    ByError(String),
}

pub(super) async fn session(link: &mut Link, shutdown: &Shutdown) -> Ended {
    let (client, event_loop) = match build(&link.config) {
        Ok(built) => built,
        Err(error) => return Ended::ByError(format!("set up the client: {error:#}")),
    };
    let keep_alive = bounded(link.config.keep_alive);
    let heard = Heard(Mutex::new(Instant::now()));
    let incoming =
        Incoming { subscriptions: &link.subscriptions, events: &link.events, up: &link.up, keep_alive, heard: &heard };
    // Neither future is cancelled and gone on with: whichever ends first ends the session and its client.
    tokio::select! {
        cause = incoming.run(&client, event_loop) => Ended::ByError(cause),
        cause = feed(&client, &mut link.waiting, keep_alive, &heard) => Ended::ByError(cause),
        () = shutdown.wait() => Ended::ByShutdown,
    }
}

fn bounded(keep_alive: Duration) -> Duration {
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
        .set_connect_timeout(CONNECT_TIMEOUT);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    if config.url.tls {
        options.set_transport(Transport::try_tls_with_default_config()?);
    }
    Ok(AsyncClient::builder(options).capacity(CLIENT_QUEUE).try_build()?)
}

/// When the broker was last heard.
struct Heard(Mutex<Instant>);

impl Heard {
    fn last(&self) -> Instant {
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
    up: &'a AtomicBool,
    keep_alive: Duration,
    heard: &'a Heard,
}

impl Incoming<'_> {
    /// Runs until the connection is of no more use and says why.
    async fn run(&self, client: &AsyncClient, mut event_loop: EventLoop) -> String {
        let mut patience = CONNECT_TIMEOUT + self.keep_alive;
        loop {
            // The client's own keep-alive does not ping while it has something to send, so a half-open connection
            // would stay open.
            let polled = timeout_at(self.heard.last() + patience, event_loop.poll()).await;
            let packet = match polled {
                Err(_) => return format!("nothing heard for {patience:?}"),
                Ok(Err(error)) => return error.to_string(),
                Ok(Ok(Event::Incoming(packet))) => packet,
                Ok(Ok(Event::Outgoing(_) | Event::Auth(_))) => continue,
            };
            if let Err(cause) = self.handle(client, packet).await {
                return cause;
            }
            // After handling: a program that is slow to take messages does not make the broker silent.
            self.heard.now();
            patience = self.keep_alive;
        }
    }

    async fn handle(&self, client: &AsyncClient, packet: Packet) -> Result<(), String> {
        match packet {
            Packet::ConnAck(_) if self.subscriptions.is_empty() => self.come_up().await,
            Packet::ConnAck(_) => {
                let filters = self.subscriptions.iter().map(|filter| SubscribeFilter::new(filter, QoS::AtMostOnce));
                client.try_subscribe_many(filters).map_err(|error| format!("subscribe: {error}"))
            }
            Packet::SubAck(answer) => {
                for (filter, code) in self.subscriptions.iter().zip(&answer.return_codes) {
                    if !matches!(code, SubscribeReasonCode::Success(_)) {
                        tracing::error!(filter, ?code, "the broker refuses a subscription");
                        return Err(format!("subscription to {filter} refused: {code:?}"));
                    }
                }
                self.come_up().await
            }
            Packet::Publish(message) if self.up.load(Ordering::Relaxed) => {
                let Ok(topic) = String::from_utf8(message.topic.to_vec()) else { return Ok(()) };
                self.pass_on(LinkEvent::Message { topic, payload: message.payload.to_vec() }).await
            }
            Packet::Disconnect(goodbye) => Err(format!("the broker ended the connection: {:?}", goodbye.reason_code)),
            _ => Ok(()),
        }
    }

    async fn come_up(&self) -> Result<(), String> {
        tracing::info!("link up");
        self.up.store(true, Ordering::Relaxed);
        self.pass_on(LinkEvent::Up).await
    }

    async fn pass_on(&self, event: LinkEvent) -> Result<(), String> {
        self.events.send(event).await.map_err(|_| "nobody takes the messages any more".into())
    }
}

/// Hands waiting messages to the client, and asks a broker that has been silent for half the time for a sign of life.
async fn feed(
    client: &AsyncClient,
    waiting: &mut mpsc::Receiver<Outgoing>,
    keep_alive: Duration,
    heard: &Heard,
) -> String {
    let mut asked = heard.last();
    loop {
        let ask = heard.last().max(asked) + keep_alive / 2;
        tokio::select! {
            message = waiting.recv() => {
                let Some(Outgoing { topic, payload }) = message else { return "nobody publishes any more".into() };
                if let Err(error) = client.publish(topic, payload, PublishOptions::at_most_once()).await {
                    return format!("publish: {error}");
                }
            }
            () = sleep_until(ask) => {
                if heard.last() + keep_alive / 2 <= Instant::now() {
                    asked = Instant::now();
                    // A full queue means that the client is stuck, which the silence will show.
                    let _ = client.try_unsubscribe(PROBE_FILTER);
                }
            }
        }
    }
}
