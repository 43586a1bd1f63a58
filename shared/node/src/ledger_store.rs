//! A replica in the store: its entries, heads, materialised state and holds, written in the transaction of whatever caused them.
//!
//! Edge and central keep their replicas in the same tables, so that one checker reads both.

pub mod dead_letter;
pub mod discrepancy;
mod load;
mod put;
mod recovery;
mod story;

use crate::sqlite::Migration;
use crate::store::{Sql, StoreError};
use crate::values;
use anyhow::Context;
use shared::entry::{Hash, Head};
use shared::ids::{Incarnation, Side, TheatreId};
use shared::ledger::{HoldKind, LedgerChanges, VoidAnswer};
use shared::show::Standing;
use sync_protocol::log::{EntrySource, UnreadableLog};
use sync_protocol::replica::{Changes, Heads};

pub use load::load;

/// The tables. Each program puts this first among its migrations.
pub const MIGRATION: Migration = Migration { name: "ledger", sql: include_str!("ledger_store.sql") };

/// Tickets kept by their seat, since a later release.
pub const TICKETS_BY_SEAT: Migration =
    Migration { name: "tickets by seat", sql: include_str!("ledger_store/tickets_by_seat.sql") };

const ADD_ENTRY: &str =
    "INSERT INTO ledger_entry (theatre, log, seq, incarnation, hash, bytes, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// Writes everything a replica's `take_changes` gave.
///
/// # Errors
/// A store failure: the transaction must be rolled back.
pub fn write(tx: &dyn Sql, theatre: TheatreId, changes: Changes) -> anyhow::Result<()> {
    let theatre_column = i64::from(theatre.0);
    if let Some(rewound) = changes.rewound {
        recovery::rewind(tx, theatre, rewound).with_context(|| format!("cut the logs of theatre {theatre} back"))?;
    }
    if let Some(aside) = &changes.aside {
        recovery::set_aside(tx, theatre, aside).with_context(|| format!("set entries of theatre {theatre} aside"))?;
    }
    for entry in &changes.entries {
        let seq = i64::try_from(entry.seq).context("an entry number beyond the store's integers")?;
        let incarnation = entry.incarnation.0.to_be_bytes();
        let (log, hash, bytes, at) = (entry.log.word(), entry.hash.0, &entry.bytes, entry.at.0);
        tx.send(ADD_ENTRY, values![theatre_column, log, seq, incarnation, hash, bytes, at])
            .with_context(|| format!("store entry {seq} of the {} log of theatre {theatre}", entry.log))?;
    }
    write_ledger(tx, theatre, &changes.ledger).with_context(|| format!("store the state of theatre {theatre}"))?;
    if let Some(heads) = changes.heads {
        write_heads(tx, theatre, heads).with_context(|| format!("store the heads of theatre {theatre}"))?;
    }
    for change in &changes.standings {
        recovery::note_standing(tx, theatre, change).with_context(|| format!("note how theatre {theatre} stands"))?;
    }
    for found in &changes.discrepancies {
        discrepancy::keep(tx, theatre, found).with_context(|| format!("list a discrepancy of theatre {theatre}"))?;
    }
    for letter in &changes.dead_letters {
        dead_letter::keep(tx, theatre, letter).with_context(|| format!("keep a dead letter of theatre {theatre}"))?;
    }
    Ok(())
}

fn write_heads(tx: &dyn Sql, theatre: TheatreId, heads: Heads) -> anyhow::Result<()> {
    tx.send(
        put::HEAD,
        values![
            i64::from(theatre.0),
            heads.own.incarnation.0.to_be_bytes(),
            heads.own.seq.cast_signed(),
            heads.own.hash.0,
            heads.peer.incarnation.0.to_be_bytes(),
            heads.peer.seq.cast_signed(),
            heads.peer.hash.0,
            heads.acked.cast_signed(),
            heads.closed.map(sync_protocol::replica::Closed::code),
            serde_json::to_string(&heads.recovery).context("write down what recovery remembers")?,
        ],
    )?;
    Ok(())
}

