//! Seating plans as they are imported: one JSON object a line, `{"theatre","city","screen","plan"}`.

use super::import::ImportError;
use serde::Deserialize;
use shared::seating::SeatingPlan;
use std::io::{BufRead, BufReader, Read};

/// The longest line that is read, bytes: a stadium's plan fits many times.
const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanRow {
    /// The theatre's name.
    pub theatre: String,
    /// Its city.
    pub city: String,
    /// The screen, from 1.
    pub screen: u8,
    /// The plan.
    pub plan: SeatingPlan,
}

/// A line's number with its plan, or with the reason why it has none.
pub type PlanLine = (u64, Result<PlanRow, String>);

/// Reads plans, each with its line number; a bad line is the reason why it is one.
pub fn read(input: impl Read) -> Result<Vec<PlanLine>, ImportError> {
    let mut rows = Vec::new();
    for (line, text) in (1..).zip(BufReader::new(input).split(b'\n')) {
        let text = text.map_err(ImportError::Lines)?;
        if !text.trim_ascii().is_empty() {
            rows.push((line, parse(&text)));
        }
    }
    Ok(rows)
}

fn parse(text: &[u8]) -> Result<PlanRow, String> {
    if text.len() > LINE_BYTES_MAX {
        return Err(format!("the line has {} bytes, more than {LINE_BYTES_MAX}", text.len()));
    }
    let row: PlanRow = serde_json::from_slice(text).map_err(|error| format!("not a plan: {error}"))?;
    if row.screen == 0 {
        return Err("screens are numbered from 1".to_owned());
    }
    row.plan.check().map_err(|bad| bad.to_string())?;
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_lines_are_told_apart_from_good_ones() {
        let run = r#"{"first":1,"number":1,"count":4,"category":0,"gap":0,"accessible":false}"#;
        let good = format!(
            r#"{{"theatre":"Vijay","city":"Pune","screen":1,"plan":{{"version":1,"categories":["Gold"],"rows":[{{"label":"A","runs":[{run}]}}]}}}}"#
        );
        let twice = good.replace(&format!("[{run}]"), &format!("[{run},{run}]"));
        let text = format!("{good}\r\n\n{twice}\n{{\n{}", good.replace("\"screen\":1", "\"screen\":0"));
        let rows = read(text.as_bytes()).expect("reads");
        let lines: Vec<(u64, bool)> = rows.iter().map(|(line, row)| (*line, row.is_ok())).collect();
        assert_eq!(lines, [(1, true), (3, false), (4, false), (5, false)]);
        assert_eq!(rows[1].1.as_ref().expect_err("twice"), "seat A1 appears twice");
    }
}
