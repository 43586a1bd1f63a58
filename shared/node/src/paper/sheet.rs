//! One piece of paper: its lines as a template gives them, and as they are laid on so many columns.

use super::letters::plain;

/// A line of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Words, wrapped where they are too long.
    Text {
        /// The words.
        text: String,
        /// In the middle.
        centred: bool,
        /// In letters of twice the size.
        big: bool,
    },
    /// Two texts at the two sides.
    Pair(String, String),
    /// A line across.
    Rule,
    /// An empty line.
    Gap,
    /// A QR code.
    Qr(String),
}

/// One piece of paper.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sheet {
    /// From the top.
    pub lines: Vec<Line>,
}

/// What stands on the paper at one height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Laid {
    /// Letters from the left edge, plain.
    Row {
        /// The letters.
        text: String,
        /// Each takes two columns and two heights.
        big: bool,
    },
    /// A QR code, in the middle.
    Qr(String),
}

/// A line that a template may not give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {number}, {line:?}: it begins with none of text, center, big, pair, qr, rule")]
pub struct BadLine {
    number: usize,
    line: String,
}

impl Sheet {
    /// Reads what a template gave: each line begins with its kind and a colon.
    ///
    /// # Errors
    /// If a line is of no kind that a sheet has.
    pub fn read(text: &str) -> Result<Self, BadLine> {
        let read = |(at, line): (usize, &str)| {
            let line = line.trim();
            let (kind, rest) = line.split_once(':').unwrap_or((line, ""));
            let rest = plain(rest.trim());
            Ok(match kind {
                "" => Line::Gap,
                "text" => Line::Text { text: rest, centred: false, big: false },
                "center" => Line::Text { text: rest, centred: true, big: false },
                "big" => Line::Text { text: rest, centred: true, big: true },
                "pair" => {
                    let (left, right) = rest.rsplit_once('|').unwrap_or((&rest, ""));
                    Line::Pair(left.trim().to_owned(), right.trim().to_owned())
                }
                "rule" => Line::Rule,
                "qr" => Line::Qr(rest),
                _ => return Err(BadLine { number: at + 1, line: line.chars().take(60).collect() }),
            })
        };
        Ok(Self { lines: text.lines().enumerate().map(read).collect::<Result<_, _>>()? })
    }

    /// The same paper once more: it says so first of all.
    #[must_use]
    pub fn duplicate(mut self, copy: u32) -> Self {
        let text = format!("DUPLICATE {copy}");
        self.lines.insert(0, Line::Text { text, centred: true, big: true });
        self
    }

    /// Lays the lines on so many columns.
    pub fn lay(&self, columns: usize) -> Vec<Laid> {
        let mut laid = Vec::new();
        for line in &self.lines {
            match line {
                Line::Text { text, centred, big } => {
                    let columns = if *big { columns / 2 } else { columns };
                    for row in wrap(text, columns) {
                        let indent = if *centred { (columns - row.chars().count()) / 2 } else { 0 };
                        laid.push(Laid::Row { text: format!("{:indent$}{row}", ""), big: *big });
                    }
                }
                Line::Pair(left, right) => {
                    let right: String = right.chars().take(columns).collect();
                    let room = columns - right.chars().count();
                    let mut rows = wrap(left, room.saturating_sub(1).max(1));
                    let last = rows.pop().unwrap_or_default();
                    laid.extend(rows.into_iter().map(|text| Laid::Row { text, big: false }));
                    if last.chars().count() < room {
                        laid.push(Laid::Row { text: format!("{last:room$}{right}"), big: false });
                    } else {
                        laid.push(Laid::Row { text: last, big: false });
                        laid.push(Laid::Row { text: format!("{right:>columns$}"), big: false });
                    }
                }
                Line::Rule => laid.push(Laid::Row { text: "-".repeat(columns), big: false }),
                Line::Gap => laid.push(Laid::Row { text: String::new(), big: false }),
                Line::Qr(text) => laid.push(Laid::Qr(text.clone())),
            }
        }
        laid
    }
}

/// Rows of at most so many letters, broken between words where that is possible.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for (at, part) in letters.chunks(columns).enumerate() {
            let Some(row) = rows.last_mut() else { continue };
            let taken = row.chars().count();
            if taken == 0 {
                row.extend(part);
            } else if at == 0 && taken + 1 + part.len() <= columns {
                row.push(' ');
                row.extend(part);
            } else {
                rows.push(part.iter().collect());
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_is_laid_within_its_columns() {
        let text =
            "big: Seat A1\n\ncenter: Rex\npair: A1 Silver | 150.00\nrule:\ntext: one two three four five\nqr: AB12";
        let laid = Sheet::read(text).expect("sheet").lay(16);
        let row = |text: &str| Laid::Row { text: text.into(), big: false };
        let expected = vec![
            Laid::Row { text: "Seat A1".into(), big: true },
            row(""),
            row("      Rex"),
            row("A1 Silver 150.00"),
            row("----------------"),
            row("one two three"),
            row("four five"),
            Laid::Qr("AB12".into()),
        ];
        assert_eq!(laid, expected);
    }

    #[test]
    fn whatever_the_words_no_row_is_wider_than_the_paper() {
        let lines = [
            "text: Donaudampfschifffahrtsgesellschaftskapitän",
            "big: The Longest Title That Anybody Ever Thought Of",
            "pair: Balcony premium recliner | 1,23,456.00",
            "pair: a | 123456789012345678901234567890",
            "pair: |",
            "text:",
        ];
        for line in lines {
            for columns in [2, 7, 16, 32, 48] {
                for laid in Sheet::read(line).expect(line).lay(columns) {
                    let Laid::Row { text, big } = laid else { panic!("a row") };
                    let wide = text.chars().count() * if big { 2 } else { 1 };
                    assert!(wide <= columns, "{line} on {columns}: {text:?}");
                }
            }
        }
    }

    #[test]
    fn a_line_of_no_kind_is_named() {
        let error = Sheet::read("text: a\nfont: b").expect_err("no such kind").to_string();
        assert!(error.starts_with("line 2, \"font: b\""), "{error}");
    }

    #[test]
    fn a_duplicate_says_so_first() {
        let first = Sheet::read("text: a").expect("sheet").duplicate(2).lay(48).remove(0);
        assert_eq!(first, Laid::Row { text: "      DUPLICATE 2".into(), big: true });
    }
}
