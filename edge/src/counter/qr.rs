//! Ticket codes and certificates as pictures.

use crate::house::House;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use node::problem::Problem;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use rusqlite::OptionalExtension;
use shared::ids::{KeyId, TicketId};
use shared::keys::Certificate;
use std::sync::Arc;

/// The smallest width and height of a picture, in units of the SVG; screens scale it.
const SIZE_MIN: u32 = 320;

/// `GET /v1/tickets/{ticket}.svg`: the ticket's QR code. No login: the random ticket id in the address is the key, as for the
/// paper it is printed on.
pub async fn ticket(
    State(house): State<Arc<House>>,
    Path(file): Path<String>,
) -> Result<impl IntoResponse + use<>, Problem> {
    let unknown = || Problem::not_found("unknown_ticket", "There is no such ticket.");
    let ticket: TicketId = file.strip_suffix(".svg").and_then(|id| id.parse().ok()).ok_or_else(unknown)?;
    let code: Option<String> = house
        .readers
        .read(move |db| {
            let select = "SELECT code FROM sale_tickets WHERE ticket = ?1";
            Ok(db.query_row(select, [ticket.0], |row| row.get(0)).optional()?)
        })
        .await?;
    let picture = picture(&code.ok_or_else(unknown)?)?;
    Ok(([(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "private, max-age=86400")], picture))
}

/// `GET /v1/certificates/{key}.svg`: the certificate of a key as a QR code, to be posted at a door whose scanner is never online. No
/// login: a certificate is no secret.
pub async fn certificate(
    State(house): State<Arc<House>>,
    Path(file): Path<String>,
) -> Result<impl IntoResponse + use<>, Problem> {
    let unknown = || Problem::not_found("unknown_key", "No certificate of this key is known here.");
    let key: KeyId = file.strip_suffix(".svg").and_then(|id| id.parse().ok()).ok_or_else(unknown)?;
    let (keys, root) = {
        let board = house.board.borrow();
        (board.keys.clone(), board.ring.root())
    };
    let is_of_key = |text: &&String| Certificate::read(text, &root).is_ok_and(|found| found.key_id() == key);
    let picture = picture(keys.certificates.iter().find(is_of_key).ok_or_else(unknown)?)?;
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], picture))
}

/// The QR code of a text as SVG, level M with a quiet zone.
pub(super) fn picture(code: &str) -> anyhow::Result<String> {
    let qr = QrCode::with_error_correction_level(code, EcLevel::M)?;
    Ok(qr.render::<svg::Color<'_>>().min_dimensions(SIZE_MIN, SIZE_MIN).quiet_zone(true).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_ticket_code_fits_a_small_picture() {
        let picture = picture(&"A7".repeat(87)).expect("picture");
        assert!(picture.starts_with("<?xml") && picture.contains("<svg"), "{picture:.80}");
        let qr = QrCode::with_error_correction_level("A7".repeat(86), EcLevel::M).expect("code");
        assert!(qr.width() <= 45, "version 7 has 45 modules, not {}", qr.width());
    }
}
