//! A TCP valve: a listener in front of a server that can be cut, cut in one direction only, or made slow, while it runs.
//!
//! *Up* is client to server. A direction that is shut swallows its bytes without a word and keeps both sockets open, as a dead line
//! does: nobody is told. A stream that has lost bytes so cannot go on when the line is back; it is closed then.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

mod line;

use line::Line;

/// What the valve lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Everything.
    Open,
    /// Nothing: connections are closed, new ones at once.
    CutBoth,
    /// Only bytes from client to server.
    UpOnly,
    /// Only bytes from server to client.
    DownOnly,
    /// Everything, this much later in each direction.
    Latency(Duration),
}

/// A direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

impl Mode {
    /// What happens to a chunk of bytes in `direction`: nothing where it is swallowed, else by how much it is late.
    fn passes(self, direction: Direction) -> Option<Duration> {
        match (self, direction) {
            (Self::Open, _) | (Self::UpOnly, Direction::Up) | (Self::DownOnly, Direction::Down) => Some(Duration::ZERO),
            (Self::Latency(late), _) => Some(late),
            (Self::CutBoth, _) | (Self::UpOnly, Direction::Down) | (Self::DownOnly, Direction::Up) => None,
        }
    }
}

/// What went through a valve so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flow {
    /// Bytes delivered to the server.
    pub up: u64,
    /// Bytes delivered to clients.
    pub down: u64,
    /// Bytes swallowed, both directions.
    pub swallowed: u64,
    /// Connections accepted, those closed at once included.
    pub connections: u64,
}

#[derive(Debug, Default)]
struct Counters {
    up: AtomicU64,
    down: AtomicU64,
    swallowed: AtomicU64,
    connections: AtomicU64,
}

impl Counters {
    fn delivered(&self, direction: Direction, bytes: usize) {
        let counter = match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        };
        counter.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn swallowed(&self, bytes: usize) {
        self.swallowed.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// A running valve. Dropping it closes the listener and every connection.
#[derive(Debug)]
pub struct Valve {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    counters: Arc<Counters>,
    accepting: JoinHandle<()>,
}

impl Valve {
    /// Listens on a free port of 127.0.0.1, open, in front of `target`.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mode = watch::Sender::new(Mode::Open);
        let counters = Arc::new(Counters::default());
        let accepting = tokio::spawn(accept(listener, target, mode.subscribe(), Arc::clone(&counters)));
        Ok(Self { address, mode, counters, accepting })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Switches; takes effect on bytes under way too.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// How it is switched.
    pub fn mode(&self) -> Mode {
        *self.mode.borrow()
    }

    /// What went through.
    pub fn flow(&self) -> Flow {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Flow {
            up: read(&self.counters.up),
            down: read(&self.counters.down),
            swallowed: read(&self.counters.swallowed),
            connections: read(&self.counters.connections),
        }
    }

    /// Closes the listener and every connection, and waits until that is done.
    pub async fn shutdown(mut self) {
        self.accepting.abort();
        // The only error is the cancellation just asked for.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Valve {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, mode: watch::Receiver<Mode>, counters: Arc<Counters>) {
    let mut lines = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    counters.connections.fetch_add(1, Ordering::Relaxed);
                    if *mode.borrow() != Mode::CutBoth {
                        lines.spawn(connect(client, target, mode.clone(), Arc::clone(&counters)));
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "valve: accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = lines.join_next() => {}
        }
    }
}

async fn connect(client: TcpStream, target: SocketAddr, mode: watch::Receiver<Mode>, counters: Arc<Counters>) {
    match TcpStream::connect(target).await {
        Ok(server) => Line::new(mode, counters).carry(client, server).await,
        Err(error) => tracing::debug!(%target, %error, "valve: connect to the server"),
    }
}
