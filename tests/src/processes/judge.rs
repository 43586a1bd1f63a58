//! The judge of a round: everything is stopped, and what both databases say is held against what was handed out.

use super::ghosts::Ghost;
use anyhow::Context;
use rusqlite::{Connection, OpenFlags};
use shared::entry::{Entry, Fact};
use shared::ids::{ShowId, Side, TheatreId, TicketId};
use shared::ledger::Ledger;
use shared::show::Standing;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use sync_protocol::replica::Heads;

/// So many findings of a kind are told; the others are counted.
const NAMED_MAX: usize = 8;
/// Characters that are told of a discrepancy.
const STORY_CHARS: usize = 300;

/// Where the books of a theatre are.
#[derive(Debug, Clone)]
pub(super) struct Books {
    pub(super) theatre: u32,
    pub(super) central: PathBuf,
    pub(super) edge: PathBuf,
}

/// What was found, one line each.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Seats with more than one ticket.
    pub(super) sold_twice: Vec<String>,
    /// Acknowledged tickets that nobody has.
    pub(super) lost: Vec<String>,
    /// Heads, digests or logs that differ, tickets that one side does not have, and conflicts that nobody lists.
    pub(super) differences: Vec<String>,
    /// What each side lists for a person to settle.
    pub(super) discrepancies: Vec<Listed>,
}

impl Findings {
    /// Nothing that must not be.
    pub(super) fn hold(&self) -> bool {
        self.sold_twice.is_empty() && self.lost.is_empty() && self.differences.is_empty()
    }

    /// The first discrepancies, for whoever looks for the cause of a violation.
    pub(super) fn listed(&self) -> impl Iterator<Item = String> {
        self.discrepancies.iter().take(NAMED_MAX).map(|listed| listed.to_string().chars().take(STORY_CHARS).collect())
    }

    /// Everything that must not be.
    pub(super) fn violations(&self) -> impl Iterator<Item = String> {
        let named = |name: &'static str, found: &[String]| {
            let more = found.len().checked_sub(NAMED_MAX).filter(|more| *more > 0);
            let stories = found.iter().take(NAMED_MAX).map(|story| format!("{name}: {story}"));
            stories.chain(more.map(|more| format!("{name}: {more} more"))).collect::<Vec<_>>()
        };
        let found =
            [named("sold twice", &self.sold_twice), named("lost", &self.lost), named("differs", &self.differences)];
        found.into_iter().flatten()
    }
}

/// A discrepancy as one side lists it.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) at: Side,
    pub(super) kind: String,
    log: String,
    seq: u64,
    story: String,
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lists {} {} {}: {}", self.at, self.kind, self.log, self.seq, self.story)
    }
}

/// One side's copy of a theatre, as its database has it.
pub(super) struct SideBooks {
    side: Side,
    ledger: Ledger,
    heads: Heads,
    /// Entries as they were written.
    logs: BTreeMap<Side, Vec<Vec<u8>>>,
    discrepancies: Vec<Listed>,
}

