//! Keeping the writer's place while its state is loaded.
//!
//! A writer shows that it lives by its commits. One that takes the place and folds a long log first commits nothing for longer than its
//! time: another one would take the place from it, and find itself in the same position.

use super::connection::Connection;
use super::engine::{LEASE, database_time};
use crate::store::Sql;
use crate::values;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};

const RENEW: &str = "UPDATE writer_head SET until_ms = ?1 WHERE fence = ?2";

/// Renews the writer's time on a connection of its own until it is dropped, or another writer has the place.
#[derive(Debug)]
pub struct Tenure {
    _until_dropped: Sender<()>,
}

impl Tenure {
    pub(super) fn begin(url: &str, fence: i64) -> Self {
        let ((until_dropped, dropped), url) = (channel(), url.to_owned());
        std::thread::spawn(move || {
            let mut connection = None;
            while dropped.recv_timeout(LEASE / 4) == Err(RecvTimeoutError::Timeout) {
                match renew(&url, &mut connection, fence) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        tracing::warn!(error = format!("{error:#}"), "the writer's time is not renewed");
                        connection = None;
                    }
                }
            }
        });
        Self { _until_dropped: until_dropped }
    }
}

/// Whether the place is still this writer's.
fn renew(url: &str, connection: &mut Option<Connection>, fence: i64) -> anyhow::Result<bool> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(Connection::open(url)?),
    };
    let until = database_time(connection)? + LEASE;
    Ok(connection.execute(RENEW, values![until.0, fence])? == 1)
}