fn write_ledger(tx: &dyn Sql, theatre: TheatreId, changes: &LedgerChanges) -> anyhow::Result<()> {
    let theatre = i64::from(theatre.0);
    for (screen, plan) in &changes.plans {
        let json = serde_json::to_string(&plan.plan).context("write a seating plan down")?;
        tx.send(
            "INSERT INTO ledger_plan (theatre, screen, version, plan) VALUES (?1, ?2, ?3, ?4)",
            values![theatre, screen.0, plan.plan.version, json],
        )?;
    }
    for (screen, version, parts) in &changes.plan_parts {
        let Some(parts) = parts else {
            tx.send(
                "DELETE FROM ledger_plan_part WHERE theatre = ?1 AND screen = ?2 AND version = ?3",
                values![theatre, screen.0, version],
            )?;
            continue;
        };
        let json = serde_json::to_string(parts).context("write a part of a seating plan down")?;
        tx.send(put::PLAN_PART, values![theatre, screen.0, version, json])?;
    }
    for (number, show) in &changes.shows {
        let Some(show) = show else {
            for table in ["ledger_show", "ledger_seat", "ledger_ticket", "ledger_hold"] {
                tx.send(&format!("DELETE FROM {table} WHERE theatre = ?1 AND show = ?2"), values![theatre, number.0])?;
            }
            continue;
        };
        let facts = &show.facts;
        let bytes = postcard::to_extend(facts, Vec::new()).context("write a show down")?;
        tx.send(
            put::SHOW,
            values![
                theatre,
                number.0,
                facts.screen.0,
                facts.movie.0,
                facts.title,
                facts.starts_at().0,
                facts.ends_at().0,
                show.cancelled,
                show.overlaps,
                bytes
            ],
        )?;
    }
    for (number, seat, state) in &changes.seats {
        let (standing, ticket) = match state.standing {
            Standing::Free => ("free", None),
            Standing::Sold(ticket) => ("sold", Some(ticket.0)),
            Standing::Withheld => ("withheld", None),
            Standing::Unknown => ("unknown", None),
        };
        tx.send(
            put::SEAT,
            values![theatre, number.0, seat.0, state.epoch, state.generation, standing, ticket, state.doubtful],
        )?;
    }
    for ticket in &changes.tickets {
        let (at, sale, admitted) = (ticket.at, ticket.sale, ticket.admitted.as_ref());
        let answer = ticket.answer.map(|answer| match answer {
            VoidAnswer::Accepted => "accepted",
            VoidAnswer::Refused => "refused",
        });
        tx.send(
            put::TICKET,
            values![
                theatre,
                at.ticket.0,
                at.show.0,
                at.seat.0,
                at.generation,
                sale.map(|sale| sale.seller.word()),
                sale.map(|sale| sale.booking.0),
                sale.map(|sale| sale.price),
                sale.is_some_and(|sale| sale.void_requested),
                answer,
                admitted.map(|admitted| admitted.at.0),
                admitted.map(|admitted| admitted.door.as_str()),
            ],
        )?;
    }
    for (id, hold) in &changes.holds {
        let Some(hold) = hold else {
            tx.send("DELETE FROM ledger_hold WHERE theatre = ?1 AND hold = ?2", values![theatre, id.0])?;
            continue;
        };
        let seats = postcard::to_extend(&hold.seats, Vec::new()).context("write a hold down")?;
        tx.send(
            put::HOLD,
            values![theatre, id.0, hold.show.0, hold_kind_word(hold.kind), hold.deadline.0, hold.cap.0, seats],
        )?;
    }
    for certificate in &changes.certificates {
        tx.send("INSERT INTO ledger_certificate (theatre, bytes) VALUES (?1, ?2)", values![theatre, certificate])?;
    }
    if let Some(marks) = changes.marks {
        let marks = serde_json::to_string(&marks).context("write down where the logs were cut")?;
        tx.send(put::MARK, values![theatre, marks])?;
    }
    for key in &changes.revoked {
        tx.send(
            "INSERT INTO ledger_revoked_key (theatre, key) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            values![theatre, key.0],
        )?;
    }
    Ok(())
}

