//! The baseline of `reconnect`: the classical outbox. One JSON message a sale at quality of service 1; the sender marks each as sent
//! after its PUBACK, the receiver stores each in a transaction of its own.

use super::table::Timings;
use anyhow::{Context, bail};
use demo::valve::Valve;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v5::Packet;
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, PublishOptions};
use rusqlite::Connection;
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::task::block_in_place;

const TOPIC: &str = "classical/sales";
/// The whole run may take so long.
const LASTS_MAX: Duration = Duration::from_secs(120);

/// What the baseline came to.
#[derive(Debug, Clone)]
pub(super) struct Classical {
    /// From the first message sent to the last one stored.
    pub(super) took: Duration,
    /// Sales in a second.
    pub(super) per_s: f64,
    /// Bytes between sender and broker, both ways, for each sale.
    pub(super) bytes_per_sale: f64,
    /// From sending a message to its sender's mark.
    pub(super) timings: Timings,
}

/// Sends `count` sales through the broker.
///
/// # Errors
/// If the broker or a database fails.
pub(super) async fn measure(broker: SocketAddr, count: u32, dir: &Path) -> anyhow::Result<Classical> {
    let valve = Valve::start(broker).await?;
    let outbox = database(&dir.join("outbox.sqlite"))?;
    for seq in 1..=count {
        outbox.execute("INSERT INTO sale (seq, body) VALUES (?1, ?2)", (seq, sale(seq)))?;
    }
    let stored = database(&dir.join("stored.sqlite"))?;
    let receiver = Receiver::subscribed(broker).await?;
    let sender = Sender::connected(valve.address()).await?;
    let before = valve.flow();
    let began = Instant::now();
    let both = async { tokio::try_join!(receiver.store(&stored, count), sender.send(&outbox)) };
    let ((), timings) = tokio::time::timeout(LASTS_MAX, both).await.context("send sales one by one")??;
    let (took, after) = (began.elapsed(), valve.flow());
    let bytes = (after.up + after.down - before.up - before.down) as f64;
    valve.shutdown().await;
    Ok(Classical {
        took,
        per_s: f64::from(count) / took.as_secs_f64(),
        bytes_per_sale: bytes / f64::from(count),
        timings,
    })
}

fn database(path: &Path) -> anyhow::Result<Connection> {
    let connection = Connection::open(path).with_context(|| format!("open {}", path.display()))?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("CREATE TABLE sale (seq INTEGER PRIMARY KEY, body TEXT NOT NULL, sent INTEGER)")?;
    Ok(connection)
}

/// A counter sale of two seats as JSON with short names.
fn sale(seq: u32) -> String {
    let ticket = |n: u32| format!("{:016x}", u64::from(seq * 2 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let seat = |n: u32| json!({ "seat": seq * 2 + n, "ticket": ticket(n), "generation": 0, "price": 15_000 });
    let (booking, request) = (format!("{seq:032x}"), format!("{seq:016x}"));
    json!({ "seq": seq, "at": 1_800_000_000_000_u64, "show": 12, "booking": booking, "request": request, "seats": [seat(0), seat(1)] })
        .to_string()
}

fn client(name: &str, broker: SocketAddr) -> anyhow::Result<(AsyncClient, EventLoop)> {
    let mut options = MqttOptions::new(name, (broker.ip().to_string(), broker.port()));
    let mut network = rumqttc::NetworkOptions::new();
    network.set_tcp_nodelay(true);
    options.set_credentials(name, name.to_owned()).set_network_options(network);
    Ok(AsyncClient::builder(options).capacity(16).try_build()?)
}

async fn incoming(events: &mut EventLoop) -> anyhow::Result<Packet> {
    loop {
        if let Event::Incoming(packet) = events.poll().await.context("poll the client")? {
            return Ok(packet);
        }
    }
}

struct Sender {
    client: AsyncClient,
    events: EventLoop,
}

impl Sender {
    async fn connected(broker: SocketAddr) -> anyhow::Result<Self> {
        let (client, mut events) = client("sender", broker)?;
        match incoming(&mut events).await? {
            Packet::ConnAck(_) => Ok(Self { client, events }),
            other => bail!("the broker answers CONNECT with {other:?}"),
        }
    }

    async fn send(mut self, outbox: &Connection) -> anyhow::Result<Timings> {
        let mut timings = Timings::default();
        loop {
            let next = "SELECT seq, body FROM sale WHERE sent IS NULL ORDER BY seq LIMIT 1";
            let next = outbox.query_row(next, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)));
            let (seq, body) = match next {
                Ok(next) => next,
                Err(rusqlite::Error::QueryReturnedNoRows) => return Ok(timings),
                Err(error) => return Err(error).context("read the outbox"),
            };
            let began = Instant::now();
            self.client.publish(TOPIC, body, PublishOptions::new(QoS::AtLeastOnce)).await.context("publish")?;
            while !matches!(incoming(&mut self.events).await?, Packet::PubAck(_)) {}
            block_in_place(|| outbox.execute("UPDATE sale SET sent = 1 WHERE seq = ?1", [seq])).context("mark")?;
            timings.add(began.elapsed());
        }
    }
}

struct Receiver {
    _client: AsyncClient,
    events: EventLoop,
}

impl Receiver {
    async fn subscribed(broker: SocketAddr) -> anyhow::Result<Self> {
        let (client, mut events) = client("receiver", broker)?;
        client.subscribe(TOPIC, QoS::AtLeastOnce).await.context("subscribe")?;
        while !matches!(incoming(&mut events).await?, Packet::SubAck(_)) {}
        Ok(Self { _client: client, events })
    }

    async fn store(mut self, stored: &Connection, count: u32) -> anyhow::Result<()> {
        let mut left = count;
        while left > 0 {
            let Packet::Publish(message) = incoming(&mut self.events).await? else { continue };
            let body = str::from_utf8(&message.payload).context("read a sale")?;
            block_in_place(|| stored.execute("INSERT INTO sale (body) VALUES (?1)", [body])).context("store a sale")?;
            left -= 1;
        }
        Ok(())
    }
}
