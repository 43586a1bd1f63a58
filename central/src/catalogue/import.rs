//! Reading a CSV table by its header: good rows are imported, bad rows are reported by line number.

use clap::ValueEnum;
use node::store::StoreError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

/// What can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Table {
    /// CSV with city, name, screens, seats and more.
    Theatres,
    /// CSV with title, year, `runtime_min`, genres, cast.
    Movies,
    /// A JSON object a line with theatre, city, screen, plan.
    Plans,
    /// CSV with theatre, city, screen, movie, `starts_at`, `ends_at`, prices.
    Shows,
}

impl Table {
    /// As commands and routes name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Theatres => "theatres",
            Self::Movies => "movies",
            Self::Plans => "plans",
            Self::Shows => "shows",
        }
    }
}

/// What became of one good row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// It was not there.
    Added,
    /// It was there with other facts.
    Updated,
    /// It was there just so.
    Unchanged,
}

/// A row that was not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRow {
    /// The line it starts on, the header being line 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Rows that were not there before.
    pub added: usize,
    /// Rows whose facts changed.
    pub updated: usize,
    /// Rows that were there already.
    pub unchanged: usize,
    /// Rows that were not imported.
    pub refused: Vec<RefusedRow>,
}

impl ImportReport {
    /// Counts one row.
    pub fn count(&mut self, line: u64, row: Result<Imported, String>) {
        match row {
            Ok(Imported::Added) => self.added += 1,
            Ok(Imported::Updated) => self.updated += 1,
            Ok(Imported::Unchanged) => self.unchanged += 1,
            Err(reason) => self.refused.push(RefusedRow { line, reason }),
        }
    }
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.refused {
            writeln!(f, "line {}: {}", row.line, row.reason)?;
        }
        let Self { added, updated, unchanged, refused } = self;
        write!(f, "{added} added, {updated} updated, {unchanged} unchanged, {} refused", refused.len())
    }
}

