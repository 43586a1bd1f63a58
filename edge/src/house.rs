//! What every request handler of one box shares.

use crate::config::{CounterRules, Unproven};
use crate::desk::{Board, Desk};
use crate::door::feed;
use crate::door::tokens::Tokens;
use crate::identity::Identity;
use crate::printing::Printers;
use crate::staff::turns::Turns;
use node::clock::StoreClock;
use node::mqtt::Publisher;
use node::shutdown::Shutdown;
use node::sqlite::Readers;
use node::view::TheatreRef;
use node::writer::Writer;
use shared::ids::ShowId;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch;

/// The box as its request handlers see it: writes are jobs of the writer, reads go to the database or to the board.
pub struct House {
    /// The one writer.
    pub writer: Writer<Desk>,
    /// Read-only connections.
    pub readers: Readers,
    /// Store time.
    pub clock: StoreClock,
    /// Key, theatre and certificates.
    pub identity: Arc<Identity>,
    /// What the desk published after its last commit.
    pub board: watch::Receiver<Board>,
    /// Device tokens that were looked up.
    pub tokens: Tokens,
    /// The connection to the broker, where one is set.
    pub publisher: Option<Publisher>,
    /// Made anew at each start, 16 hex digits: scanners offer everything again when it changes.
    pub boot: String,
    /// How browsers and scanners reach this box; empty takes the address they called.
    pub public_url: String,
    /// What a person may do when nobody vouches for the log.
    pub unproven: Unproven,
    /// Where tickets and receipts are printed.
    pub printers: Printers,
    /// What the counter may give away, and how it is paid by UPI.
    pub counter: CounterRules,
    /// Where it listens.
    pub address: SocketAddr,
    /// Ends everything that waits.
    pub shutdown: Shutdown,
    /// Logins take turns.
    pub login_turn: Arc<Turns>,
}

impl House {
    /// The board, to wait on.
    pub fn news(&self) -> watch::Receiver<Board> {
        self.board.clone()
    }

    /// How far the door feed goes.
    pub fn feed_position(&self) -> feed::Position {
        self.board.borrow().feed
    }

    /// The theatre, short.
    pub fn theatre_ref(&self) -> TheatreRef {
        self.identity.theatre_ref.clone()
    }

    /// Reads a show id of this theatre; nothing for another theatre's or a text that is none.
    pub fn show_number(&self, id: &str) -> Option<shared::ids::ShowNumber> {
        let id: ShowId = id.parse().ok()?;
        (id.theatre == self.identity.theatre).then_some(id.number)
    }
}
