//! Both sides of a discrepancy as plain facts, told when it is found, with what a person might do about it.

use super::StoredLogs;
use crate::store::{Sql, StoreError};
use crate::values;
use serde_json::{Value, json};
use shared::entry::{Entry, Fact, Head, SoldSeat, TicketRef};
use shared::ids::{SeatId, ShowNumber, TheatreId};
use shared::ledger::Conflict;
use shared::seating::SeatingPlan;
use sync_protocol::log::EntrySource;
use sync_protocol::replica::{Discrepancy, DiscrepancyKind};

/// What a person might do about a discrepancy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proposal {
    /// Two tickets for one seat.
    RefundSecond,
    /// A seat whose ticket has turned up.
    FindTicket,
    /// A node that stays closed until persons answer for it.
    TwoPersonsOpen,
    /// Two shows at one time.
    CancelOneShow,
    /// Nothing needs doing.
    None,
}

impl Proposal {
    const ALL: [Self; 5] =
        [Self::RefundSecond, Self::FindTicket, Self::TwoPersonsOpen, Self::CancelOneShow, Self::None];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::RefundSecond => "refund_second",
            Self::FindTicket => "find_ticket",
            Self::TwoPersonsOpen => "two_persons_open",
            Self::CancelOneShow => "cancel_one_show",
            Self::None => "none",
        }
    }

    /// A sentence for the person who settles it.
    pub fn text(self) -> &'static str {
        match self {
            Self::RefundSecond => "Pay the second ticket for the seat back, or seat its holder elsewhere.",
            Self::FindTicket => "Mark the seat sold to the ticket that turned up.",
            Self::TwoPersonsOpen => "Find out which copy is right; two persons then open the node that is closed.",
            Self::CancelOneShow => "Cancel one of the two shows.",
            Self::None => "Nothing has to be done; look at it and settle it.",
        }
    }

    /// The proposal with this code; the last where a later version wrote another.
    pub fn of_code(code: &str) -> Self {
        Self::ALL.into_iter().find(|proposal| proposal.code() == code).unwrap_or(Self::None)
    }
}

/// A discrepancy as a person reads it.
pub(super) struct Story {
    pub(super) kind: &'static str,
    pub(super) ours: Value,
    pub(super) theirs: Value,
    pub(super) proposed: Proposal,
}

/// Tells what was found, from the store as it is now.
pub(super) fn tell(conn: &dyn Sql, theatre: TheatreId, found: &Discrepancy) -> anyhow::Result<Story> {
    let own_head = || own_head(conn, theatre).map(|head| json!({ "head": head }));
    let story = |kind, ours, theirs, proposed| Story { kind, ours, theirs, proposed };
    Ok(match &found.kind {
        DiscrepancyKind::NotApplied(conflict) => {
            let entry = entry_at(conn, theatre, found)?;
            let fact = entry.as_ref().map(|entry| &entry.fact);
            let seats = concerned(fact, conflict);
            let ours = json!({ "conflict": conflict.to_string(), "seats": seats_now(conn, theatre, &seats)? });
            story("not_applied", ours, json!({ "entry": fact.map(plain) }), proposal_for(fact))
        }
        DiscrepancyKind::Fork => {
            let known = StoredLogs::new(conn, theatre).head_at(found.log, found.seq)?;
            let ours = json!({ "log": found.log.word(), "head": known.map(head) });
            let theirs = json!({ "log": found.log.word(), "head": { "seq": found.seq, "hash": "another" } });
            story("fork", ours, theirs, Proposal::TwoPersonsOpen)
        }
        DiscrepancyKind::Digest { cut, own } => {
            let at =
                |digest: u128| json!({ "central": cut.central, "edge": cut.edge, "digest": format!("{digest:032x}") });
            story("digest", at(*own), at(cut.digest), Proposal::TwoPersonsOpen)
        }
        DiscrepancyKind::ShowsOverlap(show) => {
            let (new, others) = overlapping(conn, theatre, *show)?;
            story("shows_overlap", json!({ "shows": others }), json!({ "show": new }), Proposal::CancelOneShow)
        }
        DiscrepancyKind::SeenTooMuch { seen } => {
            story("seen_too_much", own_head()?, json!({ "seen": seen }), Proposal::None)
        }
        DiscrepancyKind::Forgot { memory, head: known } => {
            let theirs = json!({ "remembered_by": memory, "head": head(*known) });
            story("forgot", own_head()?, theirs, Proposal::None)
        }
        DiscrepancyKind::OpenedUnproven { by } => {
            let theirs = json!({ "log": found.log.word(), "seq": found.seq, "opened_by": by });
            story("opened_unproven", own_head()?, theirs, Proposal::None)
        }
        DiscrepancyKind::BeyondCut { fact } => {
            let seats = fact.as_ref().map(seats_of).unwrap_or_default();
            let ours = json!({ "seats": seats_now(conn, theatre, &seats)? });
            let proposed = proposal_for_lost(conn, theatre, fact.as_ref(), &seats)?;
            story("beyond_cut", ours, json!({ "entry": fact.as_ref().map(plain) }), proposed)
        }
        DiscrepancyKind::SetAside { fact } => {
            let seats = fact.as_ref().map(seats_of).unwrap_or_default();
            let theirs = json!({ "seats": seats_now(conn, theatre, &seats)? });
            let proposed = proposal_for_lost(conn, theatre, fact.as_ref(), &seats)?;
            story("set_aside", json!({ "entry": fact.as_ref().map(plain) }), theirs, proposed)
        }
        DiscrepancyKind::Clone { boot } => {
            story("clone", own_head()?, json!({ "boot": format!("{boot:016x}") }), Proposal::TwoPersonsOpen)
        }
        DiscrepancyKind::TicketFoundLate { ticket } => {
            let ours = json!({ "seats": [seat_now(conn, theatre, ticket.show, ticket.seat)?] });
            story("ticket_found_late", ours, json!({ "ticket": plain_ticket(ticket) }), Proposal::RefundSecond)
        }
    })
}

