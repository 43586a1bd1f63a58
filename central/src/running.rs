//! A central that runs, as the command line sees it: what would change its store behind its back is asked of it instead.

use crate::catalogue::import::{ImportReport, RefusedRow, Table};
use crate::fleet::boxes::EnrolRequest;
use crate::fleet::imports;
use anyhow::{Context, bail, ensure};
use reqwest::{RequestBuilder, Response, header};
use serde_json::Value;
use std::time::Duration;

/// Rows of one part: sales wait no longer than these take.
const PART_ROWS: usize = 50;
/// Bytes after which a part has enough rows.
const PART_BYTES: usize = 48 * 1024;
const CONNECT_WAIT: Duration = Duration::from_secs(5);
const ANSWER_WAIT: Duration = Duration::from_secs(60);
/// What is over in a moment. A store that has stopped is not among it: asking on would stop the next one.
const PASSES: [&str; 5] = ["overloaded", "no_node_works", "outcome_unknown", "store_unreachable", "shutting_down"];
/// Central may be busy, or another node of it taking over.
const TRIES: usize = 30;

/// Where it answers, and what is shown to it.
pub struct RunningCentral {
    client: reqwest::Client,
    url: String,
    token: String,
}

impl RunningCentral {
    /// The central at this address.
    ///
    /// # Errors
    /// If there is no operator token, or the system's certificates cannot be read.
    pub fn at(url: &str, token: &str) -> anyhow::Result<Self> {
        ensure!(!token.trim().is_empty(), "a central that runs is shown its operator token: set USHER_OPERATOR_TOKEN");
        node::telemetry::install_crypto();
        let client = reqwest::Client::builder().connect_timeout(CONNECT_WAIT).timeout(ANSWER_WAIT).build();
        let client = client.context("prepare to ask central")?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), token: token.trim().to_owned() })
    }

    /// Imports a table part by part, telling `progress` what was done so far and of how many bytes.
    ///
    /// # Errors
    /// If central cannot be asked or refuses; the parts before that are imported, and may be again.
    pub async fn import(
        &self,
        table: Table,
        text: &[u8],
        mut progress: impl FnMut(&ImportReport, usize),
    ) -> anyhow::Result<ImportReport> {
        let (mut report, mut done) = (ImportReport::default(), 0);
        for part in parts(table, text)? {
            let path = format!("{}{}", imports::PATH, table.name());
            let asked = || self.client.post(self.at_path(&path)).body(part.text.clone());
            let answer = self.ask(asked).await.with_context(|| format!("import line {} and after", part.first_line))?;
            let found: ImportReport = answer.json().await.context("read central's answer")?;
            report.added += found.added;
            report.updated += found.updated;
            report.unchanged += found.unchanged;
            let refused = found.refused.into_iter();
            report.refused.extend(refused.map(|row| RefusedRow { line: part.line_of(row.line), reason: row.reason }));
            done += part.rows_bytes;
            progress(&report, done);
        }
        Ok(report)
    }

    /// Takes a box in; returns its join file.
    ///
    /// # Errors
    /// If central cannot be asked or refuses.
    pub async fn enrol(&self, theatre: &str, wanted: &EnrolRequest) -> anyhow::Result<Value> {
        let mut url = reqwest::Url::parse(&self.at_path("/")).context("read central's address")?;
        let path = ["v1", "theatres", theatre, "box"];
        url.path_segments_mut().ok().context("central's address has no path")?.clear().extend(path);
        let answer = self.ask(|| self.client.post(url.clone()).json(wanted)).await.context("enrol the box")?;
        answer.json().await.context("read central's answer")
    }

    fn at_path(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Asks until central has time; what is asked here may be asked twice.
    async fn ask(&self, request: impl Fn() -> RequestBuilder) -> anyhow::Result<Response> {
        for _ in 0..TRIES {
            let sent = request().bearer_auth(&self.token).send().await;
            let answer = sent.with_context(|| format!("ask central at {}", self.url))?;
            match answer.status() {
                status if status.is_success() => return Ok(answer),
                status => {
                    let after = answer.headers().get(header::RETRY_AFTER);
                    let after = after.and_then(|after| after.to_str().ok()?.parse().ok()).unwrap_or(1);
                    let problem: Value = answer.json().await.unwrap_or_default();
                    let text = |member: &str| problem[member].as_str().unwrap_or_default().to_owned();
                    if !PASSES.contains(&text("code").as_str()) {
                        bail!("central answers {}: {} {}", status.as_u16(), text("title"), text("detail"));
                    }
                    tokio::time::sleep(Duration::from_secs(after)).await;
                }
            }
        }
        bail!("central at {} has no time or no node that works", self.url)
    }
}

/// Some rows of a table, with its header.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    text: Vec<u8>,
    /// Of the first row, in the whole table.
    first_line: u64,
    header_lines: u64,
    rows_bytes: usize,
}

