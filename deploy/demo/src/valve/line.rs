//! One connection through the valve.

use super::{Counters, Direction, Mode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

/// Bytes read at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// Chunks under way in one direction; a sender that fills them has to wait, so that a slow line cannot take all memory.
const CHUNKS_MAX: usize = 64;
/// How long a socket whose other end has gone is kept open while the line cannot tell it so.
const HALF_OPEN_MAX: Duration = Duration::from_secs(120);

struct Chunk {
    read_at: Instant,
    /// Empty at the end of the stream.
    bytes: Vec<u8>,
}

/// A stream that cannot go on.
struct Broken;

/// What both directions of one connection share.
#[derive(Clone)]
pub(super) struct Line {
    mode: watch::Receiver<Mode>,
    counters: Arc<Counters>,
    up_torn: Arc<AtomicBool>,
    down_torn: Arc<AtomicBool>,
}

impl Line {
    pub(super) fn new(mode: watch::Receiver<Mode>, counters: Arc<Counters>) -> Self {
        Self { mode, counters, up_torn: Arc::default(), down_torn: Arc::default() }
    }

    /// Carries bytes both ways until either end closes, the valve cuts, or a torn stream would go on.
    pub(super) async fn carry(self, client: TcpStream, server: TcpStream) {
        // Small packets must not wait for more: the valve adds no latency of its own.
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let supervision = self.clone().until_over();
        let both = async {
            tokio::try_join!(
                self.clone().pipe(Direction::Up, from_client, to_server),
                self.clone().pipe(Direction::Down, from_server, to_client),
            )
        };
        tokio::select! {
            // Broken or at its end: either way both sockets close here.
            _ = both => {}
            () = supervision => {}
        }
    }

    fn torn(&self, direction: Direction) -> &AtomicBool {
        match direction {
            Direction::Up => &self.up_torn,
            Direction::Down => &self.down_torn,
        }
    }

    /// Ends when the mode leaves this connection no future.
    async fn until_over(mut self) {
        loop {
            let mode = *self.mode.borrow_and_update();
            let broken = |direction| self.torn(direction).load(Ordering::Acquire) && mode.passes(direction).is_some();
            if mode == Mode::CutBoth || broken(Direction::Up) || broken(Direction::Down) {
                return;
            }
            if self.mode.changed().await.is_err() {
                return;
            }
        }
    }

    /// Carries one direction and passes on its end; the other direction may go on then.
    async fn pipe(self, direction: Direction, from: OwnedReadHalf, to: OwnedWriteHalf) -> Result<(), Broken> {
        let (sender, chunks) = mpsc::channel(CHUNKS_MAX);
        tokio::join!(read(from, sender), self.write(direction, chunks, to)).1
    }

    async fn write(
        mut self,
        direction: Direction,
        mut chunks: mpsc::Receiver<Chunk>,
        mut to: OwnedWriteHalf,
    ) -> Result<(), Broken> {
        while let Some(chunk) = chunks.recv().await {
            if !self.wait(direction, &chunk).await {
                self.torn(direction).store(true, Ordering::Release);
                self.counters.swallowed(chunk.bytes.len());
                if chunk.bytes.is_empty() {
                    // The far end must not learn of this; the supervisor closes it when the line is back.
                    tokio::time::sleep(HALF_OPEN_MAX).await;
                    return Err(Broken);
                }
                continue;
            }
            // Bytes behind a gap would be garbage, even if the mode changed just now.
            if self.torn(direction).load(Ordering::Acquire) {
                return Err(Broken);
            }
            if chunk.bytes.is_empty() {
                return Ok(());
            }
            to.write_all(&chunk.bytes).await.map_err(|_| Broken)?;
            self.counters.delivered(direction, chunk.bytes.len());
        }
        Ok(())
    }

    /// Waits until the chunk is due; false where the line swallows it.
    async fn wait(&mut self, direction: Direction, chunk: &Chunk) -> bool {
        loop {
            let Some(late) = self.mode.borrow_and_update().passes(direction) else { return false };
            let due = chunk.read_at + late;
            if due <= Instant::now() {
                return true;
            }
            tokio::select! {
                () = sleep_until(due) => {}
                changed = self.mode.changed() => if changed.is_err() { return false },
            }
        }
    }
}

/// Reads until the end of the stream, which it reports as an empty chunk.
async fn read(mut from: OwnedReadHalf, sender: mpsc::Sender<Chunk>) {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let count = from.read(&mut buffer).await.unwrap_or(0);
        let chunk = Chunk { read_at: Instant::now(), bytes: buffer[..count].to_vec() };
        if sender.send(chunk).await.is_err() || count == 0 {
            return;
        }
    }
}
