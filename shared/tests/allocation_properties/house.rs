//! A theatre with one show whose two sides always know everything of each other.

use shared::allocation::{Policy, due_handover, opening_split};
use shared::entry::{Entry, Fact, SeatsAtEpoch, ShowFacts};
use shared::ids::{BookingId, HoldId, MovieId, RequestId, ScreenId, SeatId, ShowNumber, Side, TicketId};
use shared::ledger::{HoldKind, HoldTimes, Ledger};
use shared::money::Currency;
use shared::seating::{Row, SeatRun, SeatingPlan};
use shared::show::{PlanIndex, Show, Standing};
use shared::time::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;

const SHOW: ShowNumber = ShowNumber(1);
const STARTS_MIN: u32 = 10_000;
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const SIDES: [Side; 2] = [Side::Central, Side::Edge];

pub(crate) fn before_start(time: Duration) -> Timestamp {
    Timestamp::from_minutes(STARTS_MIN) - time
}

/// Who has all seats of the opening split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    Quota,
    Rush,
    AllEdge,
}

/// Both sides of one show, always told everything.
pub(crate) struct House {
    pub(crate) ledgers: [Ledger; 2],
    next: u64,
    /// Seats that a handover of the allocation moved.
    pub(crate) moved: usize,
    /// Handovers of the allocation.
    pub(crate) handovers: usize,
}

/// Rows of `n` seats in a category, with an aisle in the middle of long ones.
fn plan(rows: &[(u16, u8)]) -> SeatingPlan {
    let mut first = 1;
    let mut run = |number, count, category, gap| {
        let run = SeatRun { first: SeatId(first), number, count, category, gap, accessible: false };
        first += u32::from(count);
        run
    };
    let rows = rows.iter().enumerate().map(|(i, (count, category))| {
        let left = if *count > 8 { count / 2 } else { *count };
        let right = count - left;
        let mut runs = vec![run(1, left, *category, 0)];
        runs.extend((right > 0).then(|| run(left + 1, right, *category, 1)));
        Row { label: char::from(b'A' + u8::try_from(i).expect("few rows")).to_string(), runs }
    });
    SeatingPlan { version: 1, categories: vec!["Silver".into(), "Gold".into()], rows: rows.collect() }
}

impl House {
    pub(crate) fn new(rows: &[(u16, u8)], opening: Opening) -> Self {
        let plan = plan(rows);
        let index = PlanIndex::new(plan.clone());
        let edge_seats = match opening {
            Opening::Quota => opening_split(&index, Policy::default()),
            Opening::Rush => opening_split(&index, Policy::default().on_sale_rush()),
            Opening::AllEdge => SeatsAtEpoch::pack(index.seats().map(|(id, _)| (id, 1))),
        };
        let facts = ShowFacts {
            number: SHOW,
            screen: ScreenId(1),
            movie: MovieId(1),
            title: "Sholay".into(),
            starts: STARTS_MIN,
            ends: STARTS_MIN + 200,
            plan: 1,
            currency: Currency::INR,
            prices: vec![15_000, 22_000],
            edge_seats,
        };
        let SeatingPlan { categories, rows, .. } = plan;
        let mut house = Self { ledgers: SIDES.map(Ledger::new), next: 0, moved: 0, handovers: 0 };
        house.write(
            Side::Central,
            &Fact::PlanPublished { screen: ScreenId(1), version: 1, categories, rows, complete: true },
        );
        house.write(Side::Central, &Fact::ShowAdded(facts));
        house
    }

    fn ledger(&mut self, side: Side) -> &mut Ledger {
        &mut self.ledgers[usize::from(side == Side::Edge)]
    }

    pub(crate) fn show(&self) -> &Show {
        self.ledgers[0].show(SHOW).expect("the show")
    }

    fn write(&mut self, writer: Side, fact: &Fact) {
        let seq = self.number();
        let entry = Entry { at: before_start(3 * HOUR), seen: seq, fact: fact.clone() };
        for ledger in &mut self.ledgers {
            ledger.apply(writer, seq, &entry).expect("what was decided applies");
        }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(crate) fn hold(&mut self, side: Side, seats: &[SeatId]) -> Option<HoldId> {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.number().to_be_bytes());
        let now = before_start(3 * HOUR);
        let (hold, times) = (HoldId(id), HoldTimes::WEB);
        self.ledger(side).place_hold(hold, SHOW, seats, HoldKind::Web, times, now).ok().map(|hold| hold.id)
    }

    pub(crate) fn release_all(&mut self, side: Side) {
        let holds: Vec<HoldId> = self.ledger(side).holds().map(|hold| hold.id).collect();
        for hold in holds {
            self.ledger(side).release_hold(hold);
        }
    }

