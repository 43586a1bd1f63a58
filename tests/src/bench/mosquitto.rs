//! Debian's Mosquitto as it is without a configuration file: on the loopback device, open to everybody there.

use super::programs::Running;
use anyhow::{Context, ensure};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};

/// Debian keeps it where only root's shells look.
const PLACES: [&str; 2] = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto"];
const STARTS_WITHIN: Duration = Duration::from_secs(5);

/// A running Mosquitto.
pub(super) struct Mosquitto {
    /// Where it listens.
    pub(super) address: SocketAddr,
    running: Running,
}

impl Mosquitto {
    /// Starts it on a free port, its log in `dir`.
    ///
    /// # Errors
    /// If it is not installed or does not start.
    pub(super) async fn start(dir: &Path) -> anyhow::Result<Self> {
        let program = PLACES.into_iter().find(|place| Path::new(place).exists());
        let program = program.context("Mosquitto is not installed: apt-get install mosquitto")?;
        let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        let mut command = Command::new(program);
        command.args(["-p", &address.port().to_string()]);
        let running = Running::start("mosquitto", command, &dir.join("mosquitto.log"))?;
        let began = Instant::now();
        while TcpStream::connect(address).await.is_err() {
            ensure!(began.elapsed() < STARTS_WITHIN, "mosquitto does not answer: {}", running.last_words());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { address, running })
    }

    /// Ends it.
    ///
    /// # Errors
    /// If it does not end.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.running.stop().await
    }
}
