//! Tickets and receipts of sales that are already committed, on receipt printers or as documents.
//!
//! A print is a row: `waiting` while a printer has it, then `printed` or `failed`; a person tries a failed one again, on another
//! printer too, or skips it. Whatever may have come out once is marked as a duplicate the next time, and to ask for a duplicate
//! takes a second person; both are written down.

pub mod drawer;
pub mod jobs;
pub mod papers;
pub mod printer;
pub mod requests;
pub mod spool;

pub use printer::PrinterSetting;
pub use spool::Printers;
