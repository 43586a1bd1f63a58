//! Sheets as ESC/POS, the language of receipt printers. Codes are sent as pictures, for not every printer draws them alike.

use super::sheet::Laid;
use super::{QUIET, Sheet, letters, modules};

/// Dots of a letter's width.
const LETTER: usize = 12;
/// Dots of a module: 41 of them are 31 mm at 203 dots an inch.
const MODULE: usize = 6;
/// Rows of dots in one command; printers with little memory take no more.
const ROWS_MAX: usize = 512;

/// Begin anew, letters of Windows-1252.
const BEGIN: &[u8] = b"\x1b@\x1bt\x10";
/// Opens the cash drawer that hangs on the printer.
pub const KICK: &[u8] = b"\x1bp\x00\x32\xfa";
/// Feeds the paper past the knife and cuts it.
const CUT: &[u8] = b"\x1dVB\x03";

/// The paper that a printer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// 58 mm, 384 dots.
    Narrow,
    /// 80 mm, 576 dots.
    Wide,
}

impl Width {
    fn dots(self) -> usize {
        match self {
            Self::Narrow => 384,
            Self::Wide => 576,
        }
    }

    /// Letters in a row.
    pub fn columns(self) -> usize {
        self.dots() / LETTER
    }
}

/// Sheets one after the other, each cut off; the drawer is opened before the first one.
///
/// # Errors
/// If a text is too long for a code.
pub fn draw(sheets: &[Sheet], width: Width, kick: bool) -> anyhow::Result<Vec<u8>> {
    let mut out = BEGIN.to_vec();
    if kick {
        out.extend(KICK);
    }
    for sheet in sheets {
        for laid in sheet.lay(width.columns()) {
            match laid {
                Laid::Row { text, big } => {
                    out.extend([0x1d, b'!', if big { 0x11 } else { 0 }]);
                    out.extend(letters::bytes(&text));
                    out.push(b'\n');
                }
                Laid::Qr(text) => raster(&mut out, &modules(&text)?, width),
            }
        }
        out.extend(CUT);
    }
    Ok(out)
}

/// `GS v 0`: the code in the middle of the paper's whole width.
fn raster(out: &mut Vec<u8>, modules: &[Vec<bool>], width: Width) {
    let wide = width.dots() / 8;
    let side = (modules.len() + 2 * QUIET) * MODULE;
    let left = width.dots().saturating_sub(side) / 2;
    let module = |at: usize, start: usize| (at.checked_sub(start)? / MODULE).checked_sub(QUIET);
    let row = |y: usize| {
        let mut bytes = vec![0_u8; wide];
        for x in 0..width.dots() {
            let dark = module(y, 0).zip(module(x, left)).and_then(|(row, column)| modules.get(row)?.get(column));
            if dark == Some(&true) {
                bytes[x / 8] |= 0x80 >> (x % 8);
            }
        }
        bytes
    };
    let rows: Vec<Vec<u8>> = (0..side).map(row).collect();
    for band in rows.chunks(ROWS_MAX) {
        out.extend(b"\x1dv0\x00");
        for size in [wide, band.len()] {
            out.extend(u16::try_from(size).unwrap_or(u16::MAX).to_le_bytes());
        }
        out.extend(band.iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_begins_anew_and_ends_with_a_cut_and_the_drawer_opens_only_when_asked() {
        let sheets = [Sheet::read("text: é").expect("sheet"), Sheet::read("big: A1").expect("sheet")];
        let quiet = draw(&sheets, Width::Wide, false).expect("bytes");
        assert_eq!(quiet, [BEGIN, b"\x1d!\x00\xe9\n", CUT, b"\x1d!\x11           A1\n", CUT].concat());
        let kicked = draw(&sheets, Width::Wide, true).expect("bytes");
        assert_eq!(kicked, [BEGIN, KICK, &quiet[BEGIN.len()..]].concat());
    }

    #[test]
    fn a_code_is_a_picture_of_the_whole_width() {
        let sheet = Sheet::read(&format!("qr: {}", "A2".repeat(76))).expect("sheet");
        for (width, bytes) in [(Width::Narrow, 48), (Width::Wide, 72)] {
            let drawn = draw(std::slice::from_ref(&sheet), width, false).expect("bytes");
            let side = (41 + 2 * QUIET) * MODULE;
            assert_eq!(drawn.len(), BEGIN.len() + 8 + bytes * side + CUT.len());
            let picture = &drawn[BEGIN.len() + 8..drawn.len() - CUT.len()];
            assert!(picture[..bytes * QUIET * MODULE].iter().all(|byte| *byte == 0), "the quiet zone is white");
        }
    }
}
