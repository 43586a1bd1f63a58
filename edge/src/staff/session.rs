//! Staff rows and sessions in the box's database. Tokens are stored as hashes: a copied database logs nobody in.

use super::Role;
use node::pin;
use rusqlite::{Connection, OptionalExtension, params};
use shared::time::Timestamp;
use std::time::Duration;

/// How long a login lasts: one long shift.
pub const SESSION_LASTS: Duration = Duration::from_secs(12 * 3600);

/// Who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The person's name in this house.
    pub staff: String,
    /// What they are.
    pub role: Role,
    /// When the login ends.
    pub expires_at: Timestamp,
}

/// A person's login state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff {
    /// What they are.
    pub role: Role,
    /// Argon2id, PHC text.
    pub pin_hash: String,
    /// No PIN is looked at before.
    pub locked_until: Timestamp,
}

/// Adds a person, or gives one a new role and PIN; that ends their sessions and their delay.
///
/// # Errors
/// If the database fails.
pub fn add(db: &Connection, name: &str, role: Role, pin_hash: &str) -> rusqlite::Result<()> {
    db.execute("DELETE FROM sessions WHERE staff = ?1", [name])?;
    db.execute(
        "INSERT INTO staff (name, role, pin_hash) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE SET role = ?2, pin_hash = ?3, wrong_pins = 0, locked_until = 0",
        params![name, role.word(), pin_hash],
    )?;
    Ok(())
}

/// Looks a person up by name.
///
/// # Errors
/// If the database fails.
pub fn find_staff(db: &Connection, name: &str) -> rusqlite::Result<Option<Staff>> {
    db.prepare_cached("SELECT role, pin_hash, locked_until FROM staff WHERE name = ?1")?
        .query_row([name], |row| {
            Ok(Staff { role: role(row, 0)?, pin_hash: row.get(1)?, locked_until: Timestamp(row.get(2)?) })
        })
        .optional()
}

/// Counts a wrong PIN and locks the person out for the delay it costs; a name nobody has is no one to lock out.
///
/// # Errors
/// If the database fails.
pub fn note_wrong_pin(db: &Connection, name: &str, now: Timestamp) -> rusqlite::Result<()> {
    let count = "UPDATE staff SET wrong_pins = wrong_pins + 1 WHERE name = ?1 RETURNING wrong_pins";
    let Some(wrong) = db.query_row(count, [name], |row| row.get(0)).optional()? else { return Ok(()) };
    let until = now + pin::delay_after(wrong);
    db.execute("UPDATE staff SET locked_until = ?2 WHERE name = ?1", params![name, until.0])?;
    Ok(())
}

/// The person has given the right PIN.
///
/// # Errors
/// If the database fails.
pub fn forget_wrong_pins(db: &Connection, name: &str) -> rusqlite::Result<()> {
    let forget = "UPDATE staff SET wrong_pins = 0, locked_until = 0
                  WHERE name = ?1 AND (wrong_pins <> 0 OR locked_until <> 0)";
    db.execute(forget, [name])?;
    Ok(())
}

/// Opens a session after a right PIN; ended sessions are swept out with it.
///
/// # Errors
/// If the database fails.
pub fn open(db: &Connection, token: &str, name: &str, role: Role, now: Timestamp) -> rusqlite::Result<Session> {
    let expires_at = now + SESSION_LASTS;
    forget_wrong_pins(db, name)?;
    db.execute("DELETE FROM sessions WHERE expires_at <= ?1", [now.0])?;
    db.execute(
        "INSERT INTO sessions (token_hash, staff, expires_at) VALUES (?1, ?2, ?3)",
        params![token_hash(token), name, expires_at.0],
    )?;
    Ok(Session { staff: name.to_owned(), role, expires_at })
}

/// The clock has jumped forward: who is in stays in, and who is locked out stays out, for as long as they did.
///
/// # Errors
/// If the database fails.
pub fn follow_jump(db: &Connection, by: Duration) -> rusqlite::Result<()> {
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    db.execute("UPDATE sessions SET expires_at = expires_at + ?1", [by])?;
    db.execute("UPDATE staff SET locked_until = locked_until + ?1 WHERE locked_until <> 0", [by])?;
    Ok(())
}

