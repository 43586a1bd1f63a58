//! How a step of a node goes: what it decided is judged, committed, sent, and told to the people.

use super::disk::Commit;
use super::ghost::Handed;
use super::invariants::{self, Step, Violation};
use super::node::{CrashPoint, Node, Who};
use super::site::{Site, node_of};
use shared::entry::{Fact, Hash, OpenedBy, TicketRef};
use shared::ledger::LedgerChanges;
use shared::planted::{self, Plant};
use std::collections::BTreeSet;
use sync_protocol::gate::Memory;
use sync_protocol::message::Channel;
use sync_protocol::replica::{DiscrepancyKind, Event, Proof, StandingChange, Transmit};

impl Site {
    /// Commits and sends what a node changed, unless its process dies meanwhile, and tells the people.
    ///
    /// # Errors
    /// A claim that does not hold.
    pub fn settle(&mut self, who: Who) -> Result<(), Violation> {
        let now = self.now;
        let node = self.node(who);
        let at = node.now(now);
        let Some(replica) = node.replica.as_mut() else { return Ok(()) };
        let (mut answers, mut sales, mut rewound) = (Vec::new(), Vec::new(), false);
        while let Some(event) = replica.poll_event() {
            match event {
                Event::Applied { writer, seq, fact: Fact::Sold { show, request, seats, .. }, .. }
                    if writer == who.side() =>
                {
                    let ticket = |line: shared::entry::SoldSeat| TicketRef {
                        show,
                        seat: line.seat,
                        generation: line.generation,
                        ticket: line.ticket,
                    };
                    sales.extend(seats.iter().map(|line| (line.ticket, seq)));
                    answers.push((request, seats.into_iter().map(ticket).collect()));
                }
                Event::Applied { writer, seq, fact: Fact::TicketFound { seat, .. }, .. } if writer == who.side() => {
                    sales.push((seat.ticket, seq));
                }
                Event::Rewound => rewound = true,
                Event::ClaimSettled { outcome: Ok(hold), .. } => node.holds.push(hold.id),
                _ => {}
            }
        }
        let (changes, doors) = (replica.take_changes(), std::mem::take(&mut node.door_writes));
        let commit = Commit { side: who.side(), at: now, store_time: at, changes, answers, sales, doors };
        let wrote = !commit.is_empty();
        if wrote {
            if node.dies == Some(CrashPoint::BeforeCommit) {
                self.fail_before_commit(who, commit)?;
                self.crash(who);
                return Ok(());
            }
            self.commit(who, commit)?;
            if self.node(who).dies == Some(CrashPoint::AfterCommit) {
                self.crash(who);
                return self.check(who);
            }
        }
        if self.send(who, |_| true) && self.node(who).dies == Some(CrashPoint::AfterPublish) {
            self.crash(who);
            return if wrote { self.check(who) } else { Ok(()) };
        }
        let node = self.node(who);
        node.live = node.is_live();
        node.rewound |= rewound;
        self.show_witness(who)?;
        self.answer(who)?;
        if wrote { self.check(who) } else { Ok(()) }
    }

    fn commit(&mut self, who: Who, commit: Commit) -> Result<(), Violation> {
        let now = self.now;
        let site = &mut *self;
        let node = node_of(&mut site.central, &mut site.edge, &mut site.other, who);
        let step = Step::new(&site.ghost, node, &commit, now);
        invariants::AT_EACH_COMMIT.iter().try_for_each(|invariant| invariant(&step))?;
        let written = step.written;
        written.iter().for_each(|written| site.ghost.note(who, written));
        let peers = commit.changes.entries.iter().filter(|entry| entry.log != who.side());
        peers.for_each(|entry| site.ghost.arrive(entry.hash));
        let terms = commit.changes.ledger.holds.iter().filter_map(|(id, hold)| Some((*id, hold.as_ref()?.deadline)));
        let (at, store_now) = (node.now(now), node.store_now(now));
        for (id, deadline) in terms {
            site.ghost.holds.insert(id, store_now + deadline.since(at));
        }
        for listed in &commit.changes.discrepancies {
            let what = match listed.kind {
                DiscrepancyKind::BeyondCut { .. } if listed.log == who.side() => "entries_of_a_left_line",
                DiscrepancyKind::BeyondCut { .. } => "entries_beyond_a_cut",
                DiscrepancyKind::NotApplied(_) => "entries_not_applied",
                DiscrepancyKind::SetAside { .. } => "entries_set_aside_for_good",
                _ => continue,
            };
            *site.ghost.tally.entry(what).or_default() += 1;
        }
        node.touch(&commit);
        node.restored = false;
        let proof = |change: &StandingChange| change.closed.is_none() && change.proof.is_some();
        node.proven |= commit.changes.standings.iter().any(proof);
        let overridden = written.iter().any(|written| {
            let persons = |by| matches!(by, OpenedBy::ManagerPin | OpenedBy::TwoPersons);
            written.fresh && matches!(written.entry.fact, Fact::LogOpened { by, .. } if persons(by))
        });
        node.overridden |= overridden;
        if overridden {
            let kept = site.scanners.iter().filter(|scanner| scanner.keeper.of == Some(who));
            site.ghost.answered.extend(kept.filter_map(|scanner| scanner.keeper.kept()).map(|kept| kept.head.hash));
        }
        let vouched = commit
            .changes
            .standings
            .iter()
            .any(|change| matches!(change.proof, Some(Proof::Confirmed(Memory::Device(_)))));
        let here = |seq: u64, hash: Hash| {
            let coming = commit.changes.entries.iter().any(|entry| entry.hash == hash);
            coming || node.disk.holds_entry(who.side(), seq, hash)
        };
        let behind = node.behind.iter().filter(|(device, head)| device.is_none() && !here(head.seq, head.hash));
        if let Some(last) = behind.map(|(_, head)| head.seq).max().filter(|_| vouched) {
            site.ghost.pass_over(|seq, hash| !here(seq, hash), last);
        }
        node.disk.commit(commit);
        let log = who.side().peer();
        let durable = site.ghost.durable.entry(log).or_default();
        *durable = node.disk.heads.peer.seq.max(*durable);
        Ok(())
    }