fn hold_kind_word(kind: HoldKind) -> &'static str {
    match kind {
        HoldKind::Counter => "counter",
        HoldKind::Web => "web",
        HoldKind::Tentative => "tentative",
        HoldKind::Paying => "paying",
    }
}

/// The entries of one theatre, those of a transaction under way on this connection included.
#[derive(Clone, Copy)]
pub struct StoredLogs<'c> {
    store: &'c dyn Sql,
    theatre: TheatreId,
}

impl<'c> StoredLogs<'c> {
    /// Reads through this connection.
    pub fn new(store: &'c dyn Sql, theatre: TheatreId) -> Self {
        Self { store, theatre }
    }

    fn read(&self, log: Side, from: u64, bytes_max: usize) -> Result<Vec<Vec<u8>>, StoreError> {
        let select =
            "SELECT bytes FROM ledger_entry WHERE theatre = ?1 AND log = ?2 AND seq >= ?3 ORDER BY seq LIMIT 1000";
        let (mut size, mut entries) = (0, Vec::new());
        self.store.query(select, values![self.theatre.0, log.word(), from.cast_signed()], &mut |row| {
            let bytes: Vec<u8> = row.get(0)?;
            size += bytes.len();
            entries.push(bytes);
            Ok(size <= bytes_max)
        })?;
        Ok(entries)
    }
}