fn entry_at(conn: &dyn Sql, theatre: TheatreId, found: &Discrepancy) -> anyhow::Result<Option<Entry>> {
    let logs = StoredLogs::new(conn, theatre);
    if logs.head_at(found.log, found.seq)?.is_none() {
        return Ok(None);
    }
    let entries = logs.entries(found.log, found.seq, 0)?;
    Ok(entries.first().and_then(|bytes| Entry::decode(bytes).ok()))
}

fn proposal_for(fact: Option<&Fact>) -> Proposal {
    match fact {
        Some(Fact::Sold { .. } | Fact::TicketFound { .. }) => Proposal::RefundSecond,
        Some(Fact::ShowAdded(_)) => Proposal::CancelOneShow,
        _ => Proposal::None,
    }
}

/// A sale that no log has any more: its seat may still be nobody's.
fn proposal_for_lost(
    conn: &dyn Sql,
    theatre: TheatreId,
    fact: Option<&Fact>,
    seats: &[(ShowNumber, SeatId)],
) -> Result<Proposal, StoreError> {
    let proposed = proposal_for(fact);
    if proposed != Proposal::RefundSecond {
        return Ok(proposed);
    }
    for (show, seat) in seats {
        if seat_now(conn, theatre, *show, *seat)?["standing"] != "unknown" {
            return Ok(Proposal::RefundSecond);
        }
    }
    Ok(Proposal::FindTicket)
}

fn concerned(fact: Option<&Fact>, conflict: &Conflict) -> Vec<(ShowNumber, SeatId)> {
    match conflict {
        Conflict::Seat(show, seat)
        | Conflict::Standing(show, seat)
        | Conflict::Epoch { show, seat, .. }
        | Conflict::Generation { show, seat, .. } => vec![(*show, *seat)],
        _ => fact.map(seats_of).unwrap_or_default(),
    }
}

fn seats_of(fact: &Fact) -> Vec<(ShowNumber, SeatId)> {
    match fact {
        Fact::Sold { show, seats, .. } => seats.iter().map(|sold| (*show, sold.seat)).collect(),
        Fact::TicketFound { show, seat, .. } => vec![(*show, seat.seat)],
        Fact::SeatReleased { show, seat, .. } => vec![(*show, *seat)],
        Fact::Voided(at)
        | Fact::VoidRequested(at)
        | Fact::VoidAccepted(at)
        | Fact::VoidRefused(at)
        | Fact::Admitted { ticket: at, .. } => vec![(at.show, at.seat)],
        _ => Vec::new(),
    }
}

fn seats_now(conn: &dyn Sql, theatre: TheatreId, seats: &[(ShowNumber, SeatId)]) -> Result<Vec<Value>, StoreError> {
    seats.iter().map(|(show, seat)| seat_now(conn, theatre, *show, *seat)).collect()
}

fn seat_now(conn: &dyn Sql, theatre: TheatreId, show: ShowNumber, seat: SeatId) -> Result<Value, StoreError> {
    let known = conn.first(
        "SELECT standing, epoch, generation, ticket FROM ledger_seat WHERE theatre = ?1 AND show = ?2 AND seat = ?3",
        values![theatre.0, show.0, seat.0],
        |row| {
            let ticket = row.get::<Option<[u8; 8]>>(3)?.map(|ticket| shared::ids::TicketId(ticket).to_string());
            Ok(json!({
                "show": show.0, "seat": seat.0, "standing": row.get::<String>(0)?, "epoch": row.get::<u32>(1)?,
                "generation": row.get::<u16>(2)?, "ticket": ticket,
            }))
        },
    )?;
    // A seat without a row is as its show's opening split left it.
    let mut told = known.unwrap_or_else(|| json!({ "show": show.0, "seat": seat.0, "standing": "free" }));
    if let Some((title, label)) = printed(conn, theatre, show, seat)? {
        told["title"] = title.into();
        told["label"] = label.into();
    }
    Ok(told)
}