    pub(crate) fn sell(&mut self, side: Side, seats: &[SeatId]) -> bool {
        let Some(hold) = self.hold(side, seats) else { return false };
        let first = self.number() << 16;
        let mut tickets = first..;
        let ticket = || TicketId(tickets.next().expect("endless").to_be_bytes());
        let now = before_start(3 * HOUR);
        let sold = self.ledger(side).sell(hold, BookingId([0; 16]), RequestId([0; 8]), ticket, now);
        self.write(side, &sold.expect("just held").0);
        self.ledger(side).release_hold(hold);
        true
    }

    /// Ends a seat's ticket and frees the seat, as far as it takes.
    pub(crate) fn refund(&mut self, seat: SeatId) {
        let Some(at) = self.show().seat(seat) else { return };
        let Standing::Sold(ticket) = at.standing else { return };
        let side = at.authority();
        let asked = self.ledger(side).void(ticket).expect("a live ticket of this side");
        self.write(side, &asked);
        if side == Side::Central {
            let accepted = self.ledger(Side::Edge).answer_void(ticket).expect("not used");
            self.write(Side::Edge, &accepted);
        }
        let released = self.ledger(side).release_seat(SHOW, seat).expect("void");
        self.write(side, &released);
    }

    /// A claim: the other side gives the seat, whatever its own stock.
    pub(crate) fn claim(&mut self, side: Side, seat: SeatId) -> bool {
        let now = before_start(3 * HOUR);
        let given = self.ledger(side.peer()).hand_over(SHOW, &[seat], None, now);
        given.is_ok_and(|(fact, _)| {
            self.write(side.peer(), &fact);
            true
        })
    }

    pub(crate) fn withhold(&mut self, side: Side, seat: SeatId) {
        let now = before_start(3 * HOUR);
        if let Ok(fact) = self.ledger(side).withhold(SHOW, &[seat], true, now) {
            self.write(side, &fact);
        }
    }

    /// One run of one side: what it gave.
    pub(crate) fn allocate(&mut self, side: Side, away: Duration, room: usize, now: Timestamp) -> BTreeSet<SeatId> {
        let ledger = &self.ledgers[usize::from(side == Side::Edge)];
        let show = ledger.show(SHOW).expect("the show");
        let given = due_handover(ledger, show, Policy::default(), away, room, now);
        assert!(given.len() <= room);
        if !given.is_empty() {
            let seats: Vec<SeatId> = given.iter().copied().collect();
            let (fact, yielded) = ledger.hand_over(SHOW, &seats, None, now).expect("own free seats");
            assert_eq!(yielded, [], "held seats do not go");
            self.write(side, &fact);
            (self.moved, self.handovers) = (self.moved + given.len(), self.handovers + 1);
        }
        given
    }

    /// Lets both sides run in turn until neither has anything to give; how many turns it took.
    pub(crate) fn settle(&mut self, away: [Duration; 2], room: usize, now: Timestamp) -> usize {
        (self.moved, self.handovers) = (0, 0);
        let mut idle = 0;
        for turn in 0..2_000 {
            let side = SIDES[turn % 2];
            let given = self.allocate(side, away[turn % 2], room, now);
            idle = if given.is_empty() { idle + 1 } else { 0 };
            if idle == 2 {
                return turn + 1;
            }
        }
        panic!("the seats go to and fro for ever");
    }

    pub(crate) fn free(&self, side: Side) -> BTreeSet<SeatId> {
        let show = self.ledgers[usize::from(side == Side::Edge)].show(SHOW).expect("the show");
        let mine = |id| show.seat(id).is_some_and(|at| at.standing == Standing::Free && at.authority() == side);
        show.plan.seats().map(|(id, _)| id).filter(|id| mine(*id) && show.held_by(*id).is_none()).collect()
    }

    /// Free seats of a side without a free neighbour of the same side.
    pub(crate) fn lone(&self, side: Side) -> BTreeSet<SeatId> {
        let free = self.free(side);
        let seat = |id| self.show().plan.seat(id).expect("planned");
        let beside = |a: SeatId, b: SeatId| {
            let (a, b) = (seat(a), seat(b));
            (a.row_index, a.category) == (b.row_index, b.category) && a.column.abs_diff(b.column) == 1
        };
        free.iter().copied().filter(|id| !free.iter().any(|other| beside(*id, *other))).collect()
    }

    pub(crate) fn authority(&self, seat: SeatId) -> Side {
        self.show().seat(seat).expect("planned").authority()
    }
}
