//! Disks that forget: images of an earlier moment, second boxes from an image, boxes that are gone; and what was lost with them.

use super::disk::Disk;
use super::ghost::{Cause, Double, Handed};
use super::invariants::{self, Violation};
use super::keeper::Keeper;
use super::node::{Node, Who};
use super::site::Site;
use shared::entry::{Hash, Head};
use shared::ids::{Side, TicketId};
use shared::time::Timestamp;
use std::collections::BTreeSet;

impl Site {
    /// A node's disk is what it was a while ago, and its process is gone.
    ///
    /// # Errors
    /// A claim that does not hold.
    pub fn roll_back(&mut self, who: Who, ago_ms: i64) -> Result<(), Violation> {
        let now = self.now;
        if who == Who::Central && self.other.is_some() {
            // Which of two boxes has the rest of its log a central put back cannot know: README, limits.
            return Ok(());
        }
        let node = self.node(who);
        let image = node.disk.image(Timestamp(now.0 - ago_ms));
        if image.heads.own.seq == 0 {
            // Older than the box itself: that is a replacement, not a restore.
            return Ok(());
        }
        node.crash();
        node.disk = image;
        node.restored = who == Who::Central;
        node.overridden = false;
        self.ghost.excuses.forgot = true;
        self.ghost.rollbacks += 1;
        self.note_behind(who);
        // What the others were behind of may be gone now.
        for other in Who::ALL.into_iter().filter(|other| *other != who) {
            if self.nodes().any(|node| node.who == other && !node.behind.is_empty()) {
                self.note_behind(other);
            }
        }
        self.note_losses()
    }

    /// Somebody starts a second box from an image of the first.
    ///
    /// # Errors
    /// A claim that does not hold.
    pub fn start_clone(&mut self, ago_ms: i64) -> Result<(), Violation> {
        if self.other.is_some() || !self.central.behind.is_empty() {
            return Ok(());
        }
        let image = self.edge.disk.image(Timestamp(self.now.0 - ago_ms));
        if image.heads.own.seq == 0 {
            return Ok(());
        }
        let mut other = Node::new(Who::Other, image);
        other.box_number = self.edge.box_number;
        self.other = Some(other);
        self.ghost.excuses.cloned = true;
        self.note_behind(Who::Other);
        self.note_behind(Who::Central);
        self.start(Who::Other);
        self.settle(Who::Other)
    }

    /// The second box, or the old one, is switched off and thrown away.
    ///
    /// # Errors
    /// A claim that does not hold.
    pub fn end_other(&mut self) -> Result<(), Violation> {
        self.other = None;
        self.scanners.iter_mut().for_each(|scanner| scanner.turned_away = false);
        self.note_losses()
    }

    /// Two persons attest that the box is off; it may live on all the same. Another one takes its place.
    ///
    /// # Errors
    /// A claim that does not hold.
    pub fn retire(&mut self, lives: bool) -> Result<(), Violation> {
        if self.other.is_some() || self.edge.box_number > 0 {
            return Ok(());
        }
        let key = super::codes::key(Side::Edge, 0).key_id();
        let (now, central) = (self.now, &mut self.central);
        let at = central.now(now);
        let retired = central.replica.as_mut().map(|replica| replica.retire_box(key, at));
        if retired != Some(Ok(())) {
            return Ok(());
        }
        self.ghost.excuses.retired = true;
        self.codes.ring.revoke(key);
        // What it sold is not the new one's.
        let sold = self.ghost.tickets.values_mut().filter(|handed| handed.by == Who::Edge);
        sold.for_each(|handed| handed.by = Who::Other);
        let mut old = std::mem::replace(&mut self.edge, Node::new(Who::Edge, Disk::default()));
        self.edge.box_number = 1;
        if lives {
            old.who = Who::Other;
            self.other = Some(old);
        }
        // The devices are paired anew, with another key: what they kept is for persons to read.
        self.scanners.iter_mut().for_each(|scanner| scanner.keeper = Keeper::default());
        self.settle(Who::Central)?;
        self.note_losses()
    }

    /// What the others still have of a node's own log, and it has not.
    fn note_behind(&mut self, who: Who) {
        let log = who.side();
        // Central hears one box at a time; which of two has more it cannot know.
        let alone = who != Who::Central || self.other.is_none();
        let copies =
            self.nodes().filter(|node| node.who.side() != log && alone).map(|node| (None, node.disk.heads.peer));
        let kept = self
            .scanners
            .iter()
            .filter(|scanner| scanner.keeper.of == Some(who))
            .filter_map(|scanner| scanner.keeper.kept().map(|kept| (Some(scanner.number), kept.head)));
        let heads: Vec<_> = copies.chain(kept).collect();
        let answered = self.ghost.answered.clone();
        let node = self.node(who);
        let disk = &node.disk;
        // Of a line that its log has left since, somebody has answered for what the devices keep.
        let missing = |(device, head): &(Option<usize>, Head)| {
            !disk.holds_entry(log, head.seq, head.hash)
                && !(device.is_some() && (disk.has_left(log, *head) || answered.contains(&head.hash)))
        };
        node.behind = heads.into_iter().filter(missing).collect();
    }

