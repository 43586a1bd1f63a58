//! The box's database: the tables of the house, the counter and the door beside the ledger's own.

use node::sqlite::{Migration, Schema};

/// The database's file in the data directory.
pub const FILE: &str = "edge.sqlite";

/// The database of `usher-edge`.
pub const SCHEMA: Schema = Schema {
    program: "usher-edge",
    // "UshE"
    application_id: 0x5573_6845,
    migrations: &[
        node::ledger_store::MIGRATION,
        Migration { name: "house", sql: include_str!("../migrations/0001_house.sql") },
        Migration { name: "counter", sql: include_str!("../migrations/0002_counter.sql") },
        Migration { name: "door", sql: include_str!("../migrations/0003_door.sql") },
        Migration { name: "witness", sql: include_str!("../migrations/0004_witness.sql") },
        Migration { name: "settlement", sql: include_str!("../migrations/0005_settlement.sql") },
        Migration { name: "found", sql: include_str!("../migrations/0006_found.sql") },
        Migration { name: "departure", sql: include_str!("../migrations/0007_departure.sql") },
        Migration { name: "till", sql: include_str!("../migrations/0008_till.sql") },
        Migration { name: "slips", sql: include_str!("../migrations/0009_slips.sql") },
        Migration { name: "printing", sql: include_str!("../migrations/0010_printing.sql") },
        node::ledger_store::TICKETS_BY_SEAT,
        node::idempotency::ANSWERS_IN_ORDER,
        Migration { name: "group", sql: include_str!("../migrations/0011_group.sql") },
        Migration { name: "entries", sql: include_str!("../migrations/0012_entries.sql") },
        Migration { name: "sold", sql: include_str!("../migrations/0013_sold.sql") },
        Migration { name: "voids", sql: include_str!("../migrations/0014_voids.sql") },
        Migration { name: "recovered", sql: include_str!("../migrations/0015_recovered.sql") },
        Migration { name: "web", sql: include_str!("../migrations/0016_web.sql") },
        Migration { name: "people", sql: include_str!("../migrations/0017_people.sql") },
        Migration { name: "signing", sql: include_str!("../migrations/0018_signing.sql") },
        Migration { name: "unsold", sql: include_str!("../migrations/0019_unsold.sql") },
        Migration { name: "uncounted", sql: include_str!("../migrations/0020_uncounted.sql") },
        Migration { name: "print settled", sql: include_str!("../migrations/0021_print_settled.sql") },
        Migration { name: "refunds", sql: include_str!("../migrations/0022_refunds.sql") },
        Migration { name: "signed reports", sql: include_str!("../migrations/0023_signed.sql") },
        Migration { name: "gone", sql: include_str!("../migrations/0026_gone.sql") },
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::discrepancies;
    use node::sqlite::NODE_TABLES;

    #[test]
    fn what_the_doors_found_before_it_could_be_settled_is_open_after_the_migration() {
        let db = rusqlite::Connection::open_in_memory().expect("open");
        let (old, new) = SCHEMA.migrations.split_at(4);
        NODE_TABLES.iter().chain(old).for_each(|migration| db.execute_batch(migration.sql).expect(migration.name));
        let insert = "INSERT INTO door_discrepancies (scan, code, ticket, show, seat, door, at, guarantee, noted_at)
                      VALUES (x'01', 'admitted_twice', x'0102030405060708', 3, 'A1', 'Door A', 5, 'SOLO', ?1)";
        db.execute(insert, [6]).expect("insert");
        new.iter().for_each(|migration| db.execute_batch(migration.sql).expect(migration.name));
        assert_eq!(discrepancies::open_count(&db).expect("count"), 1);
        let zone = node::zone::Zone::utc();
        let found = discrepancies::find(&db, shared::ids::TheatreId(7), 1, &zone).expect("find").expect("there");
        assert_eq!((found.n.as_str(), found.kind.as_str(), found.settled), ("d1", "admitted_twice", None));
        db.execute(&insert.replace("x'01'", "x'02'"), [7]).expect("the next one");
        assert!(discrepancies::find(&db, shared::ids::TheatreId(7), 2, &zone).expect("find").is_some());
    }

    #[test]
    fn what_was_sold_before_anything_could_be_given_away_is_there_after_the_migration() {
        let db = rusqlite::Connection::open_in_memory().expect("open");
        db.execute_batch("PRAGMA foreign_keys = ON").expect("foreign keys");
        let (old, new) = SCHEMA.migrations.split_at(9);
        NODE_TABLES.iter().chain(old).for_each(|migration| db.execute_batch(migration.sql).expect(migration.name));
        db.execute_batch(
            "INSERT INTO sales (sale, code, show, staff, tender, currency, total_minor, sold_at, void_by, void_at)
             VALUES (x'01', 'ABC', 3, 'asha', 'cash', 'INR', 15000, 5, 'binod', 9);
             INSERT INTO sale_tickets (ticket, sale, seat, category, price_minor, code, series, serial, voided_at)
             VALUES (x'02', x'01', 'A1', 'Gold', 15000, '', 'counter', 1, 9);",
        )
        .expect("a sale");
        new.iter().for_each(|migration| {
            db.execute_batch(&format!("BEGIN; {} COMMIT;", migration.sql)).expect(migration.name)
        });
        let select = "SELECT s.code || v.approved_by || t.seat || t.voided_at
                      FROM sales s JOIN sale_tickets t USING (sale) JOIN voids v USING (ticket)
                      WHERE v.asked_by = 'binod' AND v.outcome = 'void' AND v.ended_at = 9";
        let kept: String = db.query_row(select, [], |row| row.get(0)).expect("the sale");
        assert_eq!(kept, "ABCbinodA19");
        let orphan = "INSERT INTO sale_tickets (ticket, sale, seat, category, price_minor, code, series, serial)
                      VALUES (x'03', x'09', 'A2', 'Gold', 1, '', 'counter', 2)";
        assert!(db.execute(orphan, []).is_err(), "a ticket still belongs to a sale");
    }
}
