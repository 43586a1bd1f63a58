//! A cancellation in its two steps: the theatre confirms, then the money goes back.

use maud::{Markup, html};
use node::design::money;
use serde::{Deserialize, Serialize};
use shared::money::Money;

/// How a cancellation stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancellationView {
    /// `waiting_for_theatre accepted refused`.
    pub state: String,
    /// The money on its way back, once the theatre accepted.
    pub refund: Option<RefundView>,
}

/// Money on its way back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundView {
    /// `pending succeeded failed`.
    pub state: String,
    /// How much.
    pub amount: Money,
}

/// What has happened and what comes next; `total` is what goes back if nothing else is said.
pub(super) fn steps(cancellation: &CancellationView, total: Money) -> Markup {
    let refund = cancellation.refund.as_ref();
    let refused = cancellation.state == "refused";
    let accepted = cancellation.state == "accepted";
    let money_back = refund.map_or(total, |refund| refund.amount);
    html! {
        section.card aria-label="Cancellation" {
            h2 { "Your cancellation" }
            ol."plain steps" {
                li.done { strong { "You asked for it" } span { "The tickets were blocked at once." } }
                @if refused { li.failed {
                    strong { "The theatre refused" }
                    span { "A ticket had already been used for entry. Your booking stands; ask the theatre if that is wrong." }
                } }
                @else if accepted { li.done {
                    strong { "The theatre confirmed" }
                    span { "Nobody entered with these tickets. The seats are free again." }
                } }
                @else { li.now {
                    strong { "Waiting for the theatre" }
                    span {
                        "Its doors must confirm that nobody has entered. "
                        "If its line is down this takes until it is back; you need not wait here."
                    }
                } }
                @if !refused { (refund_step(accepted, refund, money_back)) }
            }
        }
    }
}

fn refund_step(accepted: bool, refund: Option<&RefundView>, amount: Money) -> Markup {
    let state = refund.map_or("", |refund| refund.state.as_str());
    let (class, title) = match (accepted, state) {
        (true, "succeeded") => ("done", format!("{} went back", money(amount))),
        (true, "failed") => ("failed", "The refund failed".into()),
        (true, _) => ("now", format!("{} is going back", money(amount))),
        (false, _) => ("later", format!("{} goes back", money(amount))),
    };
    let text = if state == "failed" {
        "A person looks after it; you need not do anything."
    } else {
        "To where the payment came from."
    };
    html! { li class=(class) { strong { (title) } span { (text) } } }
}
