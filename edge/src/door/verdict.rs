//! A verdict as it is answered.

use node::view::{FirstAdmission, VerdictView};
use node::zone::Zone;
use shared::admission::Verdict;

/// The answer to a scan; `data_age_s` is 0 because the box itself answers.
pub fn view(verdict: &Verdict, zone: &Zone) -> VerdictView {
    VerdictView {
        verdict: verdict.kind().word().to_owned(),
        code: verdict.code.code().to_owned(),
        guarantee: verdict.guarantee.word().to_owned(),
        data_age_s: Some(0),
        text: verdict.text(),
        seat: verdict.seat.clone(),
        screen: verdict.screen.map(|screen| screen.0),
        show: verdict.title.clone(),
        ticket: verdict.ticket.map(|ticket| ticket.to_string()),
        first: verdict
            .first
            .as_ref()
            .map(|first| FirstAdmission { at: zone.rfc3339(first.at), door: first.door.clone() }),
    }
}
