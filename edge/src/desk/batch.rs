//! What the writer asks of the desk around each batch: to follow a jump of the clock, to do what is due, to store what changed, and to
//! let go what waited for the commit.

use super::Desk;
use crate::counter::holds;
use crate::link;
use crate::staff::session;
use anyhow::Context;
use node::idempotency;
use node::ledger_store;
use node::writer::Core;
use rusqlite::Transaction;
use shared::time::Timestamp;
use std::time::Duration;
use sync_protocol::message::Channel;
use sync_protocol::replica::{Closed, Transmit};

/// How often answers nobody will ask for again are forgotten, and how many at once.
const SWEEP_EVERY: Duration = Duration::from_secs(600);
const SWEEP_ROWS: u32 = 500;

impl Core for Desk {
    type Engine = rusqlite::Connection;

    fn handle_jump(&mut self, tx: &Transaction<'_>, by: Duration) -> anyhow::Result<()> {
        self.replica.follow_jump(by);
        session::follow_jump(tx, by).context("move logins and delays on")?;
        holds::follow_jump(tx, by).context("move holds on")
    }

    fn before_commit(&mut self, tx: &Transaction<'_>, now: Timestamp) -> anyhow::Result<()> {
        loop {
            self.poll_events();
            self.record_returned(tx).context("record what came back")?;
            self.settle_claims(tx, now).context("settle claims")?;
            let wrote = self.write_changes(tx, now).context("write what the ledger changed")?;
            let answered = self.settle_voids(tx, now).context("answer voids")?;
            if !wrote && !answered && !self.waiting.has_settled() {
                break;
            }
        }
        self.settle_signing(tx, now).context("find which key signs tickets")?;
        let transmits = self
            .replica
            .poll_transmit(now, &ledger_store::StoredLogs::new(tx, self.replica.theatre()))
            .context("gather messages")?;
        self.outgoing.extend(transmits);
        self.committing_at = now;
        Ok(())
    }

    fn after_commit(&mut self) {
        if let Some(publisher) = &self.publisher {
            for Transmit { channel, bytes } in self.outgoing.drain(..) {
                let part = if channel == Channel::Log { "up/log" } else { "up" };
                publisher.publish(&link::topic(self.identity.theatre, part), bytes);
            }
        }
        self.outgoing.clear();
        self.committed = self.replica.heads().own;
        self.publish(self.committing_at);
        self.waiting.send_answers();
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        self.replica.poll_timeout().into_iter().chain([self.next_sweep]).min()
    }

    fn handle_timeout(&mut self, tx: &Transaction<'_>, now: Timestamp) -> anyhow::Result<()> {
        self.replica.handle_timeout(now);
        if self.next_sweep <= now {
            self.next_sweep = now + SWEEP_EVERY;
            idempotency::forget_expired(tx, now, SWEEP_ROWS).context("forget old answers")?;
            holds::forget_ended(tx, now).context("forget whose holds have ended")?;
        }
        Ok(())
    }

    fn reload(&mut self, tx: &Transaction<'_>, now: Timestamp) -> anyhow::Result<()> {
        let (identity, publisher) = (self.identity.clone(), self.publisher.clone());
        let (settings, door) = (self.settings, self.door.clone());
        let (loaded, _) = Self::load(tx, identity, settings, door, publisher, Some(self.committed), now)?;
        let before = std::mem::replace(self, loaded);
        // What the database does not know stays as it was; whoever waited for a claim learns that nothing came of it.
        (self.board, self.boot_at, self.heard) = (before.board, before.boot_at, before.heard);
        (self.is_linked, self.works_offline) = (before.is_linked, before.works_offline);
        (self.token_changes, self.committing_at) = (before.token_changes, now);
        if self.works_offline {
            self.replica.work_offline(true, now);
        }
        if self.is_linked {
            self.replica.handle_connected(now);
        }
        self.publish(now);
        Ok(())
    }

    fn handle_failure(&mut self, error: &anyhow::Error) {
        tracing::error!(error = format!("{error:#}"), "closed for sale: the store failed");
        self.replica.close(Closed::DiskError, self.committing_at);
        self.publish(self.committing_at);
    }
}
