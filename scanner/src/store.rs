//! The device's database: who it is, what it knows, what it answered.

mod asked;
mod book;
mod counts;
mod departures;
mod group;
mod identity;
mod keys;
mod lock;
mod scans;
mod witness;

pub(crate) use asked::{Numbered, ask_under, numbered, set_free, take_number};
pub(crate) use book::{facts, keep_certificate, key_ring, note_admission, synced_at, take_in};
pub(crate) use counts::{Counts, admitted_count, counts};
pub(crate) use departures::{Departed, acknowledge_departures, effect_of, entry_of, keep_departure, note_departed};
pub(crate) use departures::{note_gone, queued_departures, settle_departures, way_out};
pub(crate) use group::{Booked, booked, is_booked_under, is_same_booking, members, others_with};
pub use identity::Identity;
pub(crate) use identity::{access_key, identity, incarnation, is_off, note_https, pair, serves_https, set_off};
pub(crate) use keys::{Keys, Store};
pub(crate) use lock::{lock_of, note_wrong_pin, open_lock, set_lock};
pub(crate) use scans::{
    Queued, Scan, acknowledge, admitting, keep, queued, queued_count, refuse, refused_count, ticket_of, words,
};
pub(crate) use witness::{Keeping, Kept, entries_after, keep as keep_witness, kept};

use node::sqlite::{Migration, Schema};

/// The database's file in the data directory.
pub(crate) const FILE: &str = "scanner.sqlite";

/// The database of `usher-scanner`.
pub const SCHEMA: Schema = Schema {
    program: "usher-scanner",
    // "UshS"
    application_id: 0x5573_6853,
    migrations: &[
        Migration { name: "door", sql: include_str!("../migrations/0001_door.sql") },
        Migration { name: "witness", sql: include_str!("../migrations/0002_witness.sql") },
        Migration { name: "departure", sql: include_str!("../migrations/0003_departure.sql") },
        Migration { name: "booking", sql: include_str!("../migrations/0004_booking.sql") },
        Migration { name: "group", sql: include_str!("../migrations/0005_group.sql") },
        Migration { name: "sweep", sql: include_str!("../migrations/0006_sweep.sql") },
        Migration { name: "answer", sql: include_str!("../migrations/0007_answer.sql") },
        Migration { name: "incarnation", sql: include_str!("../migrations/0008_incarnation.sql") },
        Migration { name: "access", sql: include_str!("../migrations/0009_access.sql") },
        Migration { name: "off", sql: include_str!("../migrations/0010_off.sql") },
        Migration { name: "lock", sql: include_str!("../migrations/0011_lock.sql") },
        Migration { name: "https", sql: include_str!("../migrations/0012_https.sql") },
        Migration { name: "gone", sql: include_str!("../migrations/0013_gone.sql") },
    ],
};