/// The session of a token, if it lasts still.
///
/// # Errors
/// If the database fails.
pub fn find(db: &Connection, token: &str, now: Timestamp) -> rusqlite::Result<Option<Session>> {
    db.prepare_cached(
        "SELECT name, role, expires_at FROM sessions JOIN staff ON staff = name WHERE token_hash = ?1 AND expires_at > ?2",
    )?
    .query_row(params![token_hash(token), now.0], |row| {
        Ok(Session { staff: row.get(0)?, role: role(row, 1)?, expires_at: Timestamp(row.get(2)?) })
    })
    .optional()
}

/// Ends a session; an unknown token is ended already.
///
/// # Errors
/// If the database fails.
pub fn close(db: &Connection, token: &str) -> rusqlite::Result<()> {
    db.execute("DELETE FROM sessions WHERE token_hash = ?1", [token_hash(token)])?;
    Ok(())
}

/// What is stored of a token.
pub fn token_hash(token: &str) -> [u8; 32] {
    *blake3::hash(token.as_bytes()).as_bytes()
}

fn role(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Role> {
    let word: String = row.get(column)?;
    word.parse().map_err(|unknown: super::UnknownRole| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(unknown))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn house() -> Connection {
        let db = Connection::open_in_memory().expect("open");
        db.execute_batch(include_str!("../../migrations/0001_house.sql")).expect("schema");
        add(&db, "counter", Role::Cashier, "hash").expect("add");
        db
    }

    #[test]
    fn a_session_is_found_by_its_token_until_it_ends() {
        let db = house();
        let session = open(&db, "t", "counter", Role::Cashier, NOW).expect("open");
        assert_eq!(find(&db, "t", NOW).expect("find"), Some(session.clone()));
        assert_eq!(find(&db, "u", NOW).expect("find"), None);
        assert_eq!(find(&db, "t", session.expires_at).expect("find"), None);
        close(&db, "t").expect("close");
        assert_eq!(find(&db, "t", NOW).expect("find"), None);
    }

    #[test]
    fn wrong_pins_lock_a_person_out_until_the_right_one_forgets_them() {
        let db = house();
        let locked = |db: &Connection| {
            let staff = find_staff(db, "counter").expect("find").expect("staff");
            pin::locked_for_s(staff.locked_until, NOW)
        };
        let mut delays = Vec::new();
        for _ in 0..5 {
            note_wrong_pin(&db, "counter", NOW).expect("note");
            delays.push(locked(&db));
        }
        assert_eq!(delays, [None, None, Some(2), Some(4), Some(8)]);
        open(&db, "t", "counter", Role::Cashier, NOW).expect("open");
        assert_eq!(locked(&db), None);
    }

    #[test]
    fn a_clock_that_jumps_ends_neither_a_login_nor_a_delay() {
        let db = house();
        add(&db, "manager", Role::Manager, "hash").expect("add");
        let session = open(&db, "t", "manager", Role::Manager, NOW).expect("open");
        (0..5).for_each(|_| note_wrong_pin(&db, "counter", NOW).expect("note"));
        let by = Duration::from_secs(40 * 3600);
        let then = NOW + by;
        assert_eq!(find(&db, "t", then).expect("find"), None, "as if it had been that long");
        follow_jump(&db, by).expect("follow");
        assert_eq!(find(&db, "t", then).expect("find").map(|found| found.expires_at), Some(session.expires_at + by));
        let locked =
            |name: &str, now| pin::locked_for_s(find_staff(&db, name).expect("find").expect("staff").locked_until, now);
        assert_eq!((locked("counter", then), locked("manager", then)), (Some(8), None));
    }

    #[test]
    fn a_new_pin_ends_the_sessions_of_the_old_one() {
        let db = house();
        open(&db, "t", "counter", Role::Cashier, NOW).expect("open");
        add(&db, "counter", Role::Supervisor, "other").expect("add");
        assert_eq!(find(&db, "t", NOW).expect("find"), None);
        assert_eq!(find_staff(&db, "counter").expect("find").map(|staff| staff.role), Some(Role::Supervisor));
    }
}
