//! How an engine finds what it is asked: the plans that it explains, in words that both engines share.

use crate::ON_POSTGRES;
use node::store::{EachRow, Sql, StoreError, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// The theatres of a fleet: PostgreSQL reads them all where the shows of most of them are asked for.
const SMALL: &str = "theatre";
/// Indexes that hold only what waits, and may be gone through.
const WAITING: [&str; 3] = ["booking_open", "booking_cancelling", "payment_one_open"];

/// Explains whatever is asked, and asks it.
struct Explained<'c> {
    sql: &'c dyn Sql,
    plans: RefCell<Vec<String>>,
}

impl Explained<'_> {
    fn explain(&self, sql: &str, values: &[Value<'_>]) -> Result<(), StoreError> {
        let (word, column) = if ON_POSTGRES { ("EXPLAIN", 0) } else { ("EXPLAIN QUERY PLAN", 3) };
        self.sql.query(&format!("{word} {sql}"), values, &mut |row| {
            self.plans.borrow_mut().push(row.get(column)?);
            Ok(true)
        })
    }
}

impl Sql for Explained<'_> {
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
        self.explain(sql, values)?;
        self.sql.execute(sql, values)
    }

    fn query(&self, sql: &str, values: &[Value<'_>], each: &mut EachRow<'_>) -> Result<(), StoreError> {
        self.explain(sql, values)?;
        self.sql.query(sql, values, each)
    }
}

/// What a plan reads: indexes that it looks into, and what it goes through from end to end.
fn read_by(plan: &[String]) -> BTreeSet<String> {
    (0..plan.len()).filter_map(|at| if ON_POSTGRES { of_postgres(&plan[at..]) } else { of_sqlite(&plan[at]) }).collect()
}

fn of_sqlite(step: &str) -> Option<String> {
    let index = word_after(step, "INDEX").map(|index| index.trim_start_matches("sqlite_autoindex_"));
    let index = index.or_else(|| step.contains("PRIMARY KEY").then_some("key"));
    let table = step.split_whitespace().nth(1)?;
    match (step.split_whitespace().next()?, index) {
        ("SEARCH", Some(index)) => Some(index.to_owned()),
        ("SCAN", Some(index)) if WAITING.contains(&index) => Some(index.to_owned()),
        ("SCAN", _) if table == "CONSTANT" => None,
        ("SCAN" | "SEARCH", index) => Some(format!("ALL OF {}", index.unwrap_or(table))),
        _ => None,
    }
}

/// The first of these lines, which the next ones may explain.
fn of_postgres(lines: &[String]) -> Option<String> {
    let (step, more) = lines.split_first()?;
    if step.contains("Seq Scan") {
        return Some(format!("ALL OF {}", word_after(step, "on")?));
    }
    let index = match step.contains("Bitmap Index Scan") {
        true => word_after(step, "on")?,
        false => word_after(step, "using").filter(|_| step.contains("Index"))?,
    };
    let mut explained = more.iter().take_while(|line| !line.contains("->"));
    let looks = explained.any(|line| line.contains("Index Cond")) || WAITING.contains(&index);
    let index = if index.ends_with("_pkey") { "key" } else { index };
    Some(if looks { index.to_owned() } else { format!("ALL OF {index}") })
}

fn word_after<'s>(step: &'s str, word: &str) -> Option<&'s str> {
    step.split_whitespace().skip_while(|found| *found != word).nth(1)
}

/// What one question is answered by.
fn plan(sql: &dyn Sql, ask: impl FnOnce(&dyn Sql) -> anyhow::Result<()>) -> String {
    let explained = Explained { sql, plans: RefCell::default() };
    ask(&explained).expect("an answer");
    let plans = explained.plans.into_inner();
    assert!(!plans.is_empty(), "nothing was asked");
    read_by(&plans).into_iter().collect::<Vec<_>>().join(" ")
}

/// Compares the plans with a table: the question, what SQLite reads, what PostgreSQL reads.
pub(crate) struct Table<'c> {
    pub(crate) sql: &'c dyn Sql,
    pub(crate) rows: Vec<[&'static str; 3]>,
    pub(crate) differences: Vec<String>,
}

impl Table<'_> {
    pub(crate) fn check(&mut self, question: &str, ask: impl FnOnce(&dyn Sql) -> anyhow::Result<()>) {
        let found = plan(self.sql, ask);
        let row = self.rows.iter().position(|[name, ..]| *name == question);
        let expected = row.map(|row| self.rows.swap_remove(row)).map(|[_, sqlite, postgres]| match ON_POSTGRES {
            true if postgres != "same" => postgres,
            _ => sqlite,
        });
        let too_much = found.split("ALL OF ").skip(1).any(|rest| rest.split(' ').next() != Some(SMALL));
        if expected != Some(found.as_str()) || too_much {
            self.differences.push(format!("{question}: {found}"));
        }
    }
}
