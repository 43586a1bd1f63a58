//! What follows from what happened in a theatre: claims are answered, the schedule and the bookings follow the ledger, what
//! changed is stored and what is to be sent is gathered. All of it in the transaction under way.

use super::{Desk, Waiting};
use crate::bookings::recovered::{self, ReturnedSale};
use crate::bookings::{cancel, store as bookings};
use crate::discovery::schedule;
use anyhow::Context;
use node::ledger_store;
use node::store::Sql;
use shared::entry::Fact;
use shared::ids::{HoldId, ShowId, ShowNumber, Side, TheatreId};
use shared::ledger::Hold;
use shared::refusal::Refusal;
use shared::time::Timestamp;
use sync_protocol::LinkState;
use sync_protocol::replica::Event;

impl Desk {
    /// Lets what happened in a theatre have its effects, stores what changed and gathers what is to be sent.
    pub(super) fn settle(&mut self, theatre: TheatreId, tx: &dyn Sql, now: Timestamp) -> anyhow::Result<()> {
        self.react_to_all(theatre, tx, now)?;
        let Some(house) = self.houses.get_mut(&theatre) else { return Ok(()) };
        ledger_store::write(tx, theatre, house.replica.take_changes())?;
        let source = ledger_store::StoredLogs::new(tx, theatre);
        if house.enrolled {
            let is_live = house.replica.link_state().0 == LinkState::Live;
            self.metrics.note_box(theatre, house.replica.backlog(), is_live);
        }
        let transmits = house.replica.poll_transmit(now, &source).context("read entries to send")?;
        self.outgoing.extend(transmits.into_iter().map(|transmit| (theatre, transmit)));
        Ok(())
    }

    /// Lets what happened in a theatre have its effects.
    pub(super) fn react_to_all(&mut self, theatre: TheatreId, tx: &dyn Sql, now: Timestamp) -> anyhow::Result<()> {
        while let Some(event) = self.houses.get_mut(&theatre).and_then(|house| house.replica.poll_event()) {
            self.react(theatre, event, tx, now)?;
        }
        Ok(())
    }

    fn react(&mut self, theatre: TheatreId, event: Event, tx: &dyn Sql, now: Timestamp) -> anyhow::Result<()> {
        match event {
            Event::LinkChanged(state) => {
                tracing::info!(%theatre, state = state.word(), "link");
                self.changed.extend(self.board.shows(|show| show.theatre == theatre));
            }
            Event::ClaimSettled { hold, outcome } => self.settle_claim(theatre, hold, outcome, tx, now)?,
            Event::ClaimHeard { claim, show, answer } => {
                let refused = answer.err().map(Refusal::code);
                tracing::info!(%theatre, id = %claim, %show, refused, "the box asked for seats");
            }
            Event::Applied { writer, fact, at, returned, .. } => {
                if returned && writer == Side::Central {
                    self.remember_sale(theatre, &fact, at, tx, now)?;
                }
                self.project(theatre, &fact, tx, now)?;
            }
            Event::HoldsChanged(number) => {
                self.changed.insert(ShowId { theatre, number });
            }
            Event::Acknowledged(_) | Event::Witnessed(_) => {}
            Event::Rewound => {
                tracing::warn!(%theatre, "the log is taken back from the box");
                self.scheduled.clear();
                self.changed.extend(self.board.shows(|show| show.theatre == theatre));
            }
            Event::Opened => {
                tracing::info!(%theatre, "this theatre is open for sale again");
                self.changed.extend(self.board.shows(|show| show.theatre == theatre));
            }
            Event::Closed(reason) => {
                tracing::error!(%theatre, reason = reason.code(), "this theatre is closed for sale");
                self.changed.extend(self.board.shows(|show| show.theatre == theatre));
            }
        }
        Ok(())
    }

    fn settle_claim(
        &mut self,
        theatre: TheatreId,
        hold: HoldId,
        outcome: Result<Hold, Refusal>,
        tx: &dyn Sql,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let Some(Waiting { asked, show, answer, .. }) = self.waiting.remove(&hold) else { return Ok(()) };
        let said = match outcome {
            Ok(hold) => crate::holds::held(self.house(theatre), &hold)?,
            Err(refusal) => refusal.into(),
        };
        self.remember(tx, &asked, &said, show, now)?;
        self.answer(answer, said);
        Ok(())
    }

    /// A sale of central's own that the backup did not have.
    fn remember_sale(
        &mut self,
        theatre: TheatreId,
        fact: &Fact,
        at: Timestamp,
        tx: &dyn Sql,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        if let Fact::Sold { show, booking, request, seats } = fact {
            let (show, booking, request) = (ShowId { theatre, number: *show }, *booking, *request);
            recovered::take_in(self, tx, &ReturnedSale { show, booking, request, seats, at }, now)?;
        }
        Ok(())
    }

    /// Brings what is kept beside the ledger up to a fact of either log.
    fn project(&mut self, theatre: TheatreId, fact: &Fact, tx: &dyn Sql, now: Timestamp) -> anyhow::Result<()> {
        match fact {
            Fact::ShowAdded(facts) => {
                let Ok(house) = self.house(theatre) else { return Ok(()) };
                let seats = house.show(facts.number).map_or(0, |show| show.plan.plan.seats_count());
                schedule::put(tx, &house.theatre, facts, seats)?;
                self.scheduled.remove(&ShowId { theatre, number: facts.number });
            }
            Fact::ShowCancelled { show } => {
                let show = ShowId { theatre, number: *show };
                schedule::cancel(tx, show)?;
                self.scheduled.remove(&show);
                cancel::show_cancelled(self, tx, show, now)?;
                self.changed.insert(show);
            }
            Fact::VoidAccepted(at) | Fact::VoidRefused(at) => {
                let accepted = matches!(fact, Fact::VoidAccepted(_));
                cancel::answered(self, tx, at.ticket, accepted, now)?;
            }
            Fact::Admitted { ticket, .. } => bookings::set_ticket_used(tx, ticket.ticket)?,
            Fact::PriceSet { show, .. } => {
                let id = ShowId { theatre, number: *show };
                let cheapest =
                    self.house(theatre).ok().and_then(|house| house.show(*show).ok()?.facts.prices.iter().min());
                if let Some(cheapest) = cheapest.copied() {
                    schedule::set_from(tx, id, cheapest)?;
                }
                self.scheduled.remove(&id);
                self.changed.insert(id);
            }
            Fact::HandedOver { show, .. }
            | Fact::Sold { show, .. }
            | Fact::SeatReleased { show, .. }
            | Fact::SeatWithheld { show, .. }
            | Fact::UnknownSettled { show, .. }
            | Fact::TicketFound { show, .. }
            | Fact::SeatsTaken { show, .. }
            | Fact::ShowClosed { show, .. } => self.mark(theatre, *show),
            // What was unsold at the cut is unknown now, in every show.
            Fact::LogOpened { .. } | Fact::BoxRetired { .. } => {
                self.changed.extend(self.board.shows(|show| show.theatre == theatre));
            }
            Fact::KeyRevoked { key } => {
                if let Some(house) = self.houses.get_mut(&theatre) {
                    house.keys.revoke(*key);
                }
            }
            Fact::BoxReplaced { .. }
            | Fact::PlanPublished { .. }
            | Fact::KeyCertified { .. }
            | Fact::Voided(_)
            | Fact::VoidRequested(_) => {}
        }
        Ok(())
    }

    fn mark(&mut self, theatre: TheatreId, number: ShowNumber) {
        self.changed.insert(ShowId { theatre, number });
    }
}
