//! A group: seats for so many people that a supervisor answers for it, held, paid and printed in one go.

use node::problem::Problem;
use rusqlite::{Connection, OptionalExtension};
use shared::ids::HoldId;

/// Characters of a group's name.
const NAME_CHARS_MAX: usize = 60;

/// Whose seats they are, and whose PIN allowed so many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub(super) name: String,
    pub(super) allowed_by: String,
}

impl Group {
    /// A name and whoever allowed it.
    ///
    /// # Errors
    /// 422 `bad_group`.
    pub fn new(name: &str, allowed_by: String) -> Result<Self, Problem> {
        let name = name.trim().to_owned();
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
            let detail = "Say whose group it is, in 1 to 60 characters.";
            return Err(Problem::unprocessable("bad_group", detail));
        }
        Ok(Self { name, allowed_by })
    }

    /// The group that a hold is for.
    ///
    /// # Errors
    /// If the database fails.
    pub(super) fn of_hold(db: &Connection, hold: HoldId) -> rusqlite::Result<Option<Self>> {
        let select =
            "SELECT group_name, group_allowed_by FROM counter_holds WHERE hold = ?1 AND group_name IS NOT NULL";
        db.prepare_cached(select)?
            .query_row([hold.0], |row| Ok(Self { name: row.get(0)?, allowed_by: row.get(1)? }))
            .optional()
    }
}
