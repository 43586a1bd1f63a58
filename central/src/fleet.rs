//! The fleet: which box serves which theatre, the keys that certify it, and its account at the broker.

pub mod accounts;
pub mod boxes;
pub mod discrepancies;
pub mod enrolment;
pub mod found;
pub mod imports;
pub mod keys;
pub mod link_status;
pub mod overrides;
pub mod prices;
pub mod show;
pub mod ticket_keys;