impl EntrySource for StoredLogs<'_> {
    fn entries(&self, log: Side, from: u64, bytes_max: usize) -> Result<Vec<Vec<u8>>, UnreadableLog> {
        self.read(log, from, bytes_max).map_err(|error| UnreadableLog { log, seq: from, cause: error.to_string() })
    }

    fn head_at(&self, log: Side, seq: u64) -> Result<Option<Head>, UnreadableLog> {
        if seq == 0 {
            return Ok(Some(Head::default()));
        }
        let select = "SELECT incarnation, hash FROM ledger_entry WHERE theatre = ?1 AND log = ?2 AND seq = ?3";
        let found = self.store.first(select, values![self.theatre.0, log.word(), seq.cast_signed()], |row| {
            Ok(Head { incarnation: Incarnation(u64::from_be_bytes(row.get(0)?)), seq, hash: Hash(row.get(1)?) })
        });
        found.map_err(|error| UnreadableLog { log, seq, cause: error.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;
    use shared::entry::ShowFacts;
    use shared::ids::{BookingId, MovieId, RequestId, ScreenId, SeatId, ShowNumber};
    use shared::keys::SecretKey;
    use shared::ledger::HoldTimes;
    use shared::money::Currency;
    use shared::seating::{Row, SeatRun, SeatingPlan};
    use shared::time::Timestamp;
    use sync_protocol::replica::{Held, LinkKeys, Snapshot};
    use sync_protocol::{Replica, Settings};

    const THEATRE: TheatreId = TheatreId(7);

    fn replica(snapshot: Snapshot) -> Replica {
        let key = SecretKey::from_seed(&[1; 32]);
        let keys = LinkKeys { peer: vec![key.public()], own: key, own_before: None };
        let settings = Settings::with_holds(HoldTimes::WEB);
        Replica::new(THEATRE, Side::Central, settings, keys, snapshot, [5; 32], Timestamp(0))
    }

    fn tables(conn: &Connection) {
        for migration in [MIGRATION, TICKETS_BY_SEAT] {
            conn.execute_batch(migration.sql).expect("tables");
        }
    }

    fn store(conn: &mut Connection, replica: &mut Replica) {
        let tx = conn.transaction().expect("begin");
        write(&tx, THEATRE, replica.take_changes()).expect("written");
        tx.commit().expect("committed");
    }

    #[test]
    fn a_replica_read_back_is_the_replica_that_was_written() {
        let mut conn = Connection::open_in_memory().expect("open");
        tables(&conn);
        let mut before = replica(Snapshot::default());
        let (now, show) = (Timestamp(1_000), ShowNumber(1));
        let rows = (0..90u32).map(|i| Row {
            label: format!("{}{}", char::from(b'A' + (i / 26) as u8), char::from(b'A' + (i % 26) as u8)),
            runs: vec![SeatRun { first: SeatId(i * 20), number: 1, count: 20, category: 0, gap: 0, accessible: false }],
        });
        let plan = SeatingPlan { version: 1, categories: vec!["Gold".into()], rows: rows.collect() };
        before.publish_plan(ScreenId(1), &plan, now).expect("plan");
        let facts = ShowFacts {
            number: show,
            screen: ScreenId(1),
            movie: MovieId(3),
            title: "Sholay".into(),
            starts: 100,
            ends: 300,
            plan: 1,
            currency: Currency::INR,
            prices: vec![20_000],
            edge_seats: Vec::new(),
        };
        before.add_show(facts, now).expect("show");
        let mut held = |seat| before.hold(show, &[SeatId(seat)], shared::ledger::HoldKind::Web, now).expect("held");
        let (Held::Now(first), Held::Now(_)) = (held(1), held(2)) else { panic!("own seats") };
        let lines = before.sell(first.id, BookingId([1; 16]), RequestId([2; 8]), now).expect("sold");
        before.void(lines[0].at.ticket, now).expect("asked");
        before.withhold(show, &[SeatId(5)], true, now).expect("withheld");
        store(&mut conn, &mut before);

        let snapshot = load(&conn, THEATRE, Side::Central).expect("loaded");
        assert_eq!(snapshot.unacknowledged.len() as u64, before.heads().own.seq);
        let after = replica(snapshot);
        assert_eq!(after.cut(), before.cut());
        assert_eq!(after.heads(), before.heads());
        let holds = |replica: &Replica| replica.ledger().holds().cloned().collect::<Vec<_>>();
        assert_eq!(holds(&after), holds(&before));
        let tickets = |replica: &Replica| replica.ledger().tickets().cloned().collect::<Vec<_>>();
        assert_eq!(tickets(&after), tickets(&before));
    }

    #[test]
    fn entries_read_back_in_order_and_in_batches() {
        let mut conn = Connection::open_in_memory().expect("open");
        tables(&conn);
        let mut replica = replica(Snapshot::default());
        for n in 0..100 {
            replica.certify_key(vec![n; 100], Timestamp(0)).expect("certified");
        }
        store(&mut conn, &mut replica);
        let logs = StoredLogs::new(&conn, THEATRE);
        let some = logs.entries(Side::Central, 3, 1_000).expect("read");
        assert!(some.len() > 5 && some.len() < 15, "{}", some.len());
        let head = replica.heads().own;
        assert_eq!(logs.head_at(Side::Central, head.seq).expect("read"), Some(head));
        assert_eq!(logs.head_at(Side::Central, head.seq + 1).expect("read"), None);
        assert_eq!(logs.head_at(Side::Edge, 0).expect("read"), Some(Head::default()));
    }

    #[test]
    fn writing_seats_tickets_and_holds_builds_no_table_on_the_way() {
        let conn = Connection::open_in_memory().expect("open");
        tables(&conn);
        for statement in [ADD_ENTRY, put::SEAT, put::TICKET, put::HOLD] {
            let mut explain = conn.prepare(&format!("EXPLAIN {statement}")).expect("explains");
            let steps = explain.raw_query().mapped(|row| row.get::<_, String>(1)).collect::<Result<Vec<_>, _>>();
            let steps = steps.expect("steps");
            assert!(steps.iter().any(|step| step == "IdxInsert"), "{statement}: {steps:?}");
            assert!(steps.iter().all(|step| !step.starts_with("OpenEphemeral")), "{statement}: {steps:?}");
        }
    }
}
