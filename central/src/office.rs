//! What every request handler of one central shares.

use crate::database::Readers;
use crate::desk::Desk;
use crate::events::{SeatBoard, SeatMap};
use crate::fleet::accounts::Accounts;
use crate::metrics::OfficeMetrics;
use crate::operator::OperatorToken;
use crate::payments::gateway::Gateway;
use crate::pool::pass::Pass;
use node::clock::StoreClock;
use node::health::Readiness;
use node::mqtt::Publisher;
use node::problem::Problem;
use node::shutdown::Shutdown;
use node::writer::{Unwritable, Writer};
use shared::ids::ShowId;
use shared::refusal::Refusal;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// Central as its request handlers see it: writes are jobs of the writer, reads go to the store or to the board.
pub struct Office {
    /// The connection to the broker.
    pub publisher: Publisher,
    /// The one writer.
    pub writer: Writer<Desk>,
    /// Read-only connections.
    pub readers: Readers,
    /// Store time.
    pub clock: StoreClock,
    /// Seat maps that are ready.
    pub board: SeatBoard,
    /// Who takes the money.
    pub gateway: Gateway,
    /// Wakes the reconciler.
    pub payments: Arc<Notify>,
    /// The pause between two looks at a payment that a customer is making.
    pub poll: Duration,
    /// Triggered when this part of central ends, or another node works in its place.
    pub ending: Shutdown,
    /// What operators show; nothing where they may change nothing.
    pub operator_token: Option<OperatorToken>,
    /// Who may connect to the embedded broker; nothing where it is another program.
    pub accounts: Option<Arc<Accounts>>,
    /// What is counted.
    pub metrics: OfficeMetrics,
    /// Proxies in front.
    pub proxies: usize,
    /// What another node shows that passes a request on; nothing where there is no other one.
    pub pass: Option<Pass>,
    /// How browsers and the gateway reach central, without a slash at the end.
    pub public_url: String,
}

/// The state of all handlers.
pub type App = Arc<Office>;

impl Office {
    /// A show's seat map, from the board or made now.
    ///
    /// # Errors
    /// 404 `unknown_show`.
    pub async fn seat_map(&self, show: ShowId) -> Result<Arc<SeatMap>, Problem> {
        if let Some(map) = self.board.map(show).filter(|map| self.clock.now() < map.fresh_until) {
            return Ok(map);
        }
        Ok(self.writer.run_for_newcomer(move |desk, _, now| desk.post_seat_map(show, now)).await??)
    }

    /// Whether central can sell.
    pub fn readiness(&self) -> Readiness {
        let away = self.writer.is_store_away().then_some("store_unreachable");
        let unwritable = self.writer.unwritable().map(Unwritable::code);
        Readiness::unless(self.writer.stopped().map(|_| "store_stopped").or(away).or(unwritable).map(str::to_owned))
    }
}

/// Reads a show's id.
///
/// # Errors
/// `unknown_show`.
pub fn show_id(text: &str) -> Result<ShowId, Refusal> {
    text.parse().map_err(|_| Refusal::UnknownShow)
}
