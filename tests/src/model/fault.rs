//! What goes wrong: crashes, disks that forget, a box that runs twice.

use super::node::{CENTRAL, EDGE, Node, Standing, Who};
use super::setting::Rule;
use super::store::{FIRST_ENTRIES, Store, at};
use super::theatre::{State, Theatre};
use std::sync::Arc;

/// The states a disk went through on its way to this one, as (own entries, peer's entries): what an entry says its writer had
/// seen tells between which of the peer's entries it was written.
pub fn images(store: &Store) -> Vec<(u64, u64)> {
    let first = FIRST_ENTRIES[at(store.side)];
    let first_peer = FIRST_ENTRIES[at(store.side.peer())];
    let mut images = Vec::new();
    let mut seen = first_peer;
    for own in first..=store.own.len() {
        let until = store.own.get(own + 1).map_or(store.peer.len(), |next| next.entry.seen);
        images.extend((seen..=until).map(|peer| (own, peer)));
        seen = until.max(first_peer);
    }
    images
}

impl Theatre {
    /// Stops `who` and starts it over a disk.
    fn start(&self, state: &mut State, who: Who, disk: Arc<Store>) {
        let fence = self.setting.keeps(Rule::SessionFence);
        let node = &mut state.nodes[who];
        node.disk = disk.clone();
        node.memory = disk;
        node.life += 1;
        node.in_session = false;
        if fence {
            node.inbox.clear();
        }
        if who == CENTRAL {
            state.session = None;
        } else {
            state.superseded &= !(1 << who);
            node.standing = self.started(node.standing);
        }
    }

    /// How a box stands when it starts.
    fn started(&self, before: Standing) -> Standing {
        match before {
            Standing::Forked => Standing::Forked,
            _ if self.setting.keeps(Rule::BootGate) => Standing::Asking,
            _ => Standing::Open,
        }
    }

    pub(super) fn crash(&self, state: &mut State, who: Who) {
        state.spent.crashes += 1;
        let disk = state.nodes[who].disk.clone();
        self.start(state, who, disk);
    }

    pub(super) fn restore(&self, state: &mut State, who: Who, own: u64, peer: u64) {
        let disk = &state.nodes[who].disk;
        let image = self.stores.over(disk.side, &disk.own.prefix(own), &disk.peer.prefix(peer));
        self.start(state, who, image);
        let node = &mut state.nodes[who];
        node.forgot = true;
        if who == CENTRAL && node.standing != Standing::Forked {
            node.standing = Standing::Restored;
        }
    }

    pub(super) fn clone_box(&self, state: &mut State, own: u64, peer: u64) {
        state.spent.clones += 1;
        let disk = &state.nodes[EDGE].disk;
        let image = self.stores.over(disk.side, &disk.own.prefix(own), &disk.peer.prefix(peer));
        let forgot = image != *disk;
        let mut node = Node::new(image, self.started(Standing::Asking));
        node.forgot = forgot;
        state.nodes.push(node);
    }
}
