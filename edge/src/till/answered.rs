//! Who did what on a day that somebody must answer for: voids, duplicates, tickets given away, seats kept back, people let in, and
//! what two persons attested.

use crate::house::House;
use crate::staff::Task;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use node::problem::{Params, Problem};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use shared::time::Timestamp;
use std::sync::Arc;

/// Which local day; today without one.
#[derive(Debug, Deserialize)]
pub struct AnsweredQuery {
    #[serde(default)]
    date: Option<String>,
}

/// One thing that somebody did.
#[derive(Debug, Serialize)]
struct AnsweredView {
    at: String,
    /// A stable word.
    what: String,
    staff: String,
    /// Whose PIN allowed it, where that was somebody else.
    second: Option<String>,
    /// The sale, the seats or the device that it is about.
    about: String,
    reason: Option<String>,
}

/// A day's, the latest first.
#[derive(Debug, Serialize)]
pub struct AnsweredList {
    date: String,
    answered: Vec<AnsweredView>,
}

const SELECT: &str = "
    SELECT at, what, staff, nullif(second, staff), about, nullif(reason, '') FROM (
        SELECT v.asked_at AS at, iif(v.outcome = 'used', 'void_too_late', iif(v.outcome IS NULL, 'void_asked', 'void')) AS what,
               v.asked_by AS staff, v.approved_by AS second, s.code || ' ' || t.seat AS about, v.reason AS reason
        FROM voids v JOIN sale_tickets t USING (ticket) JOIN sales s USING (sale)
        UNION ALL
        SELECT p.asked_at, 'duplicate', p.asked_by, p.second, s.code || ' ' || p.document || ' ' || p.copy, NULL
        FROM prints p JOIN sales s USING (sale) WHERE p.copy > 0
        UNION ALL
        SELECT s.sold_at, 'given_away', s.staff, c.approved_by,
               s.code || ' ' || (SELECT group_concat(seat, ' ') FROM sale_tickets t WHERE t.sale = s.sale), c.reason
        FROM complimentary c JOIN sales s USING (sale)
        UNION ALL
        SELECT s.sold_at, 'group', s.staff, s.group_allowed_by, s.code || ' ' || s.group_name, NULL
        FROM sales s WHERE s.group_name IS NOT NULL
        UNION ALL
        SELECT p.settled_at, 'payment_missing', p.settled_by, NULL, s.code, p.note
        FROM slips p JOIN sales s USING (sale) WHERE p.outcome = 'missing'
        UNION ALL
        SELECT settled_at, 'payment_unsold', settled_by, NULL, seats, note FROM unsold_payments WHERE outcome IS NOT NULL
        UNION ALL
        SELECT r.given_at, 'refunded', r.given_by, NULL, s.code || ' ' || t.seat, NULL
        FROM refunds r JOIN sale_tickets t USING (ticket) JOIN sales s USING (sale) WHERE r.given_at IS NOT NULL
        UNION ALL
        SELECT at, iif(withheld, 'withheld', 'given_back'), staff, NULL, seats, NULL FROM withholdings
        UNION ALL
        SELECT at, what, staff, second, about, NULL FROM attestations
        UNION ALL
        SELECT at, 'let_in', person, supervisor, door || ' ' || code, reason FROM overrides
    ) WHERE at >= ?1 AND at < ?2 ORDER BY at DESC LIMIT 500";

/// `GET /v1/answered-for?date=`: at most 500. 400 `bad_date`.
pub async fn list(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    Params(AnsweredQuery { date }): Params<AnsweredQuery>,
) -> Result<Json<AnsweredList>, Problem> {
    house.authorise(&headers, Task::Reports).await?;
    let zone = house.identity.zone.clone();
    let date = date.unwrap_or_else(|| zone.local_date(house.clock.now()));
    let (from, until) = zone.day(&date).map_err(|error| Problem::bad_request("bad_date", error.to_string()))?;
    let answered = house.readers.read(move |db| {
        let mut select = db.prepare_cached(SELECT)?;
        let rows = select.query_map(params![from.0, until.0], |row| {
            Ok(AnsweredView {
                at: zone.rfc3339(Timestamp(row.get(0)?)),
                what: row.get(1)?,
                staff: row.get(2)?,
                second: row.get(3)?,
                about: row.get(4)?,
                reason: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    });
    Ok(Json(AnsweredList { date, answered: answered.await? }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn whatever_is_told_is_in_the_document_and_has_words_on_the_page() {
        let literals = SELECT.split('\'').skip(1).step_by(2);
        // What a void or a slip came to, and the spaces between words, are no kinds.
        let kinds: BTreeSet<&str> =
            literals.filter(|one| !["", " ", "used", "missing", "complimentary"].contains(one)).collect();
        assert!(kinds.len() > 10 && kinds.contains("payment_unsold"), "{kinds:?}");
        let document: serde_json::Value = serde_json::from_str(include_str!("../../openapi.json")).expect("JSON");
        let answered =
            "/paths/~1v1~1answered-for/get/responses/200/content/application~1json/schema/properties/answered";
        let described = document.pointer(&format!("{answered}/items/properties/what/enum")).expect("the kinds");
        let page = include_str!("../page/answered.js");
        for kind in kinds {
            assert!(described.as_array().expect("a list").contains(&kind.into()), "{kind} is not described");
            assert!(page.contains(&format!("\n  {kind}: \"")), "{kind} has no words on the page");
        }
        for kind in described.as_array().expect("a list") {
            let kind = kind.as_str().expect("a word");
            assert!(page.contains(&format!("\n  {kind}: \"")), "{kind} has no words on the page");
        }
    }
}
