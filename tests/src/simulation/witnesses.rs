//! The paired devices as witnesses: what they keep of the box's log goes to a box that asks, what the box has written goes to them.

use super::invariants::{self, Violation};
use super::node::Who;
use super::scanner::SCANNERS;
use super::site::{NAMED, Site};
use std::time::Duration;
use sync_protocol::gate::DeviceNumber;
use sync_protocol::log::EntrySource;
use sync_protocol::message::{Batch, EntryBytes};
use sync_protocol::replica::Replica;

/// How often a device shows the box what it keeps though nothing is new.
const SHOWN_EVERY: Duration = Duration::from_secs(2);

impl Site {
    /// A device turns to a box: it shows what it keeps, and keeps what the box gives.
    pub(super) fn witness(&mut self, scanner: usize, who: Who) -> Result<(), Violation> {
        self.show(scanner, who)?;
        if self.give(scanner, who)? { self.show(scanner, who) } else { Ok(()) }
    }

    /// What a box has just written goes to its named witness at once.
    pub(super) fn show_witness(&mut self, who: Who) -> Result<(), Violation> {
        let named = usize::try_from(NAMED.0).unwrap_or(SCANNERS);
        let there = self.setup.witness && who != Who::Central && self.scanners[named].talks_to() == Some(who);
        if !there || !self.node(who).replica.as_ref().is_some_and(Replica::can_sell) {
            return Ok(());
        }
        // What it keeps of a line that was left is offered once before it makes room for the line that is.
        let device = &self.scanners[named];
        let kept = device.keeper.kept().map(|kept| kept.head);
        if kept != device.offered
            && kept.is_some_and(|head| !self.node(who).disk.holds_entry(who.side(), head.seq, head.hash))
        {
            self.show(named, who)?;
        }
        if self.give(named, who)? { self.show(named, who) } else { Ok(()) }
    }

    fn show(&mut self, scanner: usize, who: Who) -> Result<(), Violation> {
        let now = self.now;
        let node = super::site::node_of(&mut self.central, &mut self.edge, &mut self.other, who);
        let at = node.now(now);
        let Some(replica) = node.replica.as_mut() else { return Ok(()) };
        let device = &mut self.scanners[scanner];
        let Some(kept) = device.keeper.kept().cloned() else { return Ok(()) };
        let asks = replica.asking().is_some();
        // What it has and the box has not: to be taken back, or to be listed.
        let known = node.disk.holds_entry(who.side(), kept.head.seq, kept.head.hash);
        let shown = device.shown == Some((kept.head, replica.boot())) && now.since(device.shown_at) < SHOWN_EVERY;
        if known && !asks && shown {
            return Ok(());
        }
        (device.shown, device.shown_at) = (Some((kept.head, replica.boot())), now);
        let entries = if asks { device.keeper.after(node.disk.heads.own.seq) } else { device.keeper.after(0) };
        let entries = entries.filter(|_| !known);
        let number = DeviceNumber(i64::try_from(scanner).unwrap_or_default());
        node.heard.insert(scanner);
        replica.handle_witness(number, Some(&kept), entries, at, &node.disk).expect("a store in memory can be read");
        // A box that closes over it has not taken it in, and is offered it again; one that asked was offered only what it lacks.
        if replica.can_sell() && !known && !asks {
            device.offered = Some(kept.head);
        }
        if node.witness == Some(number) && replica.can_sell() {
            node.witness_heard = Some(at);
        }
        self.settle(who)?;
        // One that died over it has not answered.
        if self.node(who).replica.is_none() {
            self.scanners[scanner].offered = None;
        }
        Ok(())
    }

    /// The box gives a device its head and, if it is the named witness, what central has not acknowledged. Says whether that was
    /// news.
    fn give(&mut self, scanner: usize, who: Who) -> Result<bool, Violation> {
        let named = self.setup.witness && NAMED == DeviceNumber(i64::try_from(scanner).unwrap_or(-1));
        let node = super::site::node_of(&mut self.central, &mut self.edge, &mut self.other, who);
        let Some(replica) = node.replica.as_ref().filter(|replica| replica.can_sell()) else { return Ok(false) };
        let (own, acked) = (node.disk.heads.own, node.disk.heads.acked);
        let keeper = &mut self.scanners[scanner].keeper;
        if keeper.kept().is_some_and(|kept| kept.head == own) {
            return Ok(false);
        }
        let batch = named.then(|| {
            let last = keeper.last();
            let on_chain = node.disk.head_at(who.side(), last.seq).ok().flatten() == Some(last);
            let after = if on_chain { last.seq.max(acked) } else { acked };
            let before = node.disk.head_at(who.side(), after).ok().flatten().unwrap_or_default();
            let entries = node.disk.entries(who.side(), after + 1, usize::MAX).unwrap_or_default();
            Batch { log: who.side(), before, entries: entries.into_iter().map(EntryBytes).collect() }
        });
        let given = batch.iter().flat_map(|batch| invariants::walk(batch.before, &batch.entries).into_iter().skip(1));
        given.for_each(|head| self.ghost.keep(head.hash));
        let dropped = keeper.take(replica.sign_head(own), batch, acked);
        keeper.of = Some(who);
        invariants::invariant_a_witness_drops_only_what_central_has(&self.ghost, &dropped)?;
        Ok(true)
    }
}
