//! How many are in: of the shows whose doors are open, at each door, and in the last minute.

use rusqlite::{Connection, params};
use serde::Serialize;
use shared::admission::Door;
use shared::time::Timestamp;
use std::time::Duration;

/// People at one door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DoorCount {
    door: String,
    admitted: u64,
}

/// What the page counts, as far as known here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    /// Inside now.
    inside: u64,
    /// Tickets of these shows that are good.
    expected: u64,
    /// Let in during the last minute.
    per_minute: u64,
    /// By door, the busiest first.
    doors: Vec<DoorCount>,
}

const INSIDE: &str = "admissions LEFT JOIN departed USING (ticket) LEFT JOIN gone ON gone.ticket = admissions.ticket
     WHERE (departed.at IS NULL OR departed.at < admitted_at) AND (gone.at IS NULL OR gone.at < admitted_at)";

/// Tickets admitted and not outside again.
pub(crate) fn admitted_count(db: &Connection) -> rusqlite::Result<u64> {
    db.query_row(&format!("SELECT count(*) FROM {INSIDE}"), [], |row| row.get::<_, u32>(0)).map(u64::from)
}

/// Counts for the shows that this door serves and that are open at this time.
pub(crate) fn counts(db: &Connection, door: &Door, now: Timestamp) -> rusqlite::Result<Counts> {
    let screens: Vec<String> = door.screens.iter().map(|screen| screen.0.to_string()).collect();
    let shows: Vec<String> = door.shows.iter().map(|show| show.0.to_string()).collect();
    let among = |column: &str, all: &[String]| {
        if all.is_empty() { "1".to_owned() } else { format!("{column} IN ({})", all.join(",")) }
    };
    let here = format!("{} AND {}", among("screen", &screens), among("show", &shows));
    let open = format!("(SELECT show FROM shows WHERE NOT cancelled AND starts_at <= ?1 AND ends_at >= ?2 AND {here})");
    let hours = [(now + door.early).0, (now - door.late).0];
    let count = |sql: &str| db.prepare_cached(sql)?.query_row(hours, |row| row.get::<_, u32>(0)).map(u64::from);
    let expected = count(&format!("SELECT count(*) FROM tickets WHERE state = 'live' AND show IN {open}"))?;
    let inside = count(&format!("SELECT count(*) FROM {INSIDE} AND admissions.show IN {open}"))?;
    let minute = params![(now - Duration::from_secs(60)).0, now.0];
    let per_minute = db
        .prepare_cached("SELECT count(*) FROM admissions WHERE admitted_at > ?1 AND admitted_at <= ?2")?
        .query_row(minute, |row| row.get::<_, u32>(0))?;
    let doors = format!(
        "SELECT door, count(*) FROM {INSIDE} AND admissions.show IN {open} GROUP BY door ORDER BY count(*) DESC, door LIMIT 8"
    );
    let doors = db
        .prepare_cached(&doors)?
        .query_map(hours, |row| Ok(DoorCount { door: row.get(0)?, admitted: row.get::<_, u32>(1)?.into() }))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Counts { inside, expected, per_minute: per_minute.into(), doors })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SCHEMA;
    use shared::ids::{ScreenId, ShowNumber, TheatreId};
    use std::fmt::Write;

    const NOW: i64 = 1_800_000_000_000;
    const MINUTE: i64 = 60_000;

    /// What is counted of a text: `show 1 on 2 from -10 to 90` (minutes from now; `off` where it is cancelled), `ticket a of 1`, `void
    /// b of 1`, `in a of 1 by A 30 s ago`, `out a 20 s ago`, `gone a 20 s ago`. The door serves the screens and shows that are given, all if none.
    fn check(screens: &[u8], shows: &[u32], story: &str, expected: &str) {
        let db = Connection::open_in_memory().expect("open");
        for migration in SCHEMA.migrations {
            db.execute_batch(migration.sql).expect(migration.name);
        }
        let number = |word: &str| word.parse::<i64>().expect("a number");
        let ago = |word: &str| NOW - 1000 * number(word);
        for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["show", show, "on", screen, "from", from, "to", to, ref rest @ ..] => db.execute(
                    "INSERT INTO shows (show, screen, title, starts_at, ends_at, cancelled, round) VALUES (?1, ?2, '', ?3, ?4, ?5, 1)",
                    params![number(show), number(screen), NOW + MINUTE * number(from), NOW + MINUTE * number(to), rest == ["off"]],
                ),
                [kind @ ("ticket" | "void"), ticket, "of", show] => db.execute(
                    "INSERT INTO tickets (ticket, show, seat, generation, state, round) VALUES (?1, ?2, ?3, 0, ?4, 1)",
                    params![ticket.as_bytes(), number(show), ticket, if kind == "void" { "void" } else { "live" }],
                ),
                ["in", ticket, "of", show, "by", door, seconds, "s", "ago"] => db.execute(
                    "INSERT INTO admissions (ticket, show, seat, admitted_at, door) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![ticket.as_bytes(), number(show), ticket, ago(seconds), door],
                ),
                [way @ ("out" | "gone"), ticket, seconds, "s", "ago"] => {
                    let table = if way == "out" { "departed" } else { "gone" };
                    let insert = format!("INSERT INTO {table} (ticket, show, at) VALUES (?1, 1, ?2)");
                    db.execute(&insert, params![ticket.as_bytes(), ago(seconds)])
                }
                _ => panic!("not understood: {line}"),
            }
            .expect(line);
        }
        let door = Door {
            screens: screens.iter().copied().map(ScreenId).collect(),
            shows: shows.iter().copied().map(ShowNumber).collect(),
            early: Duration::from_secs(30 * 60),
            late: Duration::from_secs(15 * 60),
            ..Door::to_all_screens(TheatreId(12))
        };
        let found = counts(&db, &door, Timestamp(NOW)).expect("counted");
        let mut text = format!("{} of {}, {} a minute", found.inside, found.expected, found.per_minute);
        for DoorCount { door, admitted } in &found.doors {
            write!(text, ", {door} {admitted}").expect("written");
        }
        assert_eq!(text, expected, "{story}");
    }

    #[test]
    fn the_doors_of_a_show_are_open_from_early_before_its_start_to_late_after_its_end() {
        check(&[], &[], "", "0 of 0, 0 a minute");
        for (show, expected) in [
            ("show 1 on 2 from 30 to 120", "0 of 1, 0 a minute"),
            ("show 1 on 2 from 31 to 120", "0 of 0, 0 a minute"),
            ("show 1 on 2 from -120 to -15", "0 of 1, 0 a minute"),
            ("show 1 on 2 from -120 to -16", "0 of 0, 0 a minute"),
            ("show 1 on 2 from -10 to 90 off", "0 of 0, 0 a minute"),
        ] {
            check(&[], &[], &format!("{show}\nticket a of 1\nvoid b of 1"), expected);
        }
    }

    #[test]
    fn a_minute_is_sixty_seconds_and_counts_who_was_let_in_whatever_became_of_them() {
        let story = |entries: &str| format!("show 1 on 2 from -10 to 90\n{entries}");
        check(&[], &[], &story("in a of 1 by A 0 s ago\nin b of 1 by A 59 s ago"), "2 of 0, 2 a minute, A 2");
        check(&[], &[], &story("in a of 1 by A 60 s ago\nin b of 1 by A 61 s ago"), "2 of 0, 0 a minute, A 2");
        check(&[], &[], &story("in a of 1 by A 30 s ago\nout a 20 s ago"), "0 of 0, 1 a minute");
        // Another door's clock may run ahead.
        check(&[], &[], &story("in a of 1 by A -5 s ago"), "1 of 0, 0 a minute, A 1");
    }

    #[test]
    fn each_door_counts_who_is_inside_by_it_the_busiest_first() {
        let story = "
            show 1 on 2 from -10 to 90
            in a of 1 by A 300 s ago
            in b of 1 by B 200 s ago
            in c of 1 by B 100 s ago
            in d of 1 by C 400 s ago
            out d 350 s ago
            in e of 1 by D 90 s ago
            out e 95 s ago";
        check(&[], &[], story, "4 of 0, 0 a minute, B 2, A 1, D 1");
    }

    #[test]
    fn whoever_has_left_for_good_is_counted_no_more_and_whoever_came_back_before_is_not_counted_twice() {
        let story = "
            show 1 on 2 from -10 to 90
            in a of 1 by A 300 s ago
            gone a 200 s ago
            in b of 1 by A 300 s ago
            out b 350 s ago
            gone b 340 s ago
            in c of 1 by B 300 s ago
            out c 400 s ago
            gone c 100 s ago";
        check(&[], &[], story, "1 of 0, 0 a minute, A 1");
    }

    #[test]
    fn a_door_counts_the_shows_that_it_serves() {
        let story = "
            show 1 on 2 from -10 to 90
            show 2 on 3 from -10 to 90
            ticket a of 1
            ticket b of 2
            ticket c of 2
            in a of 1 by A 300 s ago
            in b of 2 by B 300 s ago
            in x of 9 by B 300 s ago";
        check(&[], &[], story, "2 of 3, 0 a minute, A 1, B 1");
        check(&[2], &[], story, "1 of 1, 0 a minute, A 1");
        check(&[], &[2], story, "1 of 2, 0 a minute, B 1");
        check(&[2], &[2], story, "0 of 0, 0 a minute");
    }
}
