//! Discrepancies in the store: listed when they are found, settled once by a person, never removed.

mod settlement;

pub use super::story::Proposal;
pub use settlement::{Settlement, SettlementRequest, Unsettled};

use super::story;
use crate::store::{Row, Sql, StoreError};
use crate::values;
use crate::zone::Zone;
use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::ids::TheatreId;
use shared::time::Timestamp;
use std::collections::BTreeMap;
use sync_protocol::replica::Discrepancy;

/// The most that one list shows.
pub const LISTED_MAX: u32 = 1_000;

/// Something that two nodes, or a node and the facts, do not agree on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiscrepancyView {
    /// Its number, as settling names it.
    pub n: String,
    /// RFC 3339.
    pub found_at: String,
    /// The stable code.
    pub kind: String,
    /// The theatre.
    pub theatre: Option<u32>,
    /// The log it is about: `central edge`.
    pub log: Option<String>,
    /// The entry's number in it.
    pub seq: Option<u64>,
    /// What this node says, as it was when it was found.
    pub ours: Value,
    /// What the other one says.
    pub theirs: Value,
    /// What might be done about it.
    pub proposed: ProposalView,
    /// Who settled it; nothing while nobody has.
    pub settled: Option<Settlement>,
}

/// What might be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalView {
    /// The stable code.
    pub code: String,
    /// A sentence.
    pub text: String,
}

impl From<Proposal> for ProposalView {
    fn from(proposal: Proposal) -> Self {
        Self { code: proposal.code().to_owned(), text: proposal.text().to_owned() }
    }
}

/// Lists what a replica found, with both sides of it.
pub(super) fn keep(tx: &dyn Sql, theatre: TheatreId, found: &Discrepancy) -> anyhow::Result<()> {
    let raw = serde_json::to_string(&found.kind).context("write a discrepancy down")?;
    let story = story::tell(tx, theatre, found).context("tell both sides of a discrepancy")?;
    tx.send(
        "INSERT INTO ledger_discrepancy (theatre, found_at, log, seq, story, kind, ours, theirs, proposed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        values![
            theatre.0,
            found.at.0,
            found.log.word(),
            found.seq.cast_signed(),
            raw,
            story.kind,
            story.ours.to_string(),
            story.theirs.to_string(),
            story.proposed.code()
        ],
    )?;
    Ok(())
}

/// Discrepancies, oldest first: those nobody has settled, or all, at most [`LISTED_MAX`].
///
/// # Errors
/// A store failure.
pub fn list(conn: &dyn Sql, settled_too: bool, zone: &Zone) -> Result<Vec<DiscrepancyView>, StoreError> {
    conn.all(
        "SELECT * FROM ledger_discrepancy WHERE ?1 OR settled_at IS NULL ORDER BY settled_at IS NOT NULL, n LIMIT ?2",
        values![settled_too, LISTED_MAX],
        |row| view(row, zone),
    )
}

/// One discrepancy; nothing for a number that none has.
///
/// # Errors
/// A store failure.
pub fn find(conn: &dyn Sql, n: i64, zone: &Zone) -> Result<Option<DiscrepancyView>, StoreError> {
    conn.first("SELECT * FROM ledger_discrepancy WHERE n = ?1", values![n], |row| view(row, zone))
}

/// Writes down who settled a discrepancy and how, once.
///
/// # Errors
/// Outside a store failure; inside why it was not settled.
pub fn settle(
    tx: &dyn Sql,
    n: i64,
    request: &SettlementRequest,
    now: Timestamp,
    zone: &Zone,
) -> Result<Result<DiscrepancyView, Unsettled>, StoreError> {
    let settled = tx.execute(
        "UPDATE ledger_discrepancy SET settled_at = ?2, settled_by = ?3, settled_how = ?4
             WHERE n = ?1 AND settled_at IS NULL",
        values![n, now.0, request.by, request.how],
    )?;
    Ok(match (find(tx, n, zone)?, settled) {
        (None, _) => Err(Unsettled::Unknown),
        (Some(_), 0) => Err(Unsettled::Already),
        (Some(view), _) => {
            tracing::info!(n, by = request.by, how = request.how, "a discrepancy is settled");
            Ok(view)
        }
    })
}

