//! Sheets as a document, for a printer that is not a receipt printer and for guests. Letters and codes stand as on the roll.

use super::sheet::Laid;
use super::{QUIET, Sheet, letters, modules};
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

/// Points of a millimetre.
const MM: f32 = 72.0 / 25.4;
/// Letters in a row.
const COLUMNS: usize = 48;
/// A row of letters is this wide.
const WIDE: f32 = 72.0 * MM;
/// The letters' size: a letter of Courier is 0.6 of it.
const SIZE: f32 = WIDE / 48.0 / 0.6;
/// From one row to the next.
const LEADING: f32 = SIZE * 1.25;
/// A module of a code, 31 mm for 41 of them.
const MODULE: f32 = 0.76 * MM;
const MARGIN: f32 = 4.0 * MM;
const FONT: Name<'static> = Name(b"F");

/// The paper that a document is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// As wide as a receipt and as long as it must be.
    Roll,
    /// A4, one sheet a page.
    A4,
}

/// The document.
///
/// # Errors
/// If a text is too long for a code.
pub fn draw(sheets: &[Sheet], page: Page, title: &str) -> anyhow::Result<Vec<u8>> {
    let mut last = 0;
    let mut next = || {
        last += 1;
        Ref::new(last)
    };
    let (catalog, pages, font, info) = (next(), next(), next(), next());
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(pages);
    pdf.document_info(info).title(TextStr(title)).producer(TextStr("Usher"));
    pdf.type1_font(font).base_font(Name(b"Courier-Bold")).encoding_predefined(Name(b"WinAnsiEncoding"));
    let mut kids = Vec::with_capacity(sheets.len());
    for sheet in sheets {
        let (kid, content) = (next(), next());
        kids.push(kid);
        let laid = sheet.lay(COLUMNS);
        let heights = laid.iter().map(height).collect::<anyhow::Result<Vec<f32>>>()?;
        let (wide, high) = match page {
            Page::Roll => (WIDE + 2.0 * MARGIN, heights.iter().sum::<f32>() + 2.0 * MARGIN),
            Page::A4 => (210.0 * MM, 297.0 * MM),
        };
        let mut written = pdf.page(kid);
        written.parent(pages).media_box(Rect::new(0.0, 0.0, wide, high)).contents(content);
        written.resources().fonts().pair(FONT, font);
        written.finish();
        let top = if page == Page::Roll { high - MARGIN } else { high - 5.0 * MARGIN };
        pdf.stream(content, &contents(&laid, &heights, wide, top)?.finish());
    }
    let count = i32::try_from(kids.len()).unwrap_or(i32::MAX);
    pdf.pages(pages).count(count).kids(kids);
    Ok(pdf.finish())
}

fn height(laid: &Laid) -> anyhow::Result<f32> {
    Ok(match laid {
        Laid::Row { big: false, .. } => LEADING,
        Laid::Row { big: true, .. } => 2.0 * LEADING,
        Laid::Qr(text) => modules_wide(modules(text)?.len() + 2 * QUIET),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a code has less than 200 modules")]
fn modules_wide(count: usize) -> f32 {
    count as f32 * MODULE
}

fn contents(laid: &[Laid], heights: &[f32], wide: f32, top: f32) -> anyhow::Result<Content> {
    let mut content = Content::new();
    let left = (wide - WIDE) / 2.0;
    let mut y = top;
    for (laid, height) in laid.iter().zip(heights) {
        match laid {
            Laid::Row { text, big } => {
                let size = if *big { 2.0 * SIZE } else { SIZE };
                content.begin_text().set_font(FONT, size).next_line(left, y - size);
                content.show(Str(&letters::bytes(text))).end_text();
            }
            Laid::Qr(text) => {
                let (modules, left) = (modules(text)?, (wide - height) / 2.0);
                for (row, dark) in modules.iter().enumerate() {
                    let mut column = 0;
                    for run in dark.chunk_by(PartialEq::eq) {
                        if run.first() == Some(&true) {
                            let x = left + modules_wide(column + QUIET);
                            let bottom = y - modules_wide(row + QUIET + 1);
                            content.rect(x, bottom, modules_wide(run.len()), MODULE);
                        }
                        column += run.len();
                    }
                }
                content.fill_nonzero();
            }
        }
        y -= height;
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_a_page_for_each_sheet() {
        let sheet = Sheet::read(&format!("big: A1\nqr: {}\ntext: Amélie", "A2".repeat(76))).expect("sheet");
        for page in [Page::Roll, Page::A4] {
            let drawn = draw(&[sheet.clone(), sheet.clone()], page, "Tickets").expect("document");
            let text = String::from_utf8_lossy(&drawn);
            assert!(text.starts_with("%PDF-") && text.contains("/Count 2"), "{text:.200}");
            assert!(text.contains("<416DE96C6965>"), "letters are of Windows-1252: Amélie");
        }
    }
}
