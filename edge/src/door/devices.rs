//! Paired devices: pairing tokens that work once, device tokens, and how far each has taken in the feed.

use crate::staff::session::token_hash;
use node::problem::Problem;
use rusqlite::{Connection, OptionalExtension, params};
use shared::ids::Incarnation;
use shared::time::Timestamp;
use std::time::Duration;

/// How long a pairing link can be used.
pub const PAIRING_LASTS: Duration = Duration::from_secs(2 * 3600);

/// A device that has paired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its number; `d1` in answers.
    pub number: i64,
    /// The name a manager gave it, for example `Door A`.
    pub name: String,
    /// Somebody has declared it off.
    pub off: bool,
}

impl Device {
    /// The device, where nobody has declared it off.
    ///
    /// # Errors
    /// 401 `device_off`.
    pub fn on(self) -> Result<Self, Problem> {
        if self.off {
            let detail = "This device was declared off: a manager declares it on at the box, or pairs it anew.";
            return Err(Problem::unauthorized("device_off", detail));
        }
        Ok(self)
    }
}

/// A device as managers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its number.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// `scanner`, `terminal`, …
    pub kind: String,
    /// It has used its pairing link.
    pub paired: bool,
    /// Who declared it off, nobody while it counts.
    pub off_by: Option<String>,
    /// The feed position it has taken in, under the incarnation asked for.
    pub seen_seq: Option<u64>,
    /// When it last called.
    pub heard_at: Option<Timestamp>,
}

/// The text form of a device's number.
pub fn id(number: i64) -> String {
    format!("d{number}")
}

/// Reads a device's number from its text form.
pub fn parse_id(text: &str) -> Option<i64> {
    text.strip_prefix('d')?.parse().ok()
}

/// Adds a device that may pair once with this token, or lets a known one pair anew; its old token ends then.
///
/// # Errors
/// If the database fails.
pub fn add(db: &Connection, name: &str, kind: &str, pairing_token: &str, now: Timestamp) -> rusqlite::Result<i64> {
    db.query_row(
        "INSERT INTO devices (name, kind, pairing_hash, pairing_until) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (name) DO UPDATE SET kind = ?2, pairing_hash = ?3, pairing_until = ?4
         RETURNING number",
        params![name, kind, token_hash(pairing_token), (now + PAIRING_LASTS).0],
        |row| row.get(0),
    )
}

/// Uses up a pairing token and gives the device its own; nothing where the token is unknown, used or too old.
///
/// # Errors
/// If the database fails.
pub fn pair(db: &Connection, pairing_token: &str, token: &str, now: Timestamp) -> rusqlite::Result<Option<Device>> {
    db.query_row(
        "UPDATE devices SET pairing_hash = NULL, pairing_until = NULL, token_hash = ?2, off_by = NULL, off_at = NULL,
                seen_incarnation = NULL, seen_seq = NULL, heard_at = ?3
         WHERE pairing_hash = ?1 AND pairing_until > ?3 RETURNING number, name",
        params![token_hash(pairing_token), token_hash(token), now.0],
        |row| Ok(Device { number: row.get(0)?, name: row.get(1)?, off: false }),
    )
    .optional()
}

/// The device of a token.
///
/// # Errors
/// If the database fails.
pub fn find(db: &Connection, token: &str) -> rusqlite::Result<Option<Device>> {
    db.prepare_cached("SELECT number, name, off_by IS NOT NULL FROM devices WHERE token_hash = ?1")?
        .query_row([token_hash(token)], |row| Ok(Device { number: row.get(0)?, name: row.get(1)?, off: row.get(2)? }))
        .optional()
}

/// Notes that a device has taken in the feed up to a position and uploaded every scan it made before that.
///
/// # Errors
/// If the database fails.
pub fn acknowledge(
    db: &Connection,
    device: i64,
    incarnation: Incarnation,
    seq: u64,
    now: Timestamp,
) -> rusqlite::Result<()> {
    // A call that brings nothing new writes nothing: idle scanners must not keep the disk busy.
    db.prepare_cached(
        "UPDATE devices SET seen_incarnation = ?2, seen_seq = ?3, heard_at = ?4
         WHERE number = ?1 AND (seen_incarnation IS NOT ?2 OR seen_seq IS NOT ?3)",
    )?
    .execute(params![device, incarnation.0.cast_signed(), seq.cast_signed(), now.0])?;
    Ok(())
}

/// Declares a device off: nothing waits for it until it is declared on or pairs again. `None` declares it on. False for an unknown device.
///
/// # Errors
/// If the database fails.
pub fn declare_off(db: &Connection, device: i64, by: Option<&str>, now: Timestamp) -> rusqlite::Result<bool> {
    let at = by.map(|_| now.0);
    let changed =
        db.execute("UPDATE devices SET off_by = ?2, off_at = ?3 WHERE number = ?1", params![device, by, at])?;
    Ok(changed > 0)
}

