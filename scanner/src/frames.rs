//! `POST /v1/frames?width=&height=`: a picture of the page's camera, one byte of brightness for each point, for browsers that cannot
//! find codes in pictures by themselves.

use axum::Json;
use axum::body::Bytes;
use node::problem::{Params, Problem};
use serde::{Deserialize, Serialize};

/// Points of the largest picture.
pub(crate) const POINTS_MAX: usize = 1280 * 960;

/// The size of the picture.
#[derive(Debug, Deserialize)]
pub(crate) struct FrameQuery {
    width: usize,
    height: usize,
}

/// What was found in it.
#[derive(Debug, Serialize)]
pub(crate) struct FrameView {
    codes: Vec<String>,
}

/// Finds the QR codes of a picture.
///
/// # Errors
/// 422 `bad_frame` where size and bytes do not fit.
pub(crate) async fn decode(
    Params(FrameQuery { width, height }): Params<FrameQuery>,
    body: Bytes,
) -> Result<Json<FrameView>, Problem> {
    if width.checked_mul(height).is_none_or(|points| points == 0 || points != body.len() || points > POINTS_MAX) {
        return Err(Problem::unprocessable("bad_frame", "A picture has a byte for each point of width by height."));
    }
    let found = tokio::task::spawn_blocking(move || codes(width, height, &body)).await;
    let codes = found.map_err(|error| anyhow::anyhow!("look for codes in a picture: {error}"))?;
    Ok(Json(FrameView { codes }))
}

/// The texts of all codes that can be read.
fn codes(width: usize, height: usize, points: &[u8]) -> Vec<String> {
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
        points.get(y * width + x).copied().unwrap_or(255)
    });
    picture.detect_grids().iter().filter_map(|grid| grid.decode().ok()).map(|(_, text)| text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use qrcode::{Color, EcLevel, QrCode};

    /// A ticket's code, each module so many points wide, somewhere in a grey picture with noise.
    fn picture(text: &str, module: usize) -> (usize, usize, Vec<u8>) {
        let qr = QrCode::with_error_correction_level(text, EcLevel::M).expect("code");
        let (size, edge) = (qr.width(), 6 * module + 17);
        let width = size * module + 2 * edge;
        let mut points: Vec<u8> = (0..width * width).map(|at| 190 + (at * 7919 % 23) as u8).collect();
        for (at, color) in qr.to_colors().into_iter().enumerate() {
            for point in 0..module * module {
                let (x, y) = (edge + at % size * module + point % module, edge + at / size * module + point / module);
                points[y * width + x] = if color == Color::Dark { 50 } else { 205 };
            }
        }
        (width, width, points)
    }

    #[test]
    fn a_ticket_is_read_from_a_picture_and_a_picture_without_one_gives_none() {
        let text = "MFRGGZDFMZTWQ2LK".repeat(9) + "MFRGGZDF";
        for module in [3, 4, 7] {
            let (width, height, points) = picture(&text, module);
            assert_eq!(codes(width, height, &points), [text.as_str()], "{module} points a module");
        }
        assert_eq!(codes(64, 64, &[128; 64 * 64]), Vec::<String>::new());
        assert_eq!(codes(1, 1, &[0]), Vec::<String>::new());
    }
}
