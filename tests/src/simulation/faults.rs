//! What goes wrong at a theatre.

use super::action::Action;
use super::invariants::{self, Violation};
use super::network::Line;
use super::node::{CrashPoint, Who};
use super::site::Site;
use rand::RngExt;
use sync_protocol::replica::Heads;

impl Site {
    /// Something fails, or comes back.
    ///
    /// # Errors
    /// A claim that does not hold.
    pub fn fail(&mut self, action: &Action) -> Result<(), Violation> {
        match *action {
            Action::Line { who, line } => self.network.set(who, line),
            Action::Flap { cut, every_ms, times } => self.network.flap(cut, every_ms, times, self.now),
            Action::WipeBroker => {
                self.network.wipe();
                self.reconnect(Who::Central)?;
                self.reconnect(Who::Edge)?;
            }
            Action::Takeover { who } => self.reconnect(who)?,
            Action::Garbage { who, byte } => self.send_garbage(who, byte)?,
            Action::Crash { who, point: CrashPoint::Idle } => self.crash(who),
            Action::Crash { who, point } if self.node(who).replica.is_some() => self.node(who).dies = Some(point),
            Action::Start { who } if self.node(who).replica.is_none() => {
                self.start(who);
                invariants::AT_EACH_START.iter().try_for_each(|invariant| invariant(self, who))?;
                self.settle(who)?;
            }
            Action::Crash { .. } | Action::Start { .. } => {}
            Action::Clock { who, by_ms } => self.node(who).jump(by_ms),
            Action::Isolate { scanner, isolated } => self.scanners[scanner].reaches_edge = !isolated,
            Action::PowerCut { who, ago_ms } | Action::Restore { who, ago_ms } => self.roll_back(who, ago_ms)?,
            Action::StartClone { ago_ms } => self.start_clone(ago_ms)?,
            Action::EndOther => self.end_other()?,
            Action::Turn { scanner, away } => self.scanners[scanner].turned_away = away && self.other.is_some(),
            Action::Retire { lives } => self.retire(lives)?,
            _ => {}
        }
        Ok(())
    }

    /// The broker ends a node's session; the node connects again.
    fn reconnect(&mut self, who: Who) -> Result<(), Violation> {
        let now = self.now;
        let node = self.node(who);
        let at = node.now(now);
        if let Some(replica) = node.replica.as_mut() {
            replica.handle_disconnected(at);
            replica.handle_connected(at);
        }
        self.settle(who)
    }

    /// Bytes of nobody.
    fn send_garbage(&mut self, who: Who, byte: usize) -> Result<(), Violation> {
        let mut bytes: Vec<u8> = (0..200).map(|_| self.dice.random()).collect();
        bytes[0] = 1;
        bytes.truncate(byte % 200 + 1);
        if self.node(who).replica.is_some() {
            self.ghost.excuses.garbage += 1;
        }
        self.deliver(who, &bytes)
    }

    /// Everything is well from now on: lines, processes, clocks, doors.
    ///
    /// # Errors
    /// A claim that does not hold.
    pub fn heal(&mut self) -> Result<(), Violation> {
        self.end_other()?;
        self.network.heal();
        self.network.set(Who::Edge, Line::OPEN);
        for who in Who::ALL {
            if who == Who::Other {
                continue;
            }
            self.node(who).dies = None;
            if self.node(who).replica.is_none() {
                self.start(who);
            }
            let (now, node) = (self.now, self.node(who));
            let at = node.now(now);
            if let Some(replica) = node.replica.as_mut().filter(|replica| replica.works_offline()) {
                replica.work_offline(false, at);
            }
            self.settle(who)?;
        }
        self.scanners.iter_mut().for_each(|scanner| scanner.reaches_edge = true);
        Ok(())
    }

    fn heads(&mut self, who: Who) -> Option<Heads> {
        self.node(who).replica.as_ref().map(|replica| replica.heads())
    }

    /// People see to what is closed: when asking has come to nothing they answer for it.
    ///
    /// # Errors
    /// A claim that does not hold.
    pub fn see_to(&mut self) -> Result<(), Violation> {
        if self.edge.box_number > 0 {
            self.act(&Action::Replace)?;
        }
        for who in [Who::Edge, Who::Central] {
            // A fork is answered for where the forked log is written, unless that node has found nothing wrong.
            let elsewhere =
                self.heads(who).is_some_and(|heads| heads.recovery.forked.is_some_and(|log| log != who.side()));
            let there = if who == Who::Edge { Who::Central } else { Who::Edge };
            let theirs = elsewhere && self.heads(there).is_some_and(|heads| heads.closed.is_some());
            if self.heads(who).is_some_and(|heads| heads.closed.is_some()) && !theirs {
                self.open_unproven(who, true)?;
            }
        }
        Ok(())
    }
}
