//! The signal that ends a server.

use std::sync::Arc;
use tokio::sync::watch;

/// Tells every task of one server that it should end. Clones share one signal; once triggered it stays so.
#[derive(Debug, Clone)]
pub struct Shutdown {
    triggered: Arc<watch::Sender<bool>>,
}

impl Shutdown {
    /// A signal that nobody has triggered.
    pub fn new() -> Self {
        Self { triggered: Arc::new(watch::Sender::new(false)) }
    }

    /// A signal that SIGTERM and SIGINT trigger; for `main`.
    ///
    /// # Errors
    /// If the process may not listen for signals.
    pub fn on_signals() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let shutdown = Self::new();
        let trigger = shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("signal received, shutting down");
            trigger.trigger();
        });
        Ok(shutdown)
    }

    /// Triggers the signal; further calls do nothing.
    pub fn trigger(&self) {
        self.triggered.send_replace(true);
    }

    /// Whether the signal was triggered.
    pub fn is_triggered(&self) -> bool {
        *self.triggered.borrow()
    }

    /// Waits until the signal is triggered; returns at once if it was.
    pub async fn wait(&self) {
        let mut seen = self.triggered.subscribe();
        // This clone holds a sender, so the channel cannot close while it waits.
        let _ = seen.wait_for(|triggered| *triggered).await;
    }
}

/// Waits until a server is asked to end, ends by itself, or its store fails.
///
/// # Errors
/// Why the store failed: the program then ends with an error, is started again, and goes on from what is on disk.
pub async fn wait_for_end(
    asked: &Shutdown,
    ended: &Shutdown,
    failed: impl Future<Output = Arc<str>>,
) -> anyhow::Result<()> {
    tokio::select! {
        () = asked.wait() => Ok(()),
        () = ended.wait() => Ok(()),
        reason = failed => Err(anyhow::anyhow!("the store has stopped: {reason}")),
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_hears_one_trigger() {
        let shutdown = Shutdown::new();
        let waiting = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.wait().await }
        });
        assert!(!shutdown.is_triggered());
        shutdown.clone().trigger();
        waiting.await.unwrap();
        shutdown.wait().await;
        assert!(shutdown.is_triggered());
    }
}
