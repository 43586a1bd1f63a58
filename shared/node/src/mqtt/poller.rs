//! The client's event loop, polled alone in a task of its own.
//!
//! A poll that is cancelled halfway can lose what it had begun to write. So no poll is ever cancelled and followed by
//! another: the first error, and the end of the session, end the task and the client with it.

use rumqttc::mqttbytes::v5::Packet;
use rumqttc::{ConnectionError, Event, EventLoop};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Packets that wait for the session; more make the broker wait.
const POLLED_MAX: usize = 16;

pub(super) struct Poller {
    packets: mpsc::Receiver<Result<Packet, ConnectionError>>,
    task: JoinHandle<()>,
}

impl Poller {
    pub(super) fn start(event_loop: EventLoop) -> Self {
        let (polled, packets) = mpsc::channel(POLLED_MAX);
        Self { packets, task: tokio::spawn(poll(event_loop, polled)) }
    }

    /// The next packet from the broker, or the error that ended the client; nothing after that. May be cancelled.
    pub(super) async fn next(&mut self) -> Option<Result<Packet, ConnectionError>> {
        self.packets.recv().await
    }

    /// Waits until the connection is closed, for at most this long, and then closes it: the next one must not find it
    /// open under the same client id.
    pub(super) async fn end(mut self, patience: Duration) {
        self.packets.close();
        if tokio::time::timeout(patience, &mut self.task).await.is_err() {
            self.task.abort();
            // Always an error, for it was aborted.
            let _ = (&mut self.task).await;
        }
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn poll(mut event_loop: EventLoop, polled: mpsc::Sender<Result<Packet, ConnectionError>>) {
    loop {
        match event_loop.poll().await {
            // Nobody listens at the end of a session, while the goodbye is on its way.
            Ok(Event::Incoming(packet)) => drop(polled.send(Ok(packet)).await),
            Ok(Event::Outgoing(_) | Event::Auth(_)) => {}
            Err(error) => return drop(polled.send(Err(error)).await),
        }
    }
}