impl SideBooks {
    /// Reads a database.
    pub(super) fn read(database: &Path, theatre: u32, side: Side) -> anyhow::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db =
            Connection::open_with_flags(database, flags).with_context(|| format!("open {}", database.display()))?;
        // It may be written meanwhile; everything here is read as of one moment.
        db.execute_batch("BEGIN").context("begin to read")?;
        let snapshot = node::ledger_store::load(&db, TheatreId(theatre), side)
            .with_context(|| format!("load the replica in {}", database.display()))?;
        let logs = [Side::Central, Side::Edge].into_iter().map(|log| Ok((log, entries(&db, theatre, log)?)));
        let discrepancies = discrepancies(&db, theatre, side).context("read the discrepancies")?;
        Ok(Self {
            side,
            heads: snapshot.heads,
            ledger: Ledger::restore(side, snapshot.ledger),
            logs: logs.collect::<anyhow::Result<_>>()?,
            discrepancies,
        })
    }

    /// Whether this side has the ticket as sold.
    pub(super) fn has(&self, ticket: TicketId) -> bool {
        self.ledger.ticket(ticket).is_some_and(|ticket| ticket.sale.is_some())
    }

    /// Whether this side lists the ticket's sale for a person to settle.
    pub(super) fn lists(&self, ticket: TicketId) -> bool {
        let told = serde_json::to_string(&ticket).unwrap_or_default();
        !told.is_empty() && self.discrepancies.iter().any(|listed| listed.story.contains(&told))
    }

    /// Tickets by show and seat label.
    pub(super) fn tickets(&self, theatre: u32) -> impl Iterator<Item = ((String, String), TicketId)> {
        self.ledger.tickets().filter(|ticket| ticket.sale.is_some()).map(move |ticket| {
            let show = ShowId { theatre: TheatreId(theatre), number: ticket.at.show };
            let label = self.ledger.show(ticket.at.show).map(|known| known.plan.label(ticket.at.seat));
            ((show.to_string(), label.unwrap_or_else(|| format!("#{}", ticket.at.seat))), ticket.at.ticket)
        })
    }

    /// A seat that the ghost sits on stands as sold by their ticket.
    fn seats(&self, ghost: &Ghost) -> bool {
        let Ok(id) = ghost.show.parse::<ShowId>() else { return false };
        let Some(show) = self.ledger.show(id.number) else { return false };
        let seat = show.plan.labelled(&ghost.seat).and_then(|seat| show.seat(seat));
        seat.is_some_and(|seat| seat.standing == Standing::Sold(ghost.ticket))
    }

    /// Sales in a log that were not applied and that nobody lists.
    fn unlisted(&self) -> Vec<String> {
        let mut unlisted = Vec::new();
        for (log, entries) in &self.logs {
            for (seq, bytes) in (1..).zip(entries) {
                let Ok(Entry { fact: Fact::Sold { seats, .. }, .. }) = Entry::decode(bytes) else { continue };
                let applied = seats.iter().all(|sold| self.has(sold.ticket));
                let listed = self.discrepancies.iter().any(|listed| listed.log == log.word() && listed.seq == seq);
                if !applied && !listed {
                    unlisted
                        .push(format!("sale {seq} of the {log} log is neither applied nor listed at {}", self.side));
                }
            }
        }
        unlisted
    }
}

impl Books {
    /// Reads both databases and holds them against the ghost list.
    pub(super) fn judge(&self, ghosts: &[Ghost]) -> anyhow::Result<Findings> {
        let central = SideBooks::read(&self.central, self.theatre, Side::Central).context("read central's books")?;
        let edge = SideBooks::read(&self.edge, self.theatre, Side::Edge).context("read the box's books")?;
        let copies = [&central, &edge];
        let mut findings = Findings { sold_twice: sold_twice(self.theatre, &copies, ghosts), ..Findings::default() };
        let named = [
            ("central's log", central.heads.own, edge.heads.peer),
            ("the box's log", edge.heads.own, central.heads.peer),
        ];
        for (log, own, copy) in named.into_iter().filter(|(_, own, copy)| own != copy) {
            findings.differences.push(format!("{log} ends with {own:?} at its writer and {copy:?} at the peer"));
        }
        for log in [Side::Central, Side::Edge].into_iter().filter(|log| central.logs[log] != edge.logs[log]) {
            let (here, there) = (central.logs[&log].len(), edge.logs[&log].len());
            findings.differences.push(format!("the {log} log has {here} entries at central and {there} at the box"));
        }
        let digests = copies.map(|copy| copy.ledger.digest());
        if digests[0] != digests[1] {
            findings.differences.push(format!("the digests are {:032x} and {:032x}", digests[0], digests[1]));
        }
        for copy in copies {
            findings
                .differences
                .extend(copy.heads.closed.map(|why| format!("{} is closed: {}", copy.side, why.code())));
            findings.differences.extend(copy.unlisted());
            findings.discrepancies.extend(copy.discrepancies.iter().cloned());
        }
        for ghost in ghosts {
            let what =
                format!("ticket {} for {} of {}, sold by {}", ghost.ticket, ghost.seat, ghost.show, ghost.seller);
            if !copies.iter().any(|copy| copy.has(ghost.ticket)) {
                findings.lost.push(what);
                continue;
            }
            for copy in copies.iter().filter(|copy| !copy.seats(ghost)) {
                findings.differences.push(format!("{what}: {} does not have it on its seat", copy.side));
            }
        }
        Ok(findings)
    }
}

