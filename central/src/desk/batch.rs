//! What the writer asks of the desk around each batch: to follow a jump of the clock, to do what is due, to store what changed, and to
//! let go what waited for the commit.

use super::{Desk, KeySource};
use crate::bookings::{cancel, saga, store as bookings};
use crate::database::Database;
use crate::fleet::prices;
use crate::holds::owner;
use crate::payments::store as payments;
use anyhow::Context;
use node::idempotency;
use node::problem::Problem;
use node::store::Sql;
use node::writer::{Core, WriteError};
use shared::time::Timestamp;
use std::time::Duration;
use sync_protocol::message::Channel;
use sync_protocol::replica::{Closed, Transmit};

/// How often unpaid bookings are looked through for those whose time is over.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// How often cancellations are looked through for those that no theatre has answered.
const VOIDS_LOOKED_AT_EVERY: Duration = Duration::from_secs(60);
/// Remembered answers that one sweep forgets.
const ANSWERS_FORGOTTEN: u32 = 500;

impl Core for Desk {
    type Engine = Database;

    fn handle_jump(&mut self, tx: &dyn Sql, by: Duration) -> anyhow::Result<()> {
        for (theatre, house) in &mut self.houses {
            house.replica.follow_jump(by);
            self.touched.insert(*theatre);
        }
        owner::follow_jump(tx, by).context("keep whose holds they are for longer")?;
        bookings::follow_jump(tx, by).context("move the deadlines of unpaid bookings")?;
        payments::follow_jump(tx, by).context("move the deadlines of open payments")
    }

    fn before_commit(&mut self, tx: &dyn Sql, now: Timestamp) -> anyhow::Result<()> {
        self.now = now;
        while let Some(theatre) = self.touched.pop_first() {
            self.settle(theatre, tx, now).with_context(|| format!("store what changed in theatre {theatre}"))?;
        }
        Ok(())
    }

    fn handle_persisted(&mut self, time: Timestamp) {
        if let Some(watermark) = &mut self.watermark {
            watermark.note(time);
        }
    }

    fn after_commit(&mut self) {
        for (theatre, Transmit { channel, bytes }) in std::mem::take(&mut self.outgoing) {
            let part = match channel {
                Channel::Control => "down",
                Channel::Log => "down/log",
            };
            if let Some(publisher) = &self.publisher {
                // What is dropped is sent again: the protocol takes the pipe for a lossy one.
                publisher.publish(&format!("usher/v1/{theatre}/{part}"), bytes);
            }
        }
        self.refresh_maps();
        for (to, answer) in std::mem::take(&mut self.answers) {
            // A caller that has gone away does not need the answer.
            drop(to.send(answer));
        }
        if std::mem::take(&mut self.payments_changed) {
            self.payments.notify_one();
        }
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        let houses = self.houses.values().filter_map(|house| house.replica.poll_timeout());
        houses.chain([self.next_sweep]).chain(self.next_redraw).min()
    }

    fn handle_timeout(&mut self, tx: &dyn Sql, now: Timestamp) -> anyhow::Result<()> {
        for (theatre, house) in &mut self.houses {
            if house.replica.poll_timeout().is_some_and(|due| due <= now) {
                house.replica.handle_timeout(now);
                self.touched.insert(*theatre);
            }
        }
        if self.next_sweep <= now {
            self.next_sweep = now + SWEEP_EVERY;
            saga::end_overdue(self, tx, now).context("end unpaid bookings")?;
            prices::begin_due(self, tx, now).context("let prices begin")?;
            owner::forget_over(tx, now).context("forget who held what")?;
            idempotency::forget_expired(tx, now, ANSWERS_FORGOTTEN).context("forget old answers")?;
        }
        if self.next_look_at_voids <= now {
            self.next_look_at_voids = now + VOIDS_LOOKED_AT_EVERY;
            cancel::list_unanswered(tx, now).context("list cancellations without an answer")?;
        }
        Ok(())
    }

    fn reload(&mut self, tx: &dyn Sql, now: Timestamp) -> anyhow::Result<()> {
        let (keys, settings) = self.source.as_ref().context("nothing says where the keys are")?;
        let source = KeySource::Directory(keys);
        let loaded = Self::load(tx, source, *settings, self.board.clone(), self.payments.clone(), now)?;
        (self.houses, self.touched) = (loaded.houses, loaded.touched);
        (self.remembered, self.scheduled, self.bookings) = (loaded.remembered, loaded.scheduled, loaded.bookings);
        // What was gathered belongs to what was not kept; whoever asked was told so with the batch.
        self.outgoing.clear();
        self.answers.clear();
        for (_, waiting) in std::mem::take(&mut self.waiting) {
            drop(waiting.answer.send(Problem::from(WriteError::Unreachable).into()));
        }
        self.changed.extend(self.board.shows(|_| true));
        self.link_changed(self.link_up, now);
        self.before_commit(tx, now)
    }

    fn handle_failure(&mut self, _error: &anyhow::Error) {
        for house in self.houses.values_mut() {
            house.replica.close(Closed::DiskError, self.now);
        }
        self.waiting.clear();
        self.answers.clear();
    }
}
