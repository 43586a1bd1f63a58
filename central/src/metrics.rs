//! What central counts beside the writer: what becomes of holds and bookings, and how far each box is behind.

use crate::answers::Answer;
use node::problem::Problem;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use shared::ids::TheatreId;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BoxLabels {
    theatre: u32,
}

/// The numbers of one central. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct OfficeMetrics {
    holds: Family<OutcomeLabels, Counter>,
    bookings: Family<OutcomeLabels, Counter>,
    backlog: Family<BoxLabels, Gauge>,
    live: Family<BoxLabels, Gauge>,
}

impl OfficeMetrics {
    /// Puts the metrics into a server's registry.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("holds", "Requests for holds by what became of them", self.holds.clone());
        registry.register("bookings", "Requests for bookings by what became of them", self.bookings.clone());
        let help = "Entries that a theatre's box has not acknowledged";
        registry.register("box_backlog_entries", help, self.backlog.clone());
        registry.register("box_link_live", "1 while the link to a theatre's box is live", self.live.clone());
    }

    /// Counts a request for a hold.
    pub fn count_hold(&self, answer: &Result<Answer, Problem>) {
        count(&self.holds, answer);
    }

    /// Counts a request for a booking.
    pub fn count_booking(&self, answer: &Result<Answer, Problem>) {
        count(&self.bookings, answer);
    }

    /// Notes how many entries a box has not acknowledged, and whether its link is live.
    pub fn note_box(&self, theatre: TheatreId, backlog: u64, is_live: bool) {
        let labels = BoxLabels { theatre: theatre.0 };
        self.backlog.get_or_create(&labels).set(i64::try_from(backlog).unwrap_or(i64::MAX));
        self.live.get_or_create(&labels).set(is_live.into());
    }
}

fn count(outcomes: &Family<OutcomeLabels, Counter>, answer: &Result<Answer, Problem>) {
    let outcome = match answer {
        Ok(Answer::Done { .. }) => "done",
        Ok(Answer::No(problem)) | Err(problem) => problem.code(),
    };
    outcomes.get_or_create(&OutcomeLabels { outcome: outcome.to_owned() }).inc();
}