/// The lowest position that every paired scanner not declared off has taken in; nothing where there is no such scanner.
///
/// # Errors
/// If the database fails.
pub fn all_seen(db: &Connection, incarnation: Incarnation) -> rusqlite::Result<Option<u64>> {
    let lowest: Option<i64> = db
        .prepare_cached(
            "SELECT min(CASE WHEN seen_incarnation = ?1 THEN coalesce(seen_seq, 0) ELSE 0 END)
             FROM devices WHERE kind = 'scanner' AND token_hash IS NOT NULL AND off_by IS NULL",
        )?
        .query_row([incarnation.0.cast_signed()], |row| row.get(0))?;
    Ok(lowest.map(i64::unsigned_abs))
}

/// The numbers of all paired scanners not declared off.
///
/// # Errors
/// If the database fails.
pub fn scanners(db: &Connection) -> rusqlite::Result<Vec<i64>> {
    db.prepare_cached(
        "SELECT number FROM devices WHERE kind = 'scanner' AND token_hash IS NOT NULL AND off_by IS NULL",
    )?
    .query_map([], |row| row.get(0))?
    .collect()
}

/// All devices, by number.
///
/// # Errors
/// If the database fails.
pub fn list(db: &Connection, incarnation: Incarnation) -> rusqlite::Result<Vec<Listed>> {
    db.prepare_cached(
        "SELECT number, name, kind, token_hash IS NOT NULL, off_by,
                CASE WHEN seen_incarnation = ?1 THEN seen_seq END, heard_at FROM devices ORDER BY number",
    )?
    .query_map([incarnation.0.cast_signed()], |row| {
        Ok(Listed {
            number: row.get(0)?,
            name: row.get(1)?,
            kind: row.get(2)?,
            paired: row.get(3)?,
            off_by: row.get(4)?,
            seen_seq: row.get::<_, Option<i64>>(5)?.map(i64::unsigned_abs),
            heard_at: row.get::<_, Option<i64>>(6)?.map(Timestamp),
        })
    })?
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const INC: Incarnation = Incarnation(u64::MAX);

    fn house() -> Connection {
        let db = Connection::open_in_memory().expect("open");
        db.execute_batch(include_str!("../../migrations/0001_house.sql")).expect("schema");
        db
    }

    fn paired(db: &Connection, name: &str) -> i64 {
        add(db, name, "scanner", name, NOW).expect("add");
        pair(db, name, &format!("token of {name}"), NOW).expect("pair").expect("device").number
    }

    #[test]
    fn a_pairing_token_works_once_and_not_for_ever() {
        let db = house();
        let number = add(&db, "Door A", "scanner", "p", NOW).expect("add");
        assert_eq!(parse_id(&id(number)), Some(number));
        assert_eq!(pair(&db, "p", "t", NOW + PAIRING_LASTS).expect("late"), None);
        let device = Device { number, name: "Door A".into(), off: false };
        assert_eq!(pair(&db, "p", "t", NOW).expect("pair"), Some(device.clone()));
        assert_eq!(pair(&db, "p", "u", NOW).expect("again"), None);
        assert_eq!(find(&db, "t").expect("find"), Some(device));
        assert_eq!(find(&db, "p").expect("find"), None);
    }

    #[test]
    fn pairing_anew_ends_the_old_token() {
        let db = house();
        let number = paired(&db, "Door A");
        assert_eq!(add(&db, "Door A", "scanner", "q", NOW).expect("add"), number);
        assert!(find(&db, "token of Door A").expect("find").is_some(), "the old one works until the new one pairs");
        pair(&db, "q", "new", NOW).expect("pair").expect("device");
        assert_eq!(find(&db, "token of Door A").expect("find"), None);
    }

    #[test]
    fn what_all_have_seen_waits_for_the_slowest_scanner_that_counts() {
        let db = house();
        assert_eq!(all_seen(&db, INC).expect("none"), None);
        let (a, b) = (paired(&db, "Door A"), paired(&db, "Door B"));
        add(&db, "Door C", "scanner", "never used", NOW).expect("add");
        assert_eq!(all_seen(&db, INC).expect("fresh"), Some(0));
        acknowledge(&db, a, INC, 9, NOW).expect("ack");
        acknowledge(&db, b, Incarnation(1), 20, NOW).expect("ack");
        assert_eq!(all_seen(&db, INC).expect("b is elsewhere"), Some(0));
        acknowledge(&db, b, INC, 7, NOW).expect("ack");
        assert_eq!(all_seen(&db, INC).expect("both"), Some(7));
        assert!(declare_off(&db, b, Some("manager"), NOW).expect("off"));
        assert_eq!(all_seen(&db, INC).expect("a alone"), Some(9));
        assert!(find(&db, "token of Door B").expect("find").expect("known").off, "its token is known all the same");
        assert!(!declare_off(&db, 99, None, NOW).expect("unknown"));
    }
}