/// Why nothing at all was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The header lacks columns.
    #[error("the first line must name the columns {expected}; missing: {missing}")]
    Header {
        /// All columns that are needed.
        expected: String,
        /// Those that are not there.
        missing: String,
    },
    /// The input could not be read.
    #[error("read the table")]
    Read(#[source] csv::Error),
    /// A line could not be read.
    #[error("read the lines")]
    Lines(#[source] std::io::Error),
    /// The store refused.
    #[error("write the rows to the store")]
    Store(#[from] StoreError),
    /// A theatre's log could not be opened.
    #[error("open the theatre's log")]
    Log(#[source] anyhow::Error),
}

impl ImportError {
    /// Is it the table's fault, so that the same table will never be imported?
    pub fn is_of_the_table(&self) -> bool {
        matches!(self, Self::Header { .. } | Self::Read(_) | Self::Lines(_))
    }
}

/// Why one row was not imported.
#[derive(Debug)]
pub enum RowError {
    /// It is not a good row; the import goes on.
    Bad(String),
    /// The import stops.
    Fatal(ImportError),
}

impl From<StoreError> for RowError {
    fn from(error: StoreError) -> Self {
        Self::Fatal(error.into())
    }
}

impl From<String> for RowError {
    fn from(reason: String) -> Self {
        Self::Bad(reason)
    }
}

/// One row, read by column name.
pub struct Row<'a> {
    columns: &'a BTreeMap<String, usize>,
    record: &'a csv::StringRecord,
}

impl Row<'_> {
    /// The field, trimmed; empty where the table has no such column.
    pub fn text(&self, column: &str) -> &str {
        self.columns.get(column).and_then(|&i| self.record.get(i)).unwrap_or_default().trim()
    }

    /// The field, refused when empty or longer than `max` characters.
    pub fn name(&self, column: &str, max: usize) -> Result<String, String> {
        let text = self.text(column);
        match text.chars().count() {
            0 => Err(format!("{column} is missing")),
            n if n > max => Err(format!("{column} has {n} characters, more than {max}")),
            _ => Ok(text.to_owned()),
        }
    }

    /// A whole number of 1 or more; `0` stands for missing in published tables.
    pub fn count(&self, column: &str, max: u32) -> Result<u32, String> {
        match self.text(column) {
            "" | "0" => Err(format!("{column} is missing")),
            text => match text.parse() {
                Ok(n) if n <= max => Ok(n),
                Ok(n) => Err(format!("{column} is {n}, more than {max}")),
                Err(_) => Err(format!("{column} {text:?} is not a whole number")),
            },
        }
    }

    /// A decimal number within bounds, nothing where the field is empty.
    pub fn decimal(&self, column: &str, bound: f64) -> Result<Option<f64>, String> {
        match self.text(column) {
            "" => Ok(None),
            text => match text.parse::<f64>() {
                Ok(n) if n.abs() <= bound => Ok(Some(n)),
                _ => Err(format!("{column} {text:?} is not a number between -{bound} and {bound}")),
            },
        }
    }
}

/// How every CSV table is read here.
pub fn reader<R: Read>(input: R) -> csv::Reader<R> {
    // With CRLF as its terminator the reader would count a line as ended before its LF, and name the line above.
    csv::ReaderBuilder::new().terminator(csv::Terminator::Any(b'\n')).flexible(true).from_reader(input)
}

/// Reads a table, calling `import` for each row that has the header's number of fields.
pub fn read_table<R: Read>(
    input: R,
    required: &[&str],
    mut import: impl FnMut(&Row<'_>) -> Result<Imported, RowError>,
) -> Result<ImportReport, ImportError> {
    let mut reader = reader(input);
    let headers = reader.headers().map_err(ImportError::Read)?;
    let columns: BTreeMap<String, usize> =
        headers.iter().enumerate().map(|(i, name)| (name.trim().to_ascii_lowercase(), i)).collect();
    let missing: Vec<&str> = required.iter().copied().filter(|name| !columns.contains_key(*name)).collect();
    if !missing.is_empty() {
        return Err(ImportError::Header { expected: required.join(", "), missing: missing.join(", ") });
    }
    let mut report = ImportReport::default();
    for record in reader.into_records() {
        let record = match record {
            Ok(record) => record,
            Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                report.count(line(error.position()), Err("the text is not UTF-8".to_owned()));
                continue;
            }
            Err(error) => return Err(ImportError::Read(error)),
        };
        if record.iter().all(|field| field.trim().is_empty()) {
            continue;
        }
        let imported = match import_record(&columns, &record, &mut import) {
            Ok(imported) => Ok(imported),
            Err(RowError::Bad(reason)) => Err(reason),
            Err(RowError::Fatal(error)) => return Err(error),
        };
        report.count(line(record.position()), imported);
    }
    Ok(report)
}

fn import_record(
    columns: &BTreeMap<String, usize>,
    record: &csv::StringRecord,
    import: &mut impl FnMut(&Row<'_>) -> Result<Imported, RowError>,
) -> Result<Imported, RowError> {
    let (count, expected) = (record.len(), columns.len());
    if count != expected {
        let reason = format!("{count} fields where the header has {expected}; is a quote or a comma missing?");
        return Err(RowError::Bad(reason));
    }
    import(&Row { columns, record })
}

fn line(position: Option<&csv::Position>) -> u64 {
    position.map_or(0, csv::Position::line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ImportReport, ImportError> {
        read_table(text.as_bytes(), &["name", "seats"], |row| {
            row.name("name", 20)?;
            row.count("seats", 1000)?;
            Ok(Imported::Added)
        })
    }

    #[test]
    fn bad_rows_are_named_by_line_and_good_rows_counted() {
        let report = read("name,seats\r\n\"A, B\",10\r\nC,0\r\n,5\r\nD,x\r\nE,1,2\r\nF,7\r\n").expect("reads");
        assert_eq!(report.added, 2);
        let lines: Vec<(u64, &str)> = report.refused.iter().map(|row| (row.line, row.reason.as_str())).collect();
        assert_eq!(
            lines,
            [
                (3, "seats is missing"),
                (4, "name is missing"),
                (5, "seats \"x\" is not a whole number"),
                (6, "3 fields where the header has 2; is a quote or a comma missing?"),
            ]
        );
    }

    #[test]
    fn a_table_without_its_columns_is_refused_whole() {
        let error = read("title\nA\n").expect_err("no such columns");
        assert_eq!(error.to_string(), "the first line must name the columns name, seats; missing: name, seats");
        assert!(read("").is_err());
    }

    #[test]
    fn an_unclosed_quote_is_reported_at_its_line() {
        let report = read("name,seats\nA,1\n\"B,2\nC,3\n").expect("reads");
        assert_eq!((report.added, report.refused.len()), (1, 1));
        assert_eq!(report.refused[0].line, 3);
    }
}
