//! The load generator: HTTP/1.1 over connections that are kept open, one request at a time on each.

use super::table::Timings;
use anyhow::{Context, bail, ensure};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// No request takes longer.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// What a server answered.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    /// The status.
    pub(super) status: u16,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// A connection that is kept open.
#[derive(Debug)]
pub(super) struct Client {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
    line: String,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// If nobody listens.
    pub(super) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), address, line: String::new() })
    }

    /// Sends a request and waits for its answer. `headers` are whole lines, each with its line end.
    ///
    /// # Errors
    /// If the connection breaks, or the answer has no length or is late.
    pub(super) async fn ask(&mut self, method: &str, path: &str, headers: &str, body: &str) -> anyhow::Result<Reply> {
        let (address, length) = (self.address, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
             {headers}\r\n{body}"
        );
        let answered = async {
            self.stream.write_all(request.as_bytes()).await?;
            self.read().await
        };
        let answered = tokio::time::timeout(ANSWER_MAX, answered).await;
        answered.context("wait for the answer").flatten().with_context(|| format!("{method} {path} at {address}"))
    }

    async fn read(&mut self) -> anyhow::Result<Reply> {
        let status = self.next_line().await?.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.context("read the status line")?;
        let mut length = 0;
        loop {
            let line = self.next_line().await?;
            if line.is_empty() {
                break;
            }
            let Some((name, value)) = line.split_once(':') else { bail!("a header without a colon: {line}") };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().context("read the length of the answer")?;
            }
            ensure!(!name.eq_ignore_ascii_case("transfer-encoding"), "an answer without a length");
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(Reply { status, body })
    }

    async fn next_line(&mut self) -> anyhow::Result<&str> {
        self.line.clear();
        ensure!(self.stream.read_line(&mut self.line).await? > 0, "the server has closed the connection");
        Ok(self.line.trim_end())
    }
}

/// A request to be made.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// The path.
    pub(super) path: String,
    /// Header lines, each with its line end.
    pub(super) headers: String,
    /// The body.
    pub(super) body: String,
}

/// Posts all requests over so many connections, each connection the next one as soon as it has its answer, and hands every answer
/// with the request's index to `take`. Returns how long each request took.
///
/// # Errors
/// The first that is met, of a connection or of `take`.
pub(super) async fn post_all<T: Send + 'static>(
    address: SocketAddr,
    connections: usize,
    requests: Vec<Request>,
    take: impl Fn(usize, Reply) -> anyhow::Result<T> + Send + Sync + 'static,
) -> anyhow::Result<(Vec<T>, Timings)> {
    let (requests, take) = (Arc::new(requests), Arc::new(take));
    let mut tasks = JoinSet::new();
    for first in 0..connections {
        let (requests, take) = (requests.clone(), take.clone());
        tasks.spawn(async move {
            let mut client = Client::connect(address).await?;
            let (mut taken, mut timings) = (Vec::new(), Timings::default());
            for (index, request) in requests.iter().enumerate().skip(first).step_by(connections) {
                let asked = Instant::now();
                let reply = client.ask("POST", &request.path, &request.headers, &request.body).await?;
                timings.add(asked.elapsed());
                taken.push(take(index, reply)?);
            }
            anyhow::Ok((taken, timings))
        });
    }
    let (mut all, mut timings) = (Vec::new(), Timings::default());
    while let Some(done) = tasks.join_next().await {
        let (taken, timed) = done.context("run a connection")??;
        all.extend(taken);
        timings.extend(timed);
    }
    Ok((all, timings))
}
