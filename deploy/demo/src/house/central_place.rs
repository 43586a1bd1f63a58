//! Central in a house: it can be stopped and started again on the same files and ports.

use anyhow::Context;
use central::Central;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

/// Links of the demo notice a cut while one is looking.
const HEARTBEAT_MS: u64 = 1_000;
const SUSPECT_AFTER_MS: u64 = 2_500;
const LOCK_DOWN_AFTER_MS: u64 = 1_500;

/// Where central's files are.
#[derive(Debug, Clone)]
pub(super) struct CentralFiles {
    pub(super) database: PathBuf,
    pub(super) keys: PathBuf,
}

impl CentralFiles {
    pub(super) fn in_dir(dir: &Path) -> Self {
        let central = dir.join("central");
        Self { database: central.join("central.sqlite"), keys: central.join("keys") }
    }

    pub(super) fn store(&self) -> String {
        format!("sqlite:{}", self.database.display())
    }
}

pub(super) struct CentralPlace {
    url: String,
    files: CentralFiles,
    config: central::Config,
    broker: SocketAddr,
    running: Mutex<Option<Central>>,
}

impl CentralPlace {
    pub(super) async fn start(
        files: CentralFiles,
        simulator_url: &str,
        secret: &str,
        frame_ancestors: &[String],
    ) -> anyhow::Result<Self> {
        let (listener, url) = super::theatre_place::listen().await?;
        let mut config = central::Config {
            store: files.store(),
            mqtt: "embedded:127.0.0.1:0".into(),
            keys: files.keys.clone(),
            gateway: format!("simulator:{simulator_url}"),
            gateway_secret: vec![secret.to_owned()],
            public_url: url.clone(),
            frame_ancestors: frame_ancestors.to_vec(),
            heartbeat_ms: HEARTBEAT_MS,
            suspect_after_ms: SUSPECT_AFTER_MS,
            lock_down_after_ms: LOCK_DOWN_AFTER_MS,
            ..central::Config::default()
        };
        let central = Central::start(config.clone(), listener).await?;
        let broker = central.broker_addr().context("central has no broker of its own")?;
        // After a stop the boxes look for it where it was.
        config.listen = central.local_addr().to_string();
        config.mqtt = format!("embedded:{broker}");
        Ok(Self { url, files, config, broker, running: Mutex::new(Some(central)) })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn broker(&self) -> SocketAddr {
        self.broker
    }

    pub(super) fn database(&self) -> PathBuf {
        self.files.database.clone()
    }

    /// Stops it, if it runs.
    pub(super) async fn stop(&self) -> anyhow::Result<()> {
        match self.running.lock().await.take() {
            Some(central) => central.stop().await,
            None => Ok(()),
        }
    }

    /// Starts it on its old ports, if it is stopped.
    pub(super) async fn start_again(&self) -> anyhow::Result<()> {
        let mut running = self.running.lock().await;
        if running.is_none() {
            let listen = &self.config.listen;
            let listener = TcpListener::bind(listen).await.with_context(|| format!("listen on {listen} again"))?;
            *running = Some(Central::start(self.config.clone(), listener).await?);
        }
        Ok(())
    }
}