    /// Nothing must be left of a transaction whose process dies before it; a planted bug leaves something.
    fn fail_before_commit(&mut self, who: Who, mut commit: Commit) -> Result<(), Violation> {
        let channel = if planted::is(Plant::AckBeforeCommit) { Channel::Control } else { Channel::Log };
        if planted::is(Plant::AckBeforeCommit) || planted::is(Plant::PublishBeforeCommit) {
            self.node(who).disk.commit(commit);
            self.send(who, |transmit| transmit.channel == channel);
            let disk = &mut self.node(who).disk;
            *disk = disk.without_last(1);
        } else if planted::is(Plant::AnswerBeforeCommit) {
            let tickets = commit.answers.iter().flat_map(|(_, tickets)| tickets);
            tickets.copied().try_for_each(|at| self.hand(who, at, false))?;
        } else if planted::is(Plant::BatchHalfApplied) {
            commit.changes.ledger = LedgerChanges::default();
            self.commit(who, commit)?;
        }
        Ok(())
    }

    /// Sends what may leave and is wanted; says whether anything did.
    fn send(&mut self, who: Who, wanted: impl Fn(&Transmit) -> bool) -> bool {
        let now = self.now;
        let node = self.node(who);
        let at = node.now(now);
        let Some(replica) = node.replica.as_mut() else { return false };
        let mut transmits = replica.poll_transmit(at, &node.disk).expect("a store in memory can be read");
        transmits.retain(wanted);
        let other = self.other.is_some();
        for transmit in &transmits {
            self.trace.update(&transmit.bytes);
            let (network, dice) = (&mut self.network, &mut self.dice);
            match who {
                Who::Central => {
                    network.send(Who::Edge, Who::Edge, &transmit.bytes, now, dice);
                    if other {
                        network.send(Who::Other, Who::Other, &transmit.bytes, now, dice);
                    }
                }
                Who::Edge | Who::Other => network.send(Who::Central, who, &transmit.bytes, now, dice),
            }
        }
        !transmits.is_empty()
    }

    /// Tells the people what their requests came to. In a cut a sale is told only once the witness has it, if it is there.
    fn answer(&mut self, who: Who) -> Result<(), Violation> {
        let now = self.now;
        let node = self.node(who);
        let at = node.now(now);
        let node_hears_witness = node.hears_witness(at);
        let Node { waiting, disk, replica, .. } = node;
        let Some(replica) = replica.as_ref().filter(|_| !waiting.is_empty()) else { return Ok(()) };
        let covered = replica.heads().own.seq - replica.unwitnessed();
        let promised = node_hears_witness;
        let waits = replica.waits_for_witness(at);
        let ids = |tickets: &[TicketRef]| tickets.iter().map(|at| at.ticket).collect::<Vec<_>>();
        let told = |tickets: &[TicketRef]| {
            let sold = tickets.iter().filter_map(|at| disk.sale(who.side(), at.ticket));
            !waits || sold.map(|(seq, _)| seq).max().is_none_or(|seq| seq <= covered)
        };
        let (mut ready, mut late) = (Vec::new(), BTreeSet::new());
        for request in std::mem::take(waiting) {
            match disk.answers.get(&request) {
                // Refused: what was set aside and not written again is listed, and a log that is being taken back is asked again.
                Some(tickets) if replica.sell_again(&ids(tickets)).is_err() => {}
                Some(tickets) if told(tickets) => ready.push((request, tickets.clone())),
                Some(_) => {
                    late.insert(request);
                }
                None => {}
            }
        }
        *waiting = late;
        for (request, tickets) in ready {
            for at in &tickets {
                self.hand(who, *at, promised)?;
            }
            let known = self.ghost.answers.entry(request).or_insert_with(|| tickets.clone());
            invariants::invariant_a_request_asked_again_gets_the_same_tickets(known, &tickets)?;
        }
        Ok(())
    }

    fn hand(&mut self, who: Who, at: TicketRef, promised: bool) -> Result<(), Violation> {
        // Somebody who asks again for what he has got nothing new, wherever its sale is by now.
        if self.ghost.tickets.contains_key(&at.ticket) {
            return Ok(());
        }
        let node = self.node(who);
        let (by, sale) = (node.who, node.disk.sale(who.side(), at.ticket));
        let epoch = node.disk.sold_epoch(who.side(), at.ticket).unwrap_or_default();
        let sale = invariants::invariant_a_ticket_is_handed_out_only_when_its_sale_is_on_disk(at, sale)?;
        if promised {
            invariants::invariant_a_sale_is_told_only_once_the_witness_has_it(self, who, at, sale)?;
        }
        let rollbacks = self.ghost.rollbacks;
        let handed = Handed {
            at,
            by,
            sale,
            epoch,
            earlier: Vec::new(),
            promised,
            rollbacks,
            ended: false,
            end: None,
            lost: false,
            end_lost: false,
        };
        let first = self.ghost.hand_over(handed);
        if let Some(first) = first {
            let double = self.judge_double(first, at.ticket);
            self.ghost.doubles.push(double);
        }
        Ok(())
    }

    fn check(&self, who: Who) -> Result<(), Violation> {
        invariants::AFTER_EACH_COMMIT.iter().try_for_each(|invariant| invariant(self, who))
    }
}
