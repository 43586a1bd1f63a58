//! The tables of central's database beside those that every node has.

use node::ledger_store;
use node::sqlite::{Migration, Schema};

/// Central's database. A migration is never edited once released.
pub const SCHEMA: Schema = Schema {
    program: "usher-central",
    application_id: 0x5573_4301,
    migrations: &[
        ledger_store::MIGRATION,
        Migration { name: "catalogue", sql: include_str!("../migrations/0001_catalogue.sql") },
        Migration { name: "bookings", sql: include_str!("../migrations/0002_bookings.sql") },
        Migration { name: "payments", sql: include_str!("../migrations/0003_payments.sql") },
        Migration { name: "fleet", sql: include_str!("../migrations/0004_fleet.sql") },
        Migration { name: "operators", sql: include_str!("../migrations/0005_operators.sql") },
        Migration { name: "void_policies", sql: include_str!("../migrations/0006_void_policies.sql") },
        Migration { name: "booked seats in order", sql: include_str!("../migrations/0007_booked_seats_in_order.sql") },
        Migration { name: "contact key", sql: include_str!("../migrations/0008_contact_key.sql") },
        ledger_store::TICKETS_BY_SEAT,
        node::idempotency::ANSWERS_IN_ORDER,
        Migration { name: "indexes", sql: include_str!("../migrations/0009_indexes.sql") },
        Migration { name: "price changes", sql: include_str!("../migrations/0010_price_changes.sql") },
        Migration { name: "hold owners", sql: include_str!("../migrations/0011_hold_owners.sql") },
    ],
};

/// An empty database in memory, for tests of single tables.
#[cfg(test)]
pub(crate) fn empty() -> rusqlite::Connection {
    use node::sqlite::NODE_TABLES;
    let conn = rusqlite::Connection::open_in_memory().expect("open");
    for migration in NODE_TABLES.iter().chain(SCHEMA.migrations) {
        conn.execute_batch(migration.sql).expect(migration.name);
    }
    conn
}
