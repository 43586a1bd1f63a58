//! Reading a replica back at start.

use crate::store::{Row, Sql, StoreError};
use crate::values;
use anyhow::{Context, bail};
use shared::entry::{Hash, Head, ShowFacts, TicketRef};
use shared::ids::{BookingId, HoldId, Incarnation, KeyId, ScreenId, SeatId, ShowNumber, Side, TheatreId, TicketId};
use shared::ledger::{Admission, Hold, HoldKind, LedgerSnapshot, ShowRecord, Ticket, TicketSale, VoidAnswer};
use shared::show::{Seat, Standing};
use shared::time::Timestamp;
use sync_protocol::log::StoredEntry;
use sync_protocol::replica::{Closed, Heads, Snapshot};

/// Everything kept of a theatre; the empty snapshot for one never seen.
///
/// # Errors
/// A store failure, or a row that this program cannot have written.
pub fn load(conn: &dyn Sql, theatre: TheatreId, me: Side) -> anyhow::Result<Snapshot> {
    let id = i64::from(theatre.0);
    let heads = heads(conn, id).with_context(|| format!("read the heads of theatre {theatre}"))?;
    let ledger = ledger(conn, id).with_context(|| format!("read the state of theatre {theatre}"))?;
    let unacknowledged = conn
        .all(
            "SELECT seq, bytes FROM ledger_entry WHERE theatre = ?1 AND log = ?2 AND seq > ?3 ORDER BY seq",
            values![id, me.word(), heads.acked.cast_signed()],
            |row| Ok((row.get::<i64>(0)?.cast_unsigned(), row.get(1)?)),
        )
        .with_context(|| format!("read the outbox of theatre {theatre}"))?;
    let aside = aside(conn, id, me).with_context(|| format!("read what theatre {theatre} set aside"))?;
    Ok(Snapshot { ledger, heads, unacknowledged, aside, ..Snapshot::default() })
}

fn heads(conn: &dyn Sql, theatre: i64) -> anyhow::Result<Heads> {
    let read = |row: &dyn Row| {
        let head = |at: usize| {
            Ok::<_, StoreError>(Head {
                incarnation: Incarnation(u64::from_be_bytes(row.get(at)?)),
                seq: row.get::<i64>(at + 1)?.cast_unsigned(),
                hash: Hash(row.get(at + 2)?),
            })
        };
        let acked = row.get::<i64>(6)?.cast_unsigned();
        Ok((head(0)?, head(3)?, acked, row.get::<Option<String>>(7)?, row.get::<String>(8)?))
    };
    let row = conn.first("SELECT own_incarnation, own_seq, own_hash, peer_incarnation, peer_seq, peer_hash, acked, closed, recovery FROM ledger_head WHERE theatre = ?1", values![theatre], read)?;
    let Some((own, peer, acked, closed, recovery)) = row else { return Ok(Heads::default()) };
    let recovery = serde_json::from_str(&recovery).context("what recovery remembers")?;
    let closed =
        closed.map(|code| serde_json::from_value::<Closed>(code.into())).transpose().context("the closed reason")?;
    Ok(Heads { own, peer, acked, closed, recovery })
}

fn aside(conn: &dyn Sql, theatre: i64, me: Side) -> Result<Vec<StoredEntry>, StoreError> {
    conn.all(
        "SELECT seq, incarnation, hash, bytes, at FROM ledger_aside WHERE theatre = ?1 ORDER BY n",
        values![theatre],
        |row| {
            Ok(StoredEntry {
                log: me,
                seq: row.get::<i64>(0)?.cast_unsigned(),
                incarnation: Incarnation(u64::from_be_bytes(row.get(1)?)),
                hash: Hash(row.get(2)?),
                bytes: row.get(3)?,
                at: Timestamp(row.get(4)?),
            })
        },
    )
}