/// Discrepancies of a theatre that nobody has settled.
///
/// # Errors
/// A store failure.
pub fn open_count(conn: &dyn Sql, theatre: TheatreId) -> Result<u64, StoreError> {
    conn.only(
        "SELECT count(*) FROM ledger_discrepancy WHERE theatre = ?1 AND settled_at IS NULL",
        values![theatre.0],
        |row| row.get::<i64>(0).map(i64::cast_unsigned),
    )
}

/// How many of them each theatre has that has any.
///
/// # Errors
/// A store failure.
pub fn open_counts(conn: &dyn Sql) -> Result<BTreeMap<TheatreId, u64>, StoreError> {
    let counts = "SELECT theatre, count(*) FROM ledger_discrepancy WHERE settled_at IS NULL GROUP BY theatre";
    let rows = conn.all(counts, &[], |row| Ok((TheatreId(row.get(0)?), row.get::<i64>(1)?.cast_unsigned())))?;
    Ok(rows.into_iter().collect())
}

fn view(row: &dyn Row, zone: &Zone) -> Result<DiscrepancyView, StoreError> {
    let json = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(DiscrepancyView {
        n: row.get::<i64>("n")?.to_string(),
        found_at: zone.rfc3339(Timestamp(row.get("found_at")?)),
        kind: row.get("kind")?,
        theatre: Some(row.get("theatre")?),
        log: Some(row.get("log")?),
        seq: Some(row.get::<i64>("seq")?.cast_unsigned()),
        ours: json(row.get("ours")?),
        theirs: json(row.get("theirs")?),
        proposed: Proposal::of_code(&row.get::<String>("proposed")?).into(),
        settled: Settlement::of_row(row, zone)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;
    use serde_json::json;
    use shared::entry::{Entry, Fact, Head, SoldSeat};
    use shared::ids::{BookingId, RequestId, SeatId, ShowNumber, Side, TicketId};
    use shared::ledger::Conflict;
    use sync_protocol::log::StoredEntry;
    use sync_protocol::replica::{Changes, DiscrepancyKind};

    const THEATRE: TheatreId = TheatreId(7);

    fn sale() -> Fact {
        let seat = SoldSeat { seat: SeatId(4), epoch: 1, generation: 0, ticket: TicketId([9; 8]), price: 500 };
        Fact::Sold { show: ShowNumber(2), booking: BookingId([1; 16]), request: RequestId([2; 8]), seats: vec![seat] }
    }

    fn listed(kind: DiscrepancyKind) -> (Connection, DiscrepancyView) {
        let mut conn = Connection::open_in_memory().expect("open");
        conn.execute_batch(crate::ledger_store::MIGRATION.sql).expect("tables");
        conn.execute_batch("INSERT INTO ledger_seat VALUES (7, 2, 4, 1, 3, 'sold', x'0101010101010101', 0)")
            .expect("seat");
        let at = Timestamp(5);
        let bytes = Entry { at, seen: 0, fact: sale() }.encode().expect("encodes");
        let Head { incarnation, hash, .. } = Head::default();
        let entry = StoredEntry { log: Side::Edge, incarnation, seq: 6, hash, bytes, at };
        let found = Discrepancy { log: Side::Edge, seq: 6, kind, at };
        let changes = Changes { entries: vec![entry], discrepancies: vec![found], ..Changes::default() };
        let tx = conn.transaction().expect("begin");
        crate::ledger_store::write(&tx, THEATRE, changes).expect("written");
        tx.commit().expect("committed");
        let view = list(&conn, false, &Zone::utc()).expect("listed").remove(0);
        (conn, view)
    }

    #[test]
    fn an_entry_that_was_not_applied_is_told_with_its_seat() {
        let conflict = Conflict::Standing(ShowNumber(2), SeatId(4));
        let (conn, view) = listed(DiscrepancyKind::NotApplied(conflict));
        assert_eq!((view.kind.as_str(), view.proposed.code.as_str()), ("not_applied", "refund_second"));
        assert_eq!((view.log.as_deref(), view.seq, view.theatre), (Some("edge"), Some(6), Some(7)));
        assert_eq!(view.theirs["entry"]["fact"], "Sold");
        assert_eq!(view.theirs["entry"]["what"]["seats"][0]["ticket"], "0909090909090909");
        let seat = json!({
            "show": 2, "seat": 4, "standing": "sold", "epoch": 1, "generation": 3, "ticket": "0101010101010101",
        });
        assert_eq!(view.ours["seats"], json!([seat]));
        assert_eq!(open_count(&conn, THEATRE).expect("counted"), 1);
    }

    #[test]
    fn a_seat_of_a_known_plan_is_told_as_people_call_it() {
        let (conn, _) = listed(DiscrepancyKind::Fork);
        let insert = "INSERT INTO ledger_show VALUES (7, 2, 1, 1, 'The Late Show', 0, 1, 0, 0, x'');
                      INSERT INTO ledger_plan VALUES (7, 1, 3, '{\"version\": 3, \"categories\": [\"Gold\"], \"rows\": [{
                          \"label\": \"B\", \"runs\": [{ \"first\": 1, \"number\": 1, \"count\": 9, \"category\": 0,
                                                       \"gap\": 0, \"accessible\": false }] }]}')";
        conn.execute_batch(insert).expect("a show");
        let kind = DiscrepancyKind::BeyondCut { fact: Some(sale()) };
        let told = story::tell(&conn, THEATRE, &Discrepancy { log: Side::Edge, seq: 6, kind, at: Timestamp(6) });
        let seat = told.expect("told").ours["seats"][0].clone();
        assert_eq!((&seat["label"], &seat["title"]), (&json!("B4"), &json!("The Late Show")));
    }

    #[test]
    fn a_lost_sale_of_a_seat_that_nobody_has_proposes_to_find_the_ticket() {
        let (_, taken) = listed(DiscrepancyKind::SetAside { fact: Some(sale()) });
        assert_eq!((taken.kind.as_str(), taken.proposed.code.as_str()), ("set_aside", "refund_second"));
        let (conn, _) = listed(DiscrepancyKind::Fork);
        conn.execute_batch("UPDATE ledger_seat SET standing = 'unknown', ticket = NULL").expect("unknown");
        let found = Discrepancy {
            log: Side::Edge,
            seq: 6,
            kind: DiscrepancyKind::BeyondCut { fact: Some(sale()) },
            at: Timestamp(6),
        };
        let told = story::tell(&conn, THEATRE, &found).expect("told");
        assert_eq!((told.kind, told.proposed), ("beyond_cut", Proposal::FindTicket));
    }

    #[test]
    fn a_discrepancy_is_settled_once() {
        let (mut conn, view) = listed(DiscrepancyKind::Fork);
        assert_eq!(view.proposed.code, "two_persons_open");
        let tx = conn.transaction().expect("begin");
        let (zone, n) = (Zone::utc(), view.n.parse().expect("a number"));
        let request = SettlementRequest { by: " somebody ".into(), how: "looked".into() }.checked().expect("words");
        let settled = settle(&tx, n, &request, Timestamp(9), &zone).expect("stored").expect("settled");
        assert_eq!(settled.settled.map(|settled| settled.by).as_deref(), Some("somebody"));
        assert_eq!(settle(&tx, n, &request, Timestamp(10), &zone).expect("stored"), Err(Unsettled::Already));
        assert_eq!(settle(&tx, n + 1, &request, Timestamp(10), &zone).expect("stored"), Err(Unsettled::Unknown));
        assert_eq!(list(&tx, false, &zone).expect("listed"), Vec::new());
        assert_eq!(list(&tx, true, &zone).expect("listed").len(), 1);
    }
}
