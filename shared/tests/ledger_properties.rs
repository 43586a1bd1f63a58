//! The ledger's fold: independent of the order in which the two logs arrive, and equal to its replay.

use proptest::prelude::*;
use shared::entry::{Entry, Fact, SeatsAtEpoch, ShowFacts};
use shared::ids::{BookingId, HoldId, MovieId, RequestId, ScreenId, SeatId, ShowNumber, Side, TicketId};
use shared::ledger::{HoldKind, HoldTimes, Ledger};
use shared::money::Currency;
use shared::seating::{Row, SeatRun};
use shared::time::Timestamp;

const SHOW: ShowNumber = ShowNumber(1);
const NOW: Timestamp = Timestamp(0);

/// What a side tries. Most attempts are refused; what is decided is written.
#[derive(Debug, Clone)]
enum Attempt {
    Sell(Side, u32),
    HandOver(Side, u32),
    Void(Side, u32),
    Answer(u32),
    Release(Side, u32),
    Admit(u32),
    Withhold(Side, u32, bool),
    /// The side applies up to n more entries of the other log.
    Hear(Side, u8),
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let side = prop_oneof![Just(Side::Central), Just(Side::Edge)];
    let seat = 1..9u32;
    (side, seat, 0..10u8, 1..5u8, any::<bool>()).prop_map(|(side, seat, what, n, on)| match what {
        0 | 1 => Attempt::Sell(side, seat),
        2 => Attempt::HandOver(side, seat),
        3 => Attempt::Void(side, seat),
        4 => Attempt::Answer(seat),
        5 => Attempt::Release(side, seat),
        6 => Attempt::Admit(seat),
        7 => Attempt::Withhold(side, seat, on),
        _ => Attempt::Hear(side, n),
    })
}

struct Node {
    ledger: Ledger,
    log: Vec<(usize, Fact)>,
    /// How much of the other log is applied here.
    heard: usize,
}

impl Node {
    fn new(side: Side, birth: &[Fact]) -> Self {
        let mut ledger = Ledger::new(side);
        for (n, fact) in birth.iter().enumerate() {
            ledger.apply(Side::Central, n as u64 + 1, &entry(0, fact)).expect("birth");
        }
        Self { ledger, log: Vec::new(), heard: 0 }
    }

    /// The number of the log's entry at this place of the attempts; central's log begins with the birth.
    fn number(&self, at: usize) -> u64 {
        at as u64 + if self.ledger.side() == Side::Central { 3 } else { 1 }
    }

    /// How much of the other log is seen, by number.
    fn seen(&self) -> u64 {
        self.heard as u64 + if self.ledger.side() == Side::Central { 0 } else { 2 }
    }

    fn write(&mut self, fact: Fact) {
        let seq = self.number(self.log.len());
        self.ledger.apply(self.ledger.side(), seq, &entry(self.seen(), &fact)).expect("what was decided applies");
        self.log.push((self.heard, fact));
    }
}

fn entry(seen: u64, fact: &Fact) -> Entry {
    Entry { at: NOW, seen, fact: fact.clone() }
}

fn birth() -> Vec<Fact> {
    let run = SeatRun { first: SeatId(1), number: 1, count: 8, category: 0, gap: 0, accessible: false };
    let rows = vec![Row { label: "A".into(), runs: vec![run] }];
    let facts = ShowFacts {
        number: SHOW,
        screen: ScreenId(1),
        movie: MovieId(1),
        title: "Sholay".into(),
        starts: 100,
        ends: 300,
        plan: 1,
        currency: Currency::INR,
        prices: vec![15_000],
        edge_seats: vec![SeatsAtEpoch { first: SeatId(5), count: 4, epoch: 1 }],
    };
    let categories = vec!["Silver".into()];
    vec![
        Fact::PlanPublished { screen: ScreenId(1), version: 1, categories, rows, complete: true },
        Fact::ShowAdded(facts),
    ]
}

