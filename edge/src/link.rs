//! The line to central: what the broker delivers becomes a job of the writer, what the desk sends leaves after its commit.

use crate::desk::Desk;
use crate::identity::Identity;
use anyhow::Context;
use node::mqtt::{self, LinkConfig, LinkEvent, MqttUrl, Publisher, TlsFiles};
use node::shutdown::Shutdown;
use node::writer::{WriteError, Writer};
use shared::ids::TheatreId;
use std::time::Duration;
use tokio::sync::mpsc;

/// What the edge subscribes to.
pub fn subscriptions(theatre: TheatreId) -> Vec<String> {
    ["down", "down/log"].into_iter().map(|part| topic(theatre, part)).collect()
}

/// `usher/v1/{theatre}/{part}`.
pub fn topic(theatre: TheatreId, part: &str) -> String {
    format!("usher/v1/{theatre}/{part}")
}

/// How to connect to the broker.
///
/// # Errors
/// If the address cannot be read, or the certificates cannot be used with it.
pub fn config(url: &str, tls: TlsFiles, identity: &Identity, heartbeat: Duration) -> anyhow::Result<LinkConfig> {
    let login = &identity.join.broker;
    let url: MqttUrl = url.parse().context("read the broker's address")?;
    tls.check(&url).with_context(|| format!("prepare the connection to {url}"))?;
    Ok(LinkConfig {
        url,
        client_id: login.client_id.clone(),
        username: login.username.clone(),
        password: login.password.clone(),
        tls,
        keep_alive: heartbeat * 3,
    })
}

/// Connects, and passes what arrives to the writer until the shutdown.
pub fn start(config: LinkConfig, theatre: TheatreId, shutdown: Shutdown) -> (Publisher, mpsc::Receiver<LinkEvent>) {
    mqtt::connect(config, subscriptions(theatre), shutdown)
}

/// Passes what arrives to the writer until the link ends.
pub async fn deliver(mut events: mpsc::Receiver<LinkEvent>, writer: Writer<Desk>) {
    while let Some(event) = events.recv().await {
        loop {
            let event = event.clone();
            let posted = writer.post(move |desk, tx, now| match event {
                LinkEvent::Up => {
                    desk.link_up(now);
                    Ok(())
                }
                LinkEvent::Down => {
                    desk.link_down(now);
                    Ok(())
                }
                LinkEvent::Message { payload, .. } => desk.receive(tx, &payload, now),
            });
            match posted {
                Ok(()) => break,
                // Waiting here makes the broker wait, which is better than losing what would be asked for again.
                Err(WriteError::Overloaded) => tokio::time::sleep(Duration::from_millis(5)).await,
                Err(WriteError::Unreachable | WriteError::Unknown | WriteError::Unwritable(_)) => break,
                Err(WriteError::Stopped { .. }) => return,
            }
        }
    }
}
