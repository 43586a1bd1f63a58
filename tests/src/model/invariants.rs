//! What must hold in every state, each named after its claim, and what must be possible in some.

use super::ghost::Handed;
use super::node::{CENTRAL, EDGE, Node, Standing};
use super::store::{SEATS, SHOW};
use super::theatre::{State, Theatre};
use shared::show::{Seat, Standing as Sale};
use stateright::Property;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The claim that matters most.
pub const NO_SEAT_IS_SOLD_TWICE: &str = "no seat is sold twice";
/// The claim that each register has one writer.
pub const ONLY_THE_WRITER_WRITES: &str = "only a register's writer writes it, at the current epoch";
/// The claim that nobody cries fork in vain.
pub const FORKS_ARE_CLONES: &str = "a log forks only where a box runs twice";

/// All claims.
pub fn properties() -> Vec<Property<Theatre>> {
    vec![
        Property::always(NO_SEAT_IS_SOLD_TWICE, no_seat_is_sold_twice),
        Property::always(ONLY_THE_WRITER_WRITES, only_the_writer_writes),
        Property::always(FORKS_ARE_CLONES, forks_are_clones),
        Property::always("one process at most may sell a seat", one_process_may_sell),
        Property::always("nothing is sold once its handover is durable", |_, state: &State| {
            !state.wrongs.sold_after_handover
        }),
        Property::always("nothing is sold before it is durably the seller's", |_, state: &State| {
            !state.wrongs.sold_before_durable
        }),
        Property::always("an ack names only what is durable", |_, state: &State| !state.wrongs.acked_before_durable),
        Property::always("a copy of a log is a prefix of it", copies_are_prefixes),
        Property::always("the order of arrival does not matter", order_does_not_matter),
        Property::always("equal logs make equal states", equal_logs_make_equal_states),
        Property::always("nothing is refused while nobody forgot", nothing_is_refused),
        Property::always("everything heals", everything_heals),
        Property::sometimes("both seats are sold and both sides are equal", |_, state: &State| {
            let sold = |seat| state.tickets.iter().any(|ticket| ticket.seat == seat);
            runs_twice(state) || all_equal(state) && SEATS.into_iter().all(sold)
        }),
        Property::sometimes("a seat goes there and back", |_, state: &State| any_seat(state, |seat| seat.epoch == 2)),
        Property::sometimes(
            "a node that forgot is open again and both sides are equal",
            |theatre: &Theatre, state: &State| {
                let setting = &theatre.setting;
                let may_forget = setting.lost_tails + setting.edge_restores + setting.central_restores > 0;
                !may_forget || all_equal(state) && state.nodes.iter().any(|node| node.forgot)
            },
        ),
        Property::sometimes("a seat is unknown", |theatre: &Theatre, state: &State| {
            theatre.setting.settled == 0 || any_seat(state, |seat| seat.standing == Sale::Unknown)
        }),
        Property::sometimes("a box that runs twice is found out", |theatre: &Theatre, state: &State| {
            theatre.setting.clones == 0 || state.nodes.iter().any(|node| node.standing == Standing::Forked)
        }),
    ]
}

/// Per seat at most one ticket among all that were ever handed to a customer; the promised exceptions are counted.
fn no_seat_is_sold_twice(theatre: &Theatre, state: &State) -> bool {
    let any = |handed| state.tickets.iter().any(|ticket| ticket.handed == handed);
    let count = |counter: &AtomicUsize, handed| counter.fetch_add(usize::from(any(handed)), Ordering::Relaxed);
    count(&theatre.unprovable, Handed::Unprovable);
    count(&theatre.cloned, Handed::Cloned);
    count(&theatre.overridden, Handed::Overridden);
    !any(Handed::Twice)
}

fn only_the_writer_writes(_: &Theatre, state: &State) -> bool {
    !state.nodes.iter().any(|node| node.memory.foul)
}

fn forks_are_clones(_: &Theatre, state: &State) -> bool {
    runs_twice(state) || state.nodes.iter().all(|node| node.standing != Standing::Forked)
}

/// Of a box that runs twice both processes believe in their seats: then it is the tickets that count.
fn one_process_may_sell(_: &Theatre, state: &State) -> bool {
    runs_twice(state)
        || (0..SEATS.len()).all(|seat| {
            let may_sell = |node: &&Node| node.standing == Standing::Open && node.memory.sellable[seat];
            let overridden = state.nodes.iter().any(|node| node.memory.settled[seat]);
            overridden || state.nodes.iter().filter(may_sell).count() <= 1
        })
}

fn copies_are_prefixes(_: &Theatre, state: &State) -> bool {
    let [central, edge] = &state.nodes[..] else { return true };
    let holds = |copy: &Node, writer: &Node| writer.forgot || copy.memory.peer.is_prefix_of(&writer.disk.own);
    holds(central, edge) && holds(edge, central)
}

fn order_does_not_matter(_: &Theatre, state: &State) -> bool {
    !state.nodes.iter().any(|node| node.memory.order_matters())
}

fn equal_logs_make_equal_states(_: &Theatre, state: &State) -> bool {
    let central = &state.nodes[CENTRAL].memory;
    state.nodes.iter().skip(EDGE).all(|node| {
        let edge = &node.memory;
        central.own != edge.peer || central.peer != edge.own || central.ledger.digest() == edge.ledger.digest()
    })
}

fn nothing_is_refused(_: &Theatre, state: &State) -> bool {
    runs_twice(state)
        || state.nodes.iter().any(|node| node.forgot)
        || state.nodes.iter().all(|node| node.memory.refused == 0)
}

/// Without further faults both sides come to be open and equal; a box that runs twice is found out.
fn everything_heals(theatre: &Theatre, state: &State) -> bool {
    let healed = theatre.heal(state);
    if runs_twice(state) {
        return healed.nodes.iter().any(|node| node.standing == Standing::Forked);
    }
    let witnessed = healed.witness.as_ref().is_none_or(|log| *log == healed.nodes[EDGE].disk.own);
    all_equal(&healed) && witnessed
}

/// Both open, at rest and with the same logs.
fn all_equal(state: &State) -> bool {
    let [central, edge] = &state.nodes[..] else { return false };
    central.standing == Standing::Open
        && edge.standing == Standing::Open
        && central.is_durable()
        && edge.is_durable()
        && central.disk.own == edge.disk.peer
        && central.disk.peer == edge.disk.own
}

fn runs_twice(state: &State) -> bool {
    state.nodes.len() > EDGE + 1
}

fn any_seat(state: &State, is: impl Fn(Seat) -> bool) -> bool {
    let mut shows = state.nodes.iter().filter_map(|node| node.disk.ledger.show(SHOW));
    shows.any(|show| show.touched().any(|(_, seat)| is(seat)))
}
