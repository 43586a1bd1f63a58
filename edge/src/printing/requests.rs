//! What the counter asks about prints.

use super::jobs::{self, Document, Print, PrintId, State};
use super::papers::{self, Printable};
use crate::house::House;
use crate::opening::second_person;
use crate::staff::Task;
use crate::staff::login::LoginRequest;
use anyhow::Context;
use axum::Json;
use axum::extract::{Path, State as FromState};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use node::paper::pdf;
use node::problem::{JsonBody, Problem};
use serde::{Deserialize, Serialize};
use shared::ids::BookingId;
use shared::till::Tender;
use std::sync::Arc;

/// The printer that every box has: a document to read or to print elsewhere.
pub const DOCUMENT: &str = "pdf";
/// Prints that are listed at most.
const LIST_MAX: u32 = 50;

/// A printer.
#[derive(Debug, Serialize)]
pub struct PrinterView {
    name: String,
    documents: Vec<Document>,
}

/// The printers; a document can always be made.
#[derive(Debug, Serialize)]
pub struct PrinterList {
    printers: Vec<PrinterView>,
}

/// A print as it is answered.
#[derive(Debug, Serialize)]
pub struct PrintView {
    print: String,
    sale: String,
    document: Document,
    copy: u32,
    printer: String,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    maybe_out: bool,
    /// Where the document is.
    pdf: String,
}

impl From<Print> for PrintView {
    fn from(print: Print) -> Self {
        Self {
            print: print.id.to_string(),
            sale: print.sale.to_string(),
            document: print.document,
            copy: print.copy,
            printer: print.printer,
            state: print.state,
            reason: print.reason,
            maybe_out: print.maybe_out,
            pdf: format!("/v1/prints/{}.pdf", print.id),
        }
    }
}

/// Prints.
#[derive(Debug, Serialize)]
pub struct PrintList {
    prints: Vec<PrintView>,
}

/// What is to be printed of a sale.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrintRequest {
    documents: Vec<Document>,
    /// `pdf`, a printer's name, or none: the first printer that has paper for it.
    printer: Option<String>,
    /// Who answers for a duplicate.
    second: Option<LoginRequest>,
}

/// What becomes of a failed print.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum FailedRequest {
    /// Once more, perhaps elsewhere.
    Retry {
        /// Another printer.
        printer: Option<String>,
    },
    /// Nobody wants it.
    Skip,
}

/// `GET /v1/printers`.
pub async fn printers(
    FromState(house): FromState<Arc<House>>,
    headers: HeaderMap,
) -> Result<Json<PrinterList>, Problem> {
    house.authorise(&headers, Task::Sell).await?;
    let view = |setting: &super::PrinterSetting| PrinterView {
        name: setting.name.clone(),
        documents: Document::ALL.into_iter().filter(|one| setting.prints(*one)).collect(),
    };
    Ok(Json(PrinterList { printers: house.printers.settings().map(view).collect() }))
}

/// `POST /v1/sales/{sale}/prints`: answers 403 `second_person_needed` for what may be out already, 409 `no_printer`,
/// 409 `sale_void`, 409 `not_a_group`.
pub async fn print(
    FromState(house): FromState<Arc<House>>,
    headers: HeaderMap,
    Path(sale): Path<String>,
    JsonBody(request): JsonBody<PrintRequest>,
) -> Result<Json<PrintList>, Problem> {
    let session = house.authorise(&headers, Task::Sell).await?;
    let unknown = || Problem::not_found("unknown_sale", "There is no such sale.");
    let sale: BookingId = sale.parse().map_err(|_| unknown())?;
    let PrintRequest { documents, printer, second } = request;
    let mut places = Vec::new();
    for document in Document::ALL.into_iter().filter(|one| documents.contains(one)) {
        places.push((document, house.place(document, printer.as_deref())?));
    }
    let second = match second {
        Some(second) => Some(second_person(&house, &session, second).await?),
        None => None,
    };
    let asked = house.writer.run(move |_, tx, now| {
        let Some(Printable { tender, tickets, group }) = papers::printable(tx, sale)? else {
            return Ok(Err(unknown()));
        };
        if !group && documents.contains(&Document::Group) {
            return Ok(Err(Problem::conflict("not_a_group", "The sale is no group's.")));
        }
        if tickets == 0 {
            return Ok(Err(sale_void()));
        }
        let mut prints: Vec<(Print, bool)> = Vec::new();
        let mut kicked = jobs::kicked(tx, sale)?;
        for (document, place) in places {
            let before = jobs::of_sale(tx, sale, document)?;
            if let Some(open) = before.iter().find(|print| matches!(print.state, State::Waiting | State::Failed)) {
                // Asked for already: a failed one is tried again by its own address.
                prints.push((open.clone(), false));
                continue;
            }
            // Of a sale that was got back nobody knows what was printed.
            let out = tender == Tender::Recovered || before.iter().any(Print::may_be_out);
            if out && second.is_none() {
                let detail = "It was printed already: a supervisor answers for a duplicate.";
                return Ok(Err(Problem::forbidden("second_person_needed", detail)));
            }
            let last = before.last().map_or(0, |print| print.copy);
            // By whichever printer the drawer hangs on, once a sale.
            let kick = place.drawer && !out && tender == Tender::Cash && !kicked;
            kicked |= kick;
            let print = Print {
                id: PrintId(node::random::bytes()),
                sale,
                document,
                copy: if out { last + 1 } else { last },
                state: if place.name == DOCUMENT { State::Printed } else { State::Waiting },
                printer: place.name,
                reason: None,
                maybe_out: false,
                kick,
            };
            jobs::add(tx, &print, &session.staff, second.as_deref().filter(|_| out), now)?;
            prints.push((print, true));
        }
        Ok(Ok(prints))
    });
    let prints = asked.await??;
    for (print, _) in prints.iter().filter(|(print, new)| *new && print.state == State::Waiting) {
        house.spool(print.clone());
    }
    Ok(Json(PrintList { prints: prints.into_iter().map(|(print, _)| print.into()).collect() }))
}

