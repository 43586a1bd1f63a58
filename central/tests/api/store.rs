//! The store of a test: a file, or a PostgreSQL of its own, as the suite that runs says.

use crate::ON_POSTGRES;
use crate::postgres::Server;
use central::database::Place;
use node::store::Sql;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};

pub(crate) struct TestStore {
    pub(crate) url: String,
    _server: Option<Server>,
}

/// Whoever waits for a server has a thread of their own.
pub(crate) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join().expect("done"))
}

impl TestStore {
    pub(crate) fn new(directory: &Path) -> Self {
        if ON_POSTGRES {
            let server = apart(Server::start);
            Self { url: server.url(), _server: Some(server) }
        } else {
            Self { url: format!("sqlite:{}", directory.join("data/central.sqlite").display()), _server: None }
        }
    }

    /// Does something to it behind central's back.
    pub(crate) fn alter(&self, sql: &str) {
        match Place::parse(&self.url).expect("a place") {
            Place::File(path) => {
                rusqlite::Connection::open(path).expect("open").execute_batch(sql).expect("altered");
            }
            Place::Server(url) => {
                apart(|| node::postgres::Connection::open(&url).expect("open").run(sql).expect("altered"));
            }
        }
    }

    /// The one number that it answers.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        let ask = |store: &dyn Sql| store.only(sql, &[], |row| row.get(0)).expect("a number");
        match Place::parse(&self.url).expect("a place") {
            Place::File(path) => ask(&rusqlite::Connection::open(path).expect("open")),
            Place::Server(url) => apart(|| ask(&node::postgres::Connection::open(&url).expect("open"))),
        }
    }

    /// Lets nobody write until what is returned is dropped.
    pub(crate) fn hold_up(&self) -> Sender<()> {
        let ((go, wait), (entered, entry)) = (channel(), channel());
        let place = Place::parse(&self.url).expect("a place");
        std::thread::spawn(move || {
            let until_dropped = |wait: Receiver<()>| wait.recv().unwrap_or_default();
            match place {
                Place::File(path) => {
                    let connection = rusqlite::Connection::open(path).expect("open");
                    connection.execute_batch("BEGIN IMMEDIATE").expect("begun");
                    entered.send(()).expect("told");
                    until_dropped(wait);
                }
                Place::Server(url) => {
                    let connection = node::postgres::Connection::open(&url).expect("open");
                    connection.run("BEGIN").expect("begun");
                    connection.run("SELECT fence FROM writer_head FOR UPDATE").expect("locked");
                    entered.send(()).expect("told");
                    until_dropped(wait);
                }
            }
        });
        entry.recv().expect("held up");
        go
    }
}
