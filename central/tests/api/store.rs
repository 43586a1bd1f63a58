//! The store of a test: a file, or a PostgreSQL of its own, as the suite that runs says.

use crate::ON_POSTGRES;
use crate::postgres::Server;
use central::database::Place;
use std::path::Path;

pub(crate) struct TestStore {
    pub(crate) url: String,
    _server: Option<Server>,
}

impl TestStore {
    pub(crate) fn new(directory: &Path) -> Self {
        if ON_POSTGRES {
            let server = std::thread::scope(|scope| scope.spawn(Server::start).join().expect("a server"));
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
            Place::Server(url) => std::thread::scope(|scope| {
                let alter = || node::postgres::Connection::open(&url).expect("open").run(sql).expect("altered");
                scope.spawn(alter).join().expect("altered");
            }),
        }
    }
}