/// `GET /v1/prints`: those that wait or failed.
pub async fn list(FromState(house): FromState<Arc<House>>, headers: HeaderMap) -> Result<Json<PrintList>, Problem> {
    house.authorise(&headers, Task::Sell).await?;
    let open = house.readers.read(|db| Ok(jobs::open(db, LIST_MAX)?)).await?;
    Ok(Json(PrintList { prints: open.into_iter().map(Into::into).collect() }))
}

/// `GET /v1/prints/{print}.pdf`, without a login: the random id in the address is the key, as for the paper. It is given out once, as a
/// paper is; 409 `already_read` then. `GET /v1/prints/{print}`: how far it has come.
pub async fn read(
    FromState(house): FromState<Arc<House>>,
    headers: HeaderMap,
    Path(file): Path<String>,
) -> Result<Response, Problem> {
    let (id, document) = file.strip_suffix(".pdf").map_or((file.as_str(), false), |id| (id, true));
    if !document {
        house.authorise(&headers, Task::Sell).await?;
    }
    let print = find(&house, id).await?;
    if !document {
        return Ok(Json(PrintView::from(print)).into_response());
    }
    if print.printer != DOCUMENT {
        return Err(Problem::not_found("unknown_print", "This was printed on paper, not as a document."));
    }
    let drawn = pdf::draw(&house.sheets(&print).await?, pdf::Page::Roll, &house.theatre_ref().name)?;
    if !house.writer.run(move |_, tx, now| Ok(jobs::give_out(tx, print.id, now)?)).await? {
        let detail = "This document was read already. Ask for a duplicate, which says that it is one.";
        return Err(Problem::conflict("already_read", detail));
    }
    let headers = [(header::CONTENT_TYPE, "application/pdf"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, drawn).into_response())
}

/// `POST /v1/prints/{print}`: 409 `not_failed` for any other print than a failed one, 409 `sale_void` where it would be tried again.
pub async fn settle(
    FromState(house): FromState<Arc<House>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    JsonBody(request): JsonBody<FailedRequest>,
) -> Result<Json<PrintView>, Problem> {
    let session = house.authorise(&headers, Task::Sell).await?;
    let print = find(&house, &id).await?;
    let place = match &request {
        FailedRequest::Skip => None,
        FailedRequest::Retry { printer } => {
            let name = printer.as_deref().unwrap_or(&print.printer);
            Some(house.place(print.document, Some(name))?.name)
        }
    };
    let settled = house.writer.run(move |_, tx, now| {
        let Some(print) = jobs::find(tx, print.id)?.filter(|print| print.state == State::Failed) else {
            return Ok(Err(Problem::conflict("not_failed", "This print has not failed.")));
        };
        if place.is_some() && papers::printable(tx, print.sale)?.is_none_or(|sale| sale.tickets == 0) {
            return Ok(Err(sale_void()));
        }
        match place {
            None => jobs::skip(tx, print.id, &session.staff, now)?,
            Some(place) => {
                let state = if place == DOCUMENT { State::Printed } else { State::Waiting };
                jobs::again(tx, &print, &place, state, &session.staff)?;
            }
        }
        Ok(Ok(jobs::find(tx, print.id)?.context("a print that was just settled")?))
    });
    let print = settled.await??;
    if print.state == State::Waiting {
        house.spool(print.clone());
    }
    Ok(Json(print.into()))
}

fn sale_void() -> Problem {
    Problem::conflict("sale_void", "The sale was taken back.")
}

async fn find(house: &House, id: &str) -> Result<Print, Problem> {
    let unknown = || Problem::not_found("unknown_print", "There is no such print.");
    let id = PrintId::parse(id).ok_or_else(unknown)?;
    house.readers.read(move |db| Ok(jobs::find(db, id)?)).await?.ok_or_else(unknown)
}

/// Where a paper goes.
struct Place {
    name: String,
    drawer: bool,
}

impl House {
    fn place(&self, document: Document, wanted: Option<&str>) -> Result<Place, Problem> {
        if wanted == Some(DOCUMENT) {
            return Ok(Place { name: DOCUMENT.to_owned(), drawer: false });
        }
        let fits = |setting: &&super::PrinterSetting| {
            setting.prints(document) && wanted.is_none_or(|name| setting.name == name)
        };
        let none = || Problem::conflict("no_printer", "No such printer has paper for this.");
        let found = self.printers.settings().find(fits).ok_or_else(none)?;
        Ok(Place { name: found.name.clone(), drawer: found.drawer })
    }
}
