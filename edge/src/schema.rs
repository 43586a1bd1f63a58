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
    ],
};
