//! How a person settles a discrepancy: once, with a name and in words.

use crate::problem::Problem;
use crate::store::{Row, StoreError};
use crate::zone::Zone;
use serde::{Deserialize, Serialize};
use shared::time::Timestamp;

/// Characters of a name or of what was done.
const WORDS_CHARS_MAX: usize = 500;

/// How a discrepancy was settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// RFC 3339.
    pub at: String,
    /// The person.
    pub by: String,
    /// What was done.
    pub how: String,
}

impl Settlement {
    /// What a row's `settled_at`, `settled_by` and `settled_how` say; nothing while nobody has settled it.
    ///
    /// # Errors
    /// If the row has no such columns.
    pub fn of_row(row: &dyn Row, zone: &Zone) -> Result<Option<Self>, StoreError> {
        let Some(at) = row.get::<Option<i64>>("settled_at")? else { return Ok(None) };
        Ok(Some(Self {
            at: zone.rfc3339(Timestamp(at)),
            by: row.get::<Option<String>>("settled_by")?.unwrap_or_default(),
            how: row.get::<Option<String>>("settled_how")?.unwrap_or_default(),
        }))
    }
}

/// A request to settle a discrepancy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettlementRequest {
    /// The person.
    pub by: String,
    /// What was done.
    pub how: String,
}

impl SettlementRequest {
    /// The request without space around its words.
    ///
    /// # Errors
    /// `words_missing` where it does not say who did what, or says far too much.
    pub fn checked(self) -> Result<Self, Unsettled> {
        let (by, how) = (self.by.trim().to_owned(), self.how.trim().to_owned());
        let good = |words: &str| !words.is_empty() && words.chars().count() <= WORDS_CHARS_MAX;
        if good(&by) && good(&how) { Ok(Self { by, how }) } else { Err(Unsettled::WordsMissing) }
    }
}

/// Why a discrepancy was not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsettled {
    /// There is none with this number.
    #[error("There is no such discrepancy.")]
    Unknown,
    /// Somebody was faster; what was written stays.
    #[error("Somebody has settled this already.")]
    Already,
    /// Nobody is named, or nothing is said.
    #[error("Say who settles it and how, in at most 500 characters each.")]
    WordsMissing,
}

impl From<Unsettled> for Problem {
    fn from(unsettled: Unsettled) -> Self {
        match unsettled {
            Unsettled::Unknown => Self::not_found("unknown_discrepancy", unsettled.to_string()),
            Unsettled::Already => Self::conflict("already_settled", unsettled.to_string()),
            Unsettled::WordsMissing => Self::unprocessable("words_missing", unsettled.to_string()),
        }
    }
}