/// Seats with more than one ticket, over all copies and everything that was handed out.
pub(super) fn sold_twice(theatre: u32, copies: &[&SideBooks], ghosts: &[Ghost]) -> Vec<String> {
    let mut tickets: BTreeMap<(String, String), BTreeSet<TicketId>> = BTreeMap::new();
    let handed = ghosts.iter().map(|ghost| ((ghost.show.clone(), ghost.seat.clone()), ghost.ticket));
    for (seat, ticket) in copies.iter().flat_map(|copy| copy.tickets(theatre)).chain(handed) {
        tickets.entry(seat).or_default().insert(ticket);
    }
    let twice = tickets.into_iter().filter(|(_, tickets)| tickets.len() > 1);
    twice.map(|((show, seat), tickets)| format!("seat {seat} of show {show} has the tickets {tickets:?}")).collect()
}

fn entries(db: &Connection, theatre: u32, log: Side) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut select = db.prepare("SELECT bytes FROM ledger_entry WHERE theatre = ?1 AND log = ?2 ORDER BY seq")?;
    let rows = select.query_map(rusqlite::params![theatre, log.word()], |row| row.get(0))?;
    rows.collect::<rusqlite::Result<_>>().with_context(|| format!("read the {log} log"))
}

fn discrepancies(db: &Connection, theatre: u32, at: Side) -> anyhow::Result<Vec<Listed>> {
    let mut select =
        db.prepare("SELECT kind, log, seq, story FROM ledger_discrepancy WHERE theatre = ?1 ORDER BY n")?;
    let rows = select.query_map([theatre], |row| {
        let seq: i64 = row.get(2)?;
        Ok(Listed { at, kind: row.get(0)?, log: row.get(1)?, seq: seq.cast_unsigned(), story: row.get(3)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ghost(seat: &str, ticket: u8) -> Ghost {
        Ghost { show: "1-1".to_owned(), seat: seat.to_owned(), ticket: TicketId([ticket; 8]), seller: Side::Edge }
    }

    #[test]
    fn two_tickets_for_one_seat_are_found_even_where_no_book_has_them() {
        assert_eq!(sold_twice(1, &[], &[ghost("A1", 1), ghost("A2", 2), ghost("A1", 1)]), Vec::<String>::new());
        assert_eq!(sold_twice(1, &[], &[ghost("A1", 1), ghost("A1", 2)]).len(), 1);
    }

    #[test]
    fn a_ticket_that_nobody_has_is_lost_and_no_side_may_be_ahead() {
        let folder = tempfile::tempdir().expect("folder");
        let [central, edge] = ["central", "edge"].map(|name| folder.path().join(name).join("books.sqlite"));
        for file in [&central, &edge] {
            node::sqlite::open(file, &edge::schema::SCHEMA).expect("create");
        }
        let books = Books { theatre: 1, central, edge };
        assert!(books.judge(&[]).expect("judge").hold());
        let findings = books.judge(&[ghost("A1", 1)]).expect("judge");
        assert_eq!((findings.lost.len(), findings.hold()), (1, false));
        let ahead = "INSERT INTO ledger_entry VALUES (1, 'edge', 1, x'00', x'00', x'00', 0)";
        let db = node::sqlite::open(&books.edge, &edge::schema::SCHEMA).expect("open");
        db.execute(ahead, []).expect("insert");
        drop(db);
        assert_eq!(books.judge(&[]).expect("judge").differences.len(), 1);
    }
}