/// What people call a seat: its show's title and its own label. Nothing where the show or its plan is not known.
fn printed(
    conn: &dyn Sql,
    theatre: TheatreId,
    show: ShowNumber,
    seat: SeatId,
) -> Result<Option<(String, String)>, StoreError> {
    let known = conn.first(
        "SELECT s.title, p.plan FROM ledger_show s JOIN ledger_plan p ON p.theatre = s.theatre AND p.screen = s.screen
             WHERE s.theatre = ?1 AND s.show = ?2 ORDER BY p.version DESC LIMIT 1",
        values![theatre.0, show.0],
        |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)),
    )?;
    // Seats keep their labels over the versions of a plan.
    let plan = known.and_then(|(title, plan)| Some((title, serde_json::from_str::<SeatingPlan>(&plan).ok()?)));
    Ok(plan.and_then(|(title, plan)| Some((title, plan.seat(seat)?.label()))))
}

fn overlapping(conn: &dyn Sql, theatre: TheatreId, show: ShowNumber) -> Result<(Value, Vec<Value>), StoreError> {
    let select = "SELECT o.show, o.screen, o.title, o.starts, o.ends FROM ledger_show s
         JOIN ledger_show o ON o.theatre = s.theatre AND o.screen = s.screen AND o.starts < s.ends AND s.starts < o.ends
         WHERE s.theatre = ?1 AND s.show = ?2 AND (o.cancelled = 0 OR o.show = s.show) ORDER BY o.show";
    let shows = conn.all(select, values![theatre.0, show.0], |row| {
        let number: u32 = row.get(0)?;
        let view = json!({
            "show": number, "screen": row.get::<u8>(1)?, "title": row.get::<String>(2)?,
            "starts": row.get::<i64>(3)?, "ends": row.get::<i64>(4)?,
        });
        Ok((number, view))
    })?;
    let (mut new, mut others) = (Value::Null, Vec::new());
    for (number, view) in shows {
        if number == show.0 { new = view } else { others.push(view) }
    }
    Ok((new, others))
}

fn own_head(conn: &dyn Sql, theatre: TheatreId) -> Result<Value, StoreError> {
    let known = conn.first(
        "SELECT own_incarnation, own_seq, own_hash FROM ledger_head WHERE theatre = ?1",
        values![theatre.0],
        |row| {
            Ok(Head {
                incarnation: shared::ids::Incarnation(u64::from_be_bytes(row.get(0)?)),
                seq: row.get::<i64>(1)?.cast_unsigned(),
                hash: shared::entry::Hash(row.get(2)?),
            })
        },
    )?;
    Ok(known.map(head).unwrap_or_default())
}

fn head(head: Head) -> Value {
    let Head { incarnation, seq, hash } = head;
    json!({ "incarnation": incarnation.to_string(), "seq": seq, "hash": hash.to_string() })
}

fn plain(fact: &Fact) -> Value {
    let sold = |seat: &SoldSeat| {
        let SoldSeat { seat, epoch, generation, ticket, price } = seat;
        json!({
            "seat": seat.0, "epoch": epoch, "generation": generation, "ticket": ticket.to_string(), "price_minor": price,
        })
    };
    let what = match fact {
        Fact::Sold { show, booking, seats, .. } => json!({
            "show": show.0, "booking": booking.to_string(), "seats": seats.iter().map(sold).collect::<Vec<_>>(),
        }),
        Fact::TicketFound { show, booking, seat } => {
            json!({ "show": show.0, "booking": booking.to_string(), "seats": [sold(seat)] })
        }
        Fact::Voided(at) | Fact::VoidRequested(at) | Fact::VoidAccepted(at) | Fact::VoidRefused(at) => plain_ticket(at),
        Fact::Admitted { ticket: at, at: when, door } => {
            json!({ "ticket": plain_ticket(at), "at": when.0, "door": door })
        }
        Fact::KeyRevoked { key } | Fact::BoxReplaced { key } => json!({ "key": key.to_string() }),
        other => serde_json::to_value(other).unwrap_or_default(),
    };
    json!({ "fact": fact.kind(), "what": what })
}

fn plain_ticket(at: &TicketRef) -> Value {
    let TicketRef { show, seat, generation, ticket } = at;
    json!({ "show": show.0, "seat": seat.0, "generation": generation, "ticket": ticket.to_string() })
}
