//! Tickets and receipts on paper. What stands on them is a text template, so a house changes it without a programmer; it becomes a
//! [`Sheet`] of a few kinds of line, and the same sheet is drawn for a receipt printer ([`escpos`]) and as a document ([`pdf`]).

pub mod escpos;
pub mod facts;
pub mod letters;
pub mod pdf;
pub mod sheet;
pub mod template;

pub use facts::{GroupFacts, GroupRow, Issuer, ReceiptFacts, ReceiptLine, TaxLine, TicketFacts};
pub use sheet::Sheet;
pub use template::Templates;

use anyhow::Context;
use qrcode::{Color, EcLevel, QrCode};

/// Modules of white around a code.
const QUIET: usize = 4;

/// The dark modules of a text's code, level M, row by row without the quiet zone.
fn modules(text: &str) -> anyhow::Result<Vec<Vec<bool>>> {
    let qr = QrCode::with_error_correction_level(text, EcLevel::M).context("make a QR code")?;
    let side = qr.width();
    Ok(qr.to_colors().chunks(side).map(|row| row.iter().map(|color| *color == Color::Dark).collect()).collect())
}
