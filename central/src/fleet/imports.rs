//! Importing a table while central sells, a part at a time so that sales go on between the parts.

use crate::catalogue::import::{ImportReport, Table};
use crate::office::App;
use crate::operator::Operator;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use clap::ValueEnum;
use node::problem::Problem;

/// The most bytes of one part: a stadium's seating plan fits.
pub const PART_BYTES_MAX: usize = 1024 * 1024;
/// Routes of imports begin so.
pub const PATH: &str = "/v1/imports/";

/// `POST /v1/imports/{table}`: a table as `usher-central import` reads it. What is there already stays as it is.
pub async fn import(
    _operator: Operator,
    State(app): State<App>,
    Path(table): Path<String>,
    body: Bytes,
) -> Result<Json<ImportReport>, Problem> {
    let table = Table::from_str(&table, false)
        .map_err(|_| Problem::not_found("unknown_table", "Theatres, movies, plans and shows can be imported."))?;
    let imported = app.writer.run(move |desk, tx, now| match desk.import(tx, table, &*body, now) {
        Ok(report) => {
            let ImportReport { added, updated, unchanged, refused } = &report;
            let (table, refused) = (table.name(), refused.len());
            tracing::info!(table, added, updated, unchanged, refused, "an operator imports");
            Ok(Ok(report))
        }
        Err(error) if error.is_of_the_table() => {
            let detail = format!("{:#}", anyhow::Error::from(error));
            Ok(Err(Problem::unprocessable("bad_table", detail)))
        }
        Err(error) => Err(error.into()),
    });
    Ok(Json(imported.await??))
}