/// Both nodes after the attempts.
fn play(attempts: &[Attempt]) -> [Node; 2] {
    let mut nodes = [Node::new(Side::Central, &birth()), Node::new(Side::Edge, &birth())];
    let mut next = 0u64;
    for attempt in attempts {
        next += 1;
        let at = |side: &Side| if *side == Side::Central { 0 } else { 1 };
        let ticket_of = |node: &Node, seat: u32| {
            node.ledger.tickets().filter(|ticket| ticket.at.seat == SeatId(seat)).map(|ticket| ticket.at).last()
        };
        let decided = match attempt {
            Attempt::Sell(side, seat) => {
                let node = &mut nodes[at(side)];
                let mut id = [0; 16];
                id[..8].copy_from_slice(&next.to_be_bytes());
                let (hold, kind) = (HoldId(id), HoldKind::Web);
                let held = node.ledger.place_hold(hold, SHOW, &[SeatId(*seat)], kind, HoldTimes::WEB, NOW);
                let ticket = TicketId(next.to_be_bytes());
                let sold = held.and_then(|_| {
                    node.ledger.sell(hold, BookingId([0; 16]), RequestId([0; 8]), || ticket, NOW).map(|(fact, _)| fact)
                });
                node.ledger.release_hold(hold);
                (at(side), sold.ok())
            }
            Attempt::HandOver(side, seat) => (
                at(side),
                nodes[at(side)].ledger.hand_over(SHOW, &[SeatId(*seat)], None, NOW).ok().map(|(fact, _)| fact),
            ),
            Attempt::Void(side, seat) => {
                let node = &nodes[at(side)];
                (at(side), ticket_of(node, *seat).and_then(|at| node.ledger.void(at.ticket).ok()))
            }
            Attempt::Answer(seat) => {
                (1, ticket_of(&nodes[1], *seat).and_then(|at| nodes[1].ledger.answer_void(at.ticket).ok()))
            }
            Attempt::Release(side, seat) => (at(side), nodes[at(side)].ledger.release_seat(SHOW, SeatId(*seat)).ok()),
            // The door may meet central's ticket before its entry arrived.
            Attempt::Admit(seat) => {
                let at = ticket_of(&nodes[0], *seat).or_else(|| ticket_of(&nodes[1], *seat));
                (1, at.and_then(|at| nodes[1].ledger.admit(at, NOW, "Door A".into()).ok()))
            }
            Attempt::Withhold(side, seat, on) => {
                (at(side), nodes[at(side)].ledger.withhold(SHOW, &[SeatId(*seat)], *on, NOW).ok())
            }
            Attempt::Hear(side, n) => {
                hear(&mut nodes, at(side), usize::from(*n));
                continue;
            }
        };
        if let (node, Some(fact)) = decided {
            nodes[node].write(fact);
        }
    }
    nodes
}

fn hear(nodes: &mut [Node; 2], me: usize, n: usize) {
    let from = nodes[me].heard;
    let facts: Vec<_> = nodes[1 - me].log.iter().skip(from).take(n).cloned().collect();
    for (seen, fact) in facts {
        // `seen` is always satisfied already: nobody forgets here.
        assert!(seen <= nodes[me].log.len());
        let writer = nodes[1 - me].ledger.side();
        let (seq, seen) = (nodes[1 - me].number(nodes[me].heard), nodes[me].number(seen) - 1);
        nodes[me].ledger.apply(writer, seq, &entry(seen, &fact)).expect("an honest peer's entry applies");
        nodes[me].heard += 1;
    }
}

/// One causal order of both logs, as a third node would fold them.
fn fold_causally(nodes: &[Node; 2], prefer: usize) -> Ledger {
    let mut ledger = Node::new(Side::Central, &birth()).ledger;
    let mut done = [0, 0];
    while done[0] + done[1] < nodes[0].log.len() + nodes[1].log.len() {
        let ready = |me: usize| nodes[me].log.get(done[me]).is_some_and(|(seen, _)| *seen <= done[1 - me]);
        let me = if ready(prefer) { prefer } else { 1 - prefer };
        assert!(ready(me), "the logs have a causal order");
        let (seen, fact) = &nodes[me].log[done[me]];
        let (seq, seen) = (nodes[me].number(done[me]), nodes[1 - me].number(*seen) - 1);
        ledger.apply(nodes[me].ledger.side(), seq, &entry(seen, fact)).expect("applies");
        done[me] += 1;
    }
    ledger
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn both_sides_agree_whatever_the_order_of_arrival(attempts in prop::collection::vec(attempt(), 1..120)) {
        let mut nodes = play(&attempts);
        hear(&mut nodes, 0, usize::MAX);
        hear(&mut nodes, 1, usize::MAX);
        prop_assert_eq!(nodes[0].ledger.digest(), nodes[1].ledger.digest());
        for prefer in [0, 1] {
            prop_assert_eq!(fold_causally(&nodes, prefer).digest(), nodes[0].ledger.digest());
        }
    }

    #[test]
    fn a_seat_and_generation_has_at_most_one_ticket_over_both_logs(attempts in prop::collection::vec(attempt(), 1..120)) {
        let nodes = play(&attempts);
        let mut sold = std::collections::BTreeSet::new();
        for (_, fact) in nodes.iter().flat_map(|node| &node.log) {
            if let Fact::Sold { seats, .. } = fact {
                for line in seats {
                    prop_assert!(sold.insert((line.seat, line.generation)), "seat {} sold twice", line.seat);
                }
            }
        }
    }

    #[test]
    fn no_seat_is_released_before_its_void_is_accepted(attempts in prop::collection::vec(attempt(), 1..120)) {
        let nodes = play(&attempts);
        for (me, node) in nodes.iter().enumerate() {
            for (i, (seen, fact)) in node.log.iter().enumerate() {
                let Fact::SeatReleased { seat, generation, .. } = fact else { continue };
                let known = node.log[..i].iter().chain(&nodes[1 - me].log[..*seen]);
                let ended = known.filter(|(_, fact)| matches!(fact,
                    Fact::Voided(at) | Fact::VoidAccepted(at) if at.seat == *seat && at.generation == *generation));
                prop_assert_eq!(ended.count(), 1);
            }
        }
    }
}
