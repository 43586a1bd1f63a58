//! A server whose disk fails has to stop selling, and to say so.

use crate::processes::house::Server;
use anyhow::{bail, ensure};
use demo::client::Api;
use std::time::{Duration, Instant};

/// It notices with the next sale, and then ends, to be started again by whoever runs it.
const ENDED_WITHIN: Duration = Duration::from_secs(30);

/// Waits until the server has ended with an error that says why; returns what could be seen of it.
pub(super) async fn must_end_loudly(server: &mut Server) -> anyhow::Result<String> {
    let (began, api) = (Instant::now(), Api::new(&server.url())?);
    let mut seen = String::new();
    while began.elapsed() < ENDED_WITHIN {
        if let Ok((status, words)) = server.end_within(Duration::from_millis(20)).await {
            ensure!(!status.success(), "it ended with success although its disk failed: {words}");
            ensure!(words.contains("the store has stopped"), "it ended with {status}, but only said: {words}");
            return Ok(format!("it ended with {status}"));
        }
        if let Ok(answer) = api.get("/readyz").await {
            seen = answer.body["reasons"].to_string();
        }
    }
    bail!("it still runs after {} s and says that it is not ready because of {seen}", ENDED_WITHIN.as_secs())
}