    /// Is this entry anywhere?
    fn is_held(&self, log: Side, seq: u64, hash: Hash) -> bool {
        let on_disk = |disk: &Disk| {
            disk.holds_entry(log, seq, hash) || disk.aside.iter().any(|entry| entry.log == log && entry.hash == hash)
        };
        let kept = log == Side::Edge && self.scanners.iter().any(|scanner| scanner.keeper.holds(seq, hash));
        kept || self.nodes().any(|node| on_disk(&node.disk))
    }

    /// Sales and ends that no store has any more.
    fn note_losses(&mut self) -> Result<(), Violation> {
        let gone = |log: Side, (seq, hash): (u64, Hash)| !self.is_held(log, seq, hash);
        let known = self.ghost.tickets.values().filter(|handed| !handed.lost || handed.end.is_some());
        let losses: Vec<_> = known
            .map(|handed| {
                let mut told = handed.earlier.iter().chain([&handed.sale]);
                let lost = told.all(|sale| gone(handed.by.side(), *sale));
                (handed.at.ticket, lost, handed.end.is_some_and(|end| gone(Side::Edge, end)))
            })
            .filter(|(_, lost, end_lost)| *lost || *end_lost)
            .collect();
        // A sale that nobody can apply any more survives on the list of those that a person must settle.
        let listed: BTreeSet<_> =
            losses.iter().map(|loss| loss.0).filter(|id| invariants::is_listed(self, *id)).collect();
        for (ticket, lost, end_lost) in losses {
            let Some(handed) = self.ghost.tickets.get_mut(&ticket) else { continue };
            handed.end_lost |= end_lost;
            if lost && !handed.lost {
                handed.lost = true;
                let disks = self.ghost.rollbacks - handed.rollbacks;
                if !self.ghost.excuses.retired && disks <= 1 && !listed.contains(&ticket) {
                    invariants::invariant_a_sale_stored_by_two_survives_the_loss_of_one(handed)?;
                }
            }
        }
        let scans = &self.edge.disk.doors.scans;
        for walk in &mut self.ghost.walks {
            walk.known_to_edge &= scans.scans(walk.at.ticket).iter().any(|scan| scan.id == walk.scan);
        }
        Ok(())
    }

    /// Two live tickets for one seat: what brought it about, if that may happen at all?
    pub(super) fn judge_double(&self, first: TicketId, second: TicketId) -> Double {
        let tickets = &self.ghost.tickets;
        let cause = tickets.get(&first).zip(tickets.get(&second)).and_then(|(before, after)| self.cause(before, after));
        Double { first, second, cause }
    }

    fn cause(&self, before: &Handed, after: &Handed) -> Option<Cause> {
        let (log, ghost) = (before.by.side(), &self.ghost);
        let told: Vec<(u64, Hash)> = before.earlier.iter().chain([&before.sale]).copied().collect();
        let mut seller = self.nodes().filter(|node| node.who == after.by);
        if seller.any(|node| told.iter().any(|(seq, hash)| node.disk.holds_entry(log, *seq, *hash))) {
            // Whoever has the entry knows better.
            return None;
        }
        // By which box each of them came: the one that sold, or that gave the seat to central.
        let boxes = (self.box_of(before), self.box_of(after));
        let lives_on = ghost.excuses.retired && after.by == Who::Other;
        let lost = told.iter().all(|(seq, hash)| !self.is_held(log, *seq, *hash));
        let nobodys = told.iter().all(|(_, hash)| !ghost.was_ever_elsewhere(*hash));
        if ghost.excuses.cloned && boxes.0.is_some() && boxes.1.is_some() && boxes.0 != boxes.1 {
            Some(Cause::Cloned)
        } else if lives_on || ghost.was_settled_after(before) {
            Some(Cause::Overridden)
        } else if before.promised {
            None
        } else if lost && nobodys {
            Some(Cause::Unprovable)
        } else if told.iter().any(|(_, hash)| ghost.was_passed_over(*hash)) {
            Some(Cause::StaleWitness)
        } else {
            (lost && ghost.rollbacks > before.rollbacks + 1).then_some(Cause::BothDisks)
        }
    }

    fn box_of(&self, handed: &Handed) -> Option<Who> {
        if handed.by != Who::Central {
            return Some(handed.by);
        }
        let before = handed.epoch.checked_sub(1)?;
        let given = self.ghost.given(handed.at.show, handed.at.seat, before);
        let applied = |(log, seq, hash): &&(Side, u64, Hash)| self.central.disk.holds_entry(*log, *seq, *hash);
        given.iter().find(applied).and_then(|(_, _, hash)| self.ghost.writer(*hash))
    }
}
