//! What is written down of a payment that the box cannot see: the card terminal's slip, the number of a UPI transfer, and why a
//! sale was free.

use super::sales::Till;
use node::problem::Problem;
use rusqlite::{Connection, Transaction, params};
use serde::{Deserialize, Serialize};
use shared::ids::{BookingId, HoldId, ShowNumber};
use shared::till::{self, Tender};
use shared::time::Timestamp;

/// Digits that are kept of a card or a transfer: the last four, or a whole UPI transfer number.
const DIGITS: std::ops::RangeInclusive<usize> = 4..=12;
/// Characters of an approval code.
const APPROVAL_CHARS_MAX: usize = 12;

/// What the cashier reads off a terminal or a phone. Either may be missing: the guest has paid, and the queue waits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slip {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digits: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approval: Option<String>,
}

/// Why a sale is free, and whose PIN allowed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenAway {
    reason: String,
    approved_by: String,
    /// Tickets of one show that may be given away.
    limit: u32,
}

impl Slip {
    /// The slip of a sale, as it is kept.
    ///
    /// # Errors
    /// 422 `bad_slip`.
    pub fn of(tender: Tender, slip: Option<Self>) -> Result<Option<Self>, Problem> {
        let bad = |detail: &str| Err(Problem::unprocessable("bad_slip", detail));
        let Self { digits, approval } = match (tender, slip) {
            (Tender::Card | Tender::Upi, slip) => slip.unwrap_or_default(),
            (Tender::Cash | Tender::Complimentary | Tender::Recovered, None) => return Ok(None),
            (_, Some(_)) => return bad("Only a card or a UPI transfer has a slip."),
        };
        let digits = digits.filter(|digits| !digits.is_empty());
        let approval = approval.map(|code| code.trim().to_ascii_uppercase()).filter(|code| !code.is_empty());
        if let Some(digits) = &digits
            && !(DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return bad("Its last digits are 4 to 12 digits.");
        }
        if let Some(approval) = &approval
            && !(approval.len() <= APPROVAL_CHARS_MAX && approval.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        {
            return bad("An approval code is at most 12 letters and digits.");
        }
        Ok(Some(Self { digits, approval }))
    }

    /// Writes down that this was paid for seats that were not held any more, once for each hold; nothing where they were sold. Whether it
    /// is listed, and whether that is new.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) fn record_unsold(
        &self,
        tx: &Transaction<'_>,
        hold: HoldId,
        (staff, tender): (&str, Tender),
        now: Timestamp,
    ) -> rusqlite::Result<(bool, bool)> {
        let insert = "INSERT INTO unsold_payments (hold, seats, tender, currency, total_minor, digits, approval, staff, at)
                      SELECT hold, seats, ?2, currency, total_minor, ?3, ?4, ?5, ?6 FROM counter_holds
                      WHERE hold = ?1 AND total_minor IS NOT NULL AND hold NOT IN (SELECT hold FROM sales WHERE hold = ?1)
                      ON CONFLICT (hold) DO NOTHING";
        let Self { digits, approval } = self;
        let new = tx.prepare_cached(insert)?.execute(params![hold.0, tender.word(), digits, approval, staff, now.0])?;
        let listed = tx
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM unsold_payments WHERE hold = ?1 AND outcome IS NULL)")?
            .query_row([hold.0], |row| row.get(0))?;
        Ok((listed, new == 1))
    }
}

impl GivenAway {
    /// A reason and whoever allowed it.
    ///
    /// # Errors
    /// 422 `bad_reason`.
    pub fn new(reason: Option<&str>, approved_by: String, limit: u32) -> Result<Self, Problem> {
        let bad = || Problem::unprocessable("bad_reason", "Say why, in 1 to 200 characters.");
        let reason = till::reason(reason.unwrap_or_default()).ok_or_else(bad)?;
        Ok(Self { reason, approved_by, limit })
    }

    /// May so many more tickets of a show be given away?
    ///
    /// # Errors
    /// If the database fails. On the inside: 409 `complimentary_limit`.
    pub fn check_limit(&self, db: &Connection, show: ShowNumber, more: usize) -> anyhow::Result<Result<(), Problem>> {
        let select = "SELECT count(*) FROM sale_tickets t JOIN sales s USING (sale)
                      WHERE s.show = ?1 AND s.tender = 'complimentary' AND t.voided_at IS NULL";
        let given: u32 = db.prepare_cached(select)?.query_row([show.0], |row| row.get(0))?;
        let left = self.limit.saturating_sub(given);
        if u32::try_from(more).is_ok_and(|more| more <= left) {
            return Ok(Ok(()));
        }
        let detail = format!("{given} tickets of this show were given away; {left} more may be.");
        Ok(Err(Problem::conflict("complimentary_limit", detail).with("left", left)))
    }
}

/// Writes down beside a sale how it was paid, where that is more than cash.
///
/// # Errors
/// If the database fails.
pub(super) fn record(tx: &Transaction<'_>, sale: BookingId, till: &Till) -> rusqlite::Result<()> {
    if let Some(Slip { digits, approval }) = &till.slip {
        tx.prepare_cached("INSERT INTO slips (sale, digits, approval) VALUES (?1, ?2, ?3)")?
            .execute(params![sale.0, digits, approval])?;
    }
    if let Some(GivenAway { reason, approved_by, .. }) = &till.given_away {
        tx.prepare_cached("INSERT INTO complimentary (sale, reason, approved_by) VALUES (?1, ?2, ?3)")?
            .execute(params![sale.0, reason, approved_by])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_kept_as_it_was_read_or_refused() {
        let slip = |digits: &str, approval: &str| Slip {
            digits: (!digits.is_empty()).then(|| digits.to_owned()),
            approval: (!approval.is_empty()).then(|| approval.to_owned()),
        };
        let table = [
            (Tender::Card, Some(slip("4242", " a1b2c3 ")), Ok(Some(slip("4242", "A1B2C3")))),
            (Tender::Card, None, Ok(Some(slip("", "")))),
            (Tender::Upi, Some(slip("412345678901", "")), Ok(Some(slip("412345678901", "")))),
            (Tender::Cash, None, Ok(None)),
            (Tender::Cash, Some(slip("4242", "")), Err("bad_slip")),
            (Tender::Complimentary, Some(slip("", "")), Err("bad_slip")),
            (Tender::Card, Some(slip("424", "")), Err("bad_slip")),
            (Tender::Card, Some(slip("4242424242424", "")), Err("bad_slip")),
            (Tender::Card, Some(slip("42a2", "")), Err("bad_slip")),
            (Tender::Card, Some(slip("", "A1-B2")), Err("bad_slip")),
            (Tender::Upi, Some(slip("", "ABCDEFGHIJKLM")), Err("bad_slip")),
        ];
        for (tender, given, expected) in table {
            let kept = Slip::of(tender, given.clone());
            assert_eq!(kept.map_err(|problem| problem.code().to_owned()), expected.map_err(str::to_owned), "{given:?}");
        }
    }
}