impl Part {
    /// The whole table's line for one of this part.
    fn line_of(&self, line: u64) -> u64 {
        self.first_line + line.saturating_sub(1 + self.header_lines)
    }
}

/// Cuts a table between rows.
fn parts(table: Table, text: &[u8]) -> anyhow::Result<Vec<Part>> {
    let (header_ends, rows) = match table {
        Table::Plans => (0, lines(text)),
        Table::Theatres | Table::Movies | Table::Shows => records(text)?,
    };
    let (header, header_lines) = text
        .split_at_checked(header_ends)
        .map_or((text, 0), |(header, _)| (header, header.iter().filter(|byte| **byte == b'\n').count()));
    let mut cuts: Vec<(usize, u64)> = Vec::new();
    let (mut in_part, mut starts) = (0, 0);
    for (at, line) in rows {
        if cuts.is_empty() || in_part == PART_ROWS || at - starts >= PART_BYTES {
            cuts.push((at, line));
            (in_part, starts) = (0, at);
        }
        in_part += 1;
    }
    // A header alone is asked about too: it may be a wrong one.
    if cuts.is_empty() {
        cuts.push((text.len(), 1));
    }
    let ends = cuts.iter().skip(1).map(|(at, _)| *at).chain([text.len()]);
    let part = |(&(from, first_line), to): (&(usize, u64), usize)| {
        let rows = text.get(from..to).unwrap_or_default();
        let header_lines = u64::try_from(header_lines).unwrap_or_default();
        Part { text: [header, rows].concat(), first_line, header_lines, rows_bytes: rows.len() }
    };
    Ok(cuts.iter().zip(ends).map(part).collect())
}

/// Where each line begins, and its number.
fn lines(text: &[u8]) -> Vec<(usize, u64)> {
    let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    [0].into_iter().chain(ends).zip(1..).filter(|(at, _)| *at < text.len()).collect()
}

/// Where the header ends, and where each record begins with its line.
fn records(text: &[u8]) -> anyhow::Result<(usize, Vec<(usize, u64)>)> {
    let mut reader = crate::catalogue::import::reader(text);
    reader.byte_headers().context("read the header")?;
    let at = |position: &csv::Position| usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let header_ends = at(reader.position()).min(text.len());
    let mut rows = Vec::new();
    for record in reader.byte_records() {
        let record = record.context("read the table")?;
        if let Some(position) = record.position() {
            rows.push((at(position), position.line()));
        }
    }
    Ok((header_ends, rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::import::{Imported, read_table};

    #[test]
    fn a_table_in_parts_is_the_table() {
        let wide = "x".repeat(PART_BYTES / 4);
        for (rows, field) in [(0, "a"), (1, "a"), (PART_ROWS, "a"), (PART_ROWS * 2 + 1, "\"a\n,b\""), (9, &*wide)] {
            let rows: Vec<String> = (0..rows).map(|n| format!("{n},{field}\r\n")).collect();
            let text = format!("n,field\r\n{}\r\n", rows.concat());
            let read = |text: &[u8]| {
                let mut found = Vec::new();
                let report = read_table(text, &["n", "field"], |row| {
                    found.push((row.text("n").to_owned(), row.text("field").to_owned()));
                    // Every row is refused, so that its line is told.
                    Err::<Imported, _>("no".to_owned().into())
                });
                let lines: Vec<u64> = report.expect("reads").refused.iter().map(|row| row.line).collect();
                found.into_iter().zip(lines).collect::<Vec<_>>()
            };
            let parts = parts(Table::Shows, text.as_bytes()).expect("parts");
            let in_parts = parts.iter().flat_map(|part| {
                read(&part.text).into_iter().map(|(row, line)| (row, part.line_of(line))).collect::<Vec<_>>()
            });
            assert_eq!(in_parts.collect::<Vec<_>>(), read(text.as_bytes()), "{} rows", rows.len());
            assert!(parts.iter().all(|part| part.text.len() < PART_BYTES * 2), "a part is too long");
        }
    }

    #[test]
    fn lines_in_parts_keep_their_numbers() {
        let text = (1..=PART_ROWS * 2 + 3).map(|n| format!("{{{n}}}\n\n")).collect::<String>();
        let parts = parts(Table::Plans, text.as_bytes()).expect("parts");
        assert_eq!(parts.iter().flat_map(|part| part.text.clone()).collect::<Vec<u8>>(), text.as_bytes());
        let first = |part: &Part| String::from_utf8_lossy(&part.text).lines().next().map(str::to_owned);
        assert!(parts.len() > 2, "{}", parts.len());
        for part in &parts {
            assert_eq!(first(part), Some(format!("{{{}}}", part.line_of(1).div_ceil(2))));
        }
    }
}