fn ledger(conn: &dyn Sql, theatre: i64) -> anyhow::Result<LedgerSnapshot> {
    let mut snapshot = LedgerSnapshot::default();
    let of_theatre = values![theatre];
    let plans = conn.all("SELECT screen, plan FROM ledger_plan WHERE theatre = ?1", of_theatre, |row| {
        Ok((row.get::<u8>(0)?, row.get::<String>(1)?))
    })?;
    for (screen, plan) in plans {
        snapshot.plans.push((ScreenId(screen), serde_json::from_str(&plan).context("a seating plan")?));
    }
    let parts =
        conn.all("SELECT screen, version, parts FROM ledger_plan_part WHERE theatre = ?1", of_theatre, |row| {
            Ok((row.get(0)?, row.get(1)?, row.get::<String>(2)?))
        })?;
    for (screen, version, json) in parts {
        let parts = serde_json::from_str(&json).context("a part of a seating plan")?;
        snapshot.plan_parts.push((ScreenId(screen), version, parts));
    }
    let shows =
        conn.all("SELECT facts, cancelled, \"overlaps\" FROM ledger_show WHERE theatre = ?1", of_theatre, |row| {
            Ok((row.get::<Vec<u8>>(0)?, row.get(1)?, row.get(2)?))
        })?;
    for (facts, cancelled, overlaps) in shows {
        let facts: ShowFacts = postcard::from_bytes(&facts).context("a show's facts")?;
        snapshot.shows.push(ShowRecord { facts, cancelled, overlaps });
    }
    let seats = "SELECT show, seat, epoch, generation, standing, ticket, doubtful FROM ledger_seat WHERE theatre = ?1";
    let seats = conn.all(seats, of_theatre, |row| {
        let standing = (row.get::<String>(4)?, row.get::<Option<[u8; 8]>>(5)?);
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, standing, row.get(6)?))
    })?;
    for (show, seat, epoch, generation, standing, doubtful) in seats {
        let standing = match (standing.0.as_str(), standing.1) {
            ("free", None) => Standing::Free,
            ("withheld", None) => Standing::Withheld,
            ("unknown", None) => Standing::Unknown,
            ("sold", Some(ticket)) => Standing::Sold(TicketId(ticket)),
            other => bail!("seat {seat} of show {show} stands as {other:?}"),
        };
        snapshot.seats.push((ShowNumber(show), SeatId(seat), Seat { epoch, generation, standing, doubtful }));
    }
    let tickets = conn.all("SELECT * FROM ledger_ticket WHERE theatre = ?1", of_theatre, ticket);
    snapshot.tickets = tickets.context("a ticket")?;
    let holds = "SELECT hold, show, kind, deadline, cap, seats FROM ledger_hold WHERE theatre = ?1";
    let holds = conn.all(holds, of_theatre, |row| {
        let times = (Timestamp(row.get(3)?), Timestamp(row.get(4)?));
        Ok((HoldId(row.get(0)?), ShowNumber(row.get(1)?), row.get::<String>(2)?, times, row.get::<Vec<u8>>(5)?))
    })?;
    for (id, show, kind, (deadline, cap), seats) in holds {
        let kind = match kind.as_str() {
            "counter" => HoldKind::Counter,
            "web" => HoldKind::Web,
            // The claim a tentative hold waited for died with the process: the hold ends at the first look at the clock.
            "tentative" => HoldKind::Tentative,
            "paying" => HoldKind::Paying,
            other => bail!("hold {id} is of kind {other:?}"),
        };
        let seats = postcard::from_bytes(&seats).context("a hold's seats")?;
        let deadline = if kind == HoldKind::Tentative { Timestamp::default() } else { deadline };
        snapshot.holds.push(Hold { id, show, seats, kind, deadline, cap });
    }
    let certificates = "SELECT bytes FROM ledger_certificate WHERE theatre = ?1 ORDER BY n";
    snapshot.certificates = conn.all(certificates, of_theatre, |row| row.get(0))?;
    let marks = "SELECT marks FROM ledger_mark WHERE theatre = ?1";
    if let Some(marks) = conn.first(marks, of_theatre, |row| row.get::<String>(0))? {
        snapshot.marks = serde_json::from_str(&marks).context("where the logs were cut")?;
    }
    let revoked = "SELECT key FROM ledger_revoked_key WHERE theatre = ?1";
    snapshot.revoked = conn.all(revoked, of_theatre, |row| row.get(0).map(KeyId))?;
    Ok(snapshot)
}

fn ticket(row: &dyn Row) -> Result<Ticket, StoreError> {
    let at = TicketRef {
        ticket: TicketId(row.get("ticket")?),
        show: ShowNumber(row.get("show")?),
        seat: SeatId(row.get("seat")?),
        generation: row.get("generation")?,
    };
    let sale = match row.get::<Option<String>>("seller")? {
        None => None,
        Some(word) => Some(TicketSale {
            seller: if word == Side::Central.word() { Side::Central } else { Side::Edge },
            booking: BookingId(row.get("booking")?),
            price: row.get("price")?,
            void_requested: row.get("void_requested")?,
        }),
    };
    let admitted = match row.get::<Option<i64>>("admitted_at")? {
        None => None,
        Some(at) => Some(Admission { at: Timestamp(at), door: row.get("door")? }),
    };
    let answer = row.get::<Option<String>>("answer")?;
    let answer = answer.map(|word| if word == "accepted" { VoidAnswer::Accepted } else { VoidAnswer::Refused });
    Ok(Ticket { at, sale, admitted, answer })
}
