//! Admissions that should not have been, noted with both sides of the story for a person to settle.

use crate::desk::Desk;
use node::ledger_store::discrepancy::{DiscrepancyView, ProposalView, Settlement, SettlementRequest, Unsettled};
use node::store::{Row, Sql, StoreError};
use node::values;
use node::zone::Zone;
use serde_json::{Value, json};
use shared::admission::Admission;
use shared::ids::{ScanId, TheatreId, TicketId};
use shared::ticket::TicketBody;
use shared::time::Timestamp;

/// Before the number of a discrepancy that the ledger does not know of.
pub const AT_DOOR: char = 'd';

/// The code of a second admission of one ticket.
pub(super) const TWICE: &str = "admitted_twice";
/// The code of a second ticket for a seat that was shown at a door and not let in.
pub(super) const SEAT_TAKEN: &str = "seat_taken";

/// What happened.
pub(super) struct Story<'a> {
    /// [`TWICE`], [`SEAT_TAKEN`], or `admitted_` and why it should not have been.
    pub(super) code: &'a str,
    /// The ticket.
    pub(super) body: &'a TicketBody,
    /// The scan that let somebody in.
    pub(super) scan: ScanId,
    /// What its door promised.
    pub(super) guarantee: &'a str,
    /// Where and when.
    pub(super) entry: Admission,
    /// The admission that counts, where there is one.
    pub(super) first: Option<&'a Admission>,
}

impl Desk {
    pub(super) fn note(&mut self, tx: &dyn Sql, story: &Story<'_>, now: Timestamp) -> anyhow::Result<()> {
        let Story { code, body, scan, guarantee, entry, first } = story;
        let noted = tx.execute(
            "INSERT INTO door_discrepancies
                     (scan, code, ticket, show, seat, door, at, guarantee, first_door, first_at, noted_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (scan, code) DO NOTHING",
            values![
                scan.0,
                code,
                body.ticket.0,
                body.show.0,
                body.seat(),
                entry.door,
                entry.at.0,
                guarantee,
                first.map(|first| first.door.as_str()),
                first.map(|first| first.at.0),
                now.0
            ],
        )?;
        if noted > 0 {
            self.count_door_discrepancy();
            tracing::warn!(ticket = %body.ticket, code, door = entry.door, "a discrepancy at the door");
        }
        Ok(())
    }
}

/// Is the ticket's story told under this code already?
pub(super) fn is_noted(db: &dyn Sql, code: &str, ticket: TicketId) -> Result<bool, StoreError> {
    let select = "SELECT 1 FROM door_discrepancies WHERE code = ?1 AND ticket = ?2";
    Ok(db.first(select, values![code, ticket.0], |_| Ok(()))?.is_some())
}

/// How many of them nobody has settled.
///
/// # Errors
/// If the database fails.
pub fn open_count(db: &dyn Sql) -> Result<u64, StoreError> {
    let select = "SELECT count(*) FROM door_discrepancies WHERE settled_at IS NULL";
    db.only(select, &[], |row| row.get::<i64>(0)).map(i64::unsigned_abs)
}

/// One of them; nothing for a number that none has.
///
/// # Errors
/// If the database fails.
pub fn find(db: &dyn Sql, theatre: TheatreId, n: i64, zone: &Zone) -> Result<Option<DiscrepancyView>, StoreError> {
    db.first(
        "SELECT d.*, s.title FROM door_discrepancies d
         LEFT JOIN ledger_show s ON s.theatre = ?2 AND s.show = d.show WHERE n = ?1",
        values![n, theatre.0],
        |row| view(row, theatre, zone),
    )
}

/// Writes down who settled one and how, once.
///
/// # Errors
/// Outside a store failure; inside why it was not settled.
pub fn settle(
    tx: &dyn Sql,
    theatre: TheatreId,
    n: i64,
    request: &SettlementRequest,
    now: Timestamp,
    zone: &Zone,
) -> Result<Result<DiscrepancyView, Unsettled>, StoreError> {
    let settled = tx.execute(
        "UPDATE door_discrepancies SET settled_at = ?2, settled_by = ?3, settled_how = ?4
         WHERE n = ?1 AND settled_at IS NULL",
        values![n, now.0, request.by, request.how],
    )?;
    Ok(match (find(tx, theatre, n, zone)?, settled) {
        (None, _) => Err(Unsettled::Unknown),
        (Some(_), 0) => Err(Unsettled::Already),
        (Some(view), _) => {
            tracing::info!(n, by = request.by, how = request.how, "a door's discrepancy is settled");
            Ok(view)
        }
    })
}

/// Ours is the book, theirs is what the door did; of a ticket that was not let in, where it was shown.
fn view(row: &dyn Row, theatre: TheatreId, zone: &Zone) -> Result<DiscrepancyView, StoreError> {
    let time = |at| zone.rfc3339(Timestamp(at));
    let code: String = row.get("code")?;
    let seat = json!({
        "show": row.get::<u32>("show")?, "title": row.get::<Option<String>>("title")?,
        "label": row.get::<String>("seat")?, "ticket": TicketId(row.get("ticket")?).to_string(),
    });
    let first = match (row.get::<Option<String>>("first_door")?, row.get::<Option<i64>>("first_at")?) {
        (Some(door), Some(at)) => json!({ "door": door, "at": time(at) }),
        _ => Value::Null,
    };
    let at_door = json!({
        "door": row.get::<String>("door")?, "at": time(row.get("at")?),
        "guarantee": row.get::<String>("guarantee")?,
    });
    let theirs = if code == SEAT_TAKEN { "shown" } else { "admitted" };
    Ok(DiscrepancyView {
        n: format!("{AT_DOOR}{}", row.get::<i64>("n")?),
        found_at: time(row.get("noted_at")?),
        proposed: proposed(&code),
        kind: code,
        theatre: Some(theatre.0),
        log: None,
        seq: None,
        ours: json!({ "seats": [seat], "admitted": first }),
        theirs: json!({ theirs: at_door }),
        settled: Settlement::of_row(row, zone)?,
    })
}

fn proposed(kind: &str) -> ProposalView {
    let (code, text) = match kind {
        TWICE => ("check_both_guests", "Ask both guests for their tickets: the second one came in on a copy."),
        SEAT_TAKEN | "admitted_seat_taken" => {
            ("refund_second", "Seat the holder of the second ticket elsewhere, or pay it back.")
        }
        _ => {
            ("check_ticket", "Ask the guest for the ticket and where it was bought; sell a new one if it is not good.")
        }
    };
    ProposalView { code: code.to_owned(), text: text.to_owned() }
}
