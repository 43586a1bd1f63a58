//! Connections: so many at a time, and none that stands still for ever. Whoever comes when all are taken is told to come again
//! instead of waiting for nothing.

use crate::problem::Problem;
use axum::serve::Listener;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// A connection that brings and takes nothing for so long is closed. Longer than clients and balancers keep one in store, so that none
/// closes under a request; streams of events say something every 15 s.
pub(super) const STILL_MAX: Duration = Duration::from_secs(120);

/// Those who are told at the same time that all connections are taken; beyond them a connection is closed without a word.
const TURNED_AWAY_MAX: usize = 64;
const TURNED_AWAY_WITHIN: Duration = Duration::from_secs(1);
/// Who is turned away may come again after so many seconds.
const RETRY_AFTER_S: u32 = 2;

/// A listener that gives out so many connections.
pub(super) struct Bounded {
    listener: TcpListener,
    room: Arc<Semaphore>,
    turned_away: Arc<Semaphore>,
    still_max: Duration,
    full: bool,
}

impl Bounded {
    /// `most` connections, each closed once it has stood still for `still_max`.
    pub(super) fn new(listener: TcpListener, most: usize, still_max: Duration) -> Self {
        let (room, turned_away) = (Arc::new(Semaphore::new(most)), Arc::new(Semaphore::new(TURNED_AWAY_MAX)));
        Self { listener, room, turned_away, still_max, full: false }
    }

    fn turn_away(&mut self, stream: TcpStream) {
        if !self.full {
            tracing::warn!("all connections are taken; who comes now is turned away");
        }
        self.full = true;
        let Ok(place) = self.turned_away.clone().try_acquire_owned() else { return };
        tokio::spawn(async move {
            // Nobody is left to tell that the answer did not arrive.
            let _told = tokio::time::timeout(TURNED_AWAY_WITHIN, tell(stream)).await;
            drop(place);
        });
    }
}

/// The request is read first: closing on unread bytes would take the answer from the client's hands.
async fn tell(mut stream: TcpStream) -> io::Result<()> {
    let problem = Problem::overloaded(RETRY_AFTER_S).with_detail("All connections are taken.");
    let (status, media_type, body) = (problem.status(), Problem::MEDIA_TYPE, problem.body());
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
         retry-after: {RETRY_AFTER_S}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let read = stream.read(&mut [0; 4096]).await?;
    if read > 0 {
        stream.write_all(answer.as_bytes()).await?;
    }
    stream.shutdown().await
}

impl Listener for Bounded {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        loop {
            let (stream, from) = Listener::accept(&mut self.listener).await;
            // An event on a stream is a small write that must not wait for the acknowledgement of the one before.
            drop(stream.set_nodelay(true));
            match self.room.clone().try_acquire_owned() {
                Ok(place) => {
                    self.full = false;
                    return (Connection::new(stream, place, self.still_max), from);
                }
                Err(_) => self.turn_away(stream),
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that has a place, and loses it when it stands still.
pub(super) struct Connection {
    stream: TcpStream,
    still: Pin<Box<Sleep>>,
    still_max: Duration,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    fn new(stream: TcpStream, place: OwnedSemaphorePermit, still_max: Duration) -> Self {
        Self { stream, still: Box::pin(tokio::time::sleep(still_max)), still_max, _place: place }
    }

    /// What the stream answers; an error once nothing has moved for too long.
    fn watched<T>(&mut self, context: &mut Context<'_>, moved: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if moved.is_ready() {
            self.still.as_mut().reset(Instant::now() + self.still_max);
            return moved;
        }
        self.still.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let moved = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.watched(context, moved)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let moved = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watched(context, moved)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let moved = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.watched(context, moved)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// How many connections the files that this process may open leave room for: three quarters of them.
pub(super) fn room_for_connections() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let soft: usize = line.split_whitespace().next()?.parse().ok()?;
    Some((soft / 4 * 3).max(1))
}
