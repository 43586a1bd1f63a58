//! Somebody changes the till journal of a box that stands still, by SQL on its file. The doctor finds it and names the row.

use crate::cli::{text, usher_edge};
use crate::house::{House, PIN, THEATRE};
use crate::shifts::Dice;
use edge::checkup;
use edge::schema::FILE;
use node::checkup::Grade;
use rusqlite::{Connection, params};
use serde_json::json;
use shared::entry::Hash;
use shared::ids::{Side, TheatreId};
use shared::keys::{Certificate, Domain, Purpose, SecretKey};
use shared::till::journal::Last;
use shared::till::{TillEntry, TillFact};
use shared::time::Timestamp;
use std::path::Path;

const TAMPERINGS: u32 = 500;

/// The disk of a box after two shifts, both counted and closed.
async fn box_that_sold() -> House {
    let mut house = House::open().await;
    let show = house.add_show(90).await;
    let by = json!({"staff": "supervisor", "pin": PIN});
    for cashier in ["counter", "supervisor"] {
        let token = house.log_in(cashier).await;
        let float = json!({"float": [{"face_minor": 10_000, "count": 3}]});
        let (_, shift) = house.post("/v1/shifts", &token, float).await;
        let path = format!("/v1/shifts/{}", shift["shift"]);
        let mut sales = Vec::new();
        for (best, tender) in [(2, "cash"), (1, "card"), (2, "upi")] {
            let sale = json!({"best": best, "tender": tender});
            let (status, sale) = house.post(&format!("/v1/shows/{show}/sales"), &token, sale).await;
            assert_eq!(status, 201, "{sale}");
            sales.push(sale);
            let amount = json!({"minor": 2_000, "currency": "INR"});
            let cash = json!({"direction": "in", "amount": amount, "reason": "change"});
            assert_eq!(house.post(&format!("{path}/cash"), &token, cash).await.0, 200);
        }
        for sale in &sales[..2] {
            let tickets = json!([sale["tickets"][0]["ticket"]]);
            let body =
                json!({"reason": "wrong film", "paper_surrendered": true, "tickets": tickets, "approved_by": by});
            let (status, voided) =
                house.post(&format!("/v1/sales/{}/void", sale["sale"].as_str().unwrap()), &token, body).await;
            assert_eq!(status, 200, "{voided}");
        }
        let counted = json!({"counted": [{"face_minor": 10_000, "count": 5}]});
        assert_eq!(house.post(&format!("{path}/close"), &token, counted).await.0, 200);
    }
    house.stop().await;
    house
}

/// Writes row `n` with other bytes, or without it, and everything after it so that the chain fits again.
fn write_anew(db: &Connection, n: u32, bytes: Option<Vec<u8>>) {
    let mut select = db.prepare("SELECT entry FROM till_journal ORDER BY seq").unwrap();
    let mut entries: Vec<Vec<u8>> = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let at = n as usize - 1;
    entries.splice(at..=at, bytes);
    db.execute("DELETE FROM till_journal", []).unwrap();
    let mut last = Last::default();
    for entry in entries {
        let shift = TillEntry::decode(&entry).unwrap().shift.0;
        let row = last.next(entry);
        last = Last::from(&row);
        let insert = "INSERT INTO till_journal (seq, shift, entry, hash) VALUES (?1, ?2, ?3, ?4)";
        db.execute(insert, params![row.seq, shift, row.bytes, row.hash.0]).unwrap();
    }
    db.execute("UPDATE till_last SET seq = ?1, hash = ?2", params![last.seq, last.hash.0]).unwrap();
}

fn entry(db: &Connection, seq: u32) -> (Vec<u8>, Vec<u8>) {
    let select = "SELECT entry, hash FROM till_journal WHERE seq = ?1";
    db.query_row(select, [seq], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

/// The first row from `n` on that tells such a fact, and after the last one the first again.
fn next(db: &Connection, n: u32, is: impl Fn(&TillFact) -> bool) -> u32 {
    let rows: u32 = db.query_row("SELECT count(*) FROM till_journal", [], |row| row.get(0)).unwrap();
    (n..=rows).chain(1..n).find(|seq| is(&TillEntry::decode(&entry(db, *seq).0).unwrap().fact)).unwrap()
}

/// A certificate that a key signs for itself.
fn own_certificate(key: &SecretKey) -> String {
    let (valid_from, valid_until) = (Timestamp::from_minutes(0), Timestamp::from_minutes(u32::MAX));
    let (public_key, theatre, purpose) = (key.public(), TheatreId(THEATRE), Purpose::TicketsAndLink);
    Certificate { public_key, theatre, side: Side::Edge, valid_from, valid_until, purpose }.sign(key)
}

fn flipped(mut bytes: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    let bit = dice.below(bytes.len() as u64 * 8) as usize;
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

/// Does something to the journal in this file; the row that must be named, and in words what was done.
fn tamper(db: &Connection, rows: u32, dice: &mut Dice) -> (u32, &'static str) {
    let n = 1 + dice.below(rows.into()) as u32;
    let other = 1 + (n + dice.below(u64::from(rows) - 1) as u32) % rows;
    let (bytes, hash) = entry(db, n);
    let (other_bytes, other_hash) = entry(db, other);
    let set = |column: &str, seq: u32, value: &[u8]| {
        db.execute(&format!("UPDATE till_journal SET {column} = ?2 WHERE seq = ?1"), params![seq, value]).unwrap();
    };
    match dice.below(14) {
        0 => {
            set("entry", n, &flipped(bytes, dice));
            (n, "an entry is changed")
        }
        1 => {
            set("hash", n, &flipped(hash, dice));
            (n, "a hash is changed")
        }
        2 => {
            db.execute("DELETE FROM till_journal WHERE seq = ?1", [n]).unwrap();
            (n, "a row is deleted")
        }
        3 => {
            db.execute("DELETE FROM till_journal WHERE seq >= ?1", [n]).unwrap();
            (n, "the end is cut off")
        }
        4 => {
            db.execute("DELETE FROM till_journal WHERE seq >= ?1", [n]).unwrap();
            let last = if n == 1 { Hash::default().0.to_vec() } else { entry(db, n - 1).1 };
            db.execute("UPDATE till_last SET seq = ?1, hash = ?2", params![n - 1, last]).unwrap();
            (n, "the end is cut off, and noted")
        }
        5 => {
            db.execute("UPDATE till_journal SET seq = -seq WHERE seq >= ?1", [n]).unwrap();
            db.execute("UPDATE till_journal SET seq = 1 - seq WHERE seq < 0", []).unwrap();
            let insert = "INSERT INTO till_journal (seq, shift, entry, hash) VALUES (?1, 1, ?2, ?3)";
            db.execute(insert, params![n, other_bytes, other_hash]).unwrap();
            (n, "a row is put in")
        }
        6 => {
            set("entry", n, &other_bytes);
            set("entry", other, &bytes);
            (n.min(other), "two entries change places")
        }
        7 => {
            for (seq, bytes, hash) in [(n, &other_bytes, &other_hash), (other, &bytes, &hash)] {
                set("entry", seq, bytes);
                set("hash", seq, hash);
            }
            (n.min(other), "two rows change places")
        }
        8 => {
            db.execute("UPDATE till_journal SET shift = 3 - shift WHERE seq = ?1", [n]).unwrap();
            (n, "a row is filed elsewhere")
        }
        9 => {
            let n = next(db, n, |fact| matches!(fact, TillFact::Sold { .. }));
            let mut told = TillEntry::decode(&entry(db, n).0).unwrap();
            if let TillFact::Sold { minor, .. } = &mut told.fact {
                *minor -= 100;
            }
            write_anew(db, n, Some(told.encode().unwrap()));
            (n, "an amount is changed, and every hash after it")
        }
        10 => {
            let n = next(db, n, |fact| matches!(fact, TillFact::PaidIn { .. }));
            let report = next(db, n, |fact| matches!(fact, TillFact::Closed { .. }));
            let mut told = TillEntry::decode(&entry(db, n).0).unwrap();
            let TillFact::PaidIn { minor, reason } = told.fact else { panic!("row {n} tells no cash paid in") };
            told.fact = match dice.below(3) {
                0 => TillFact::PaidIn { minor: minor - 100, reason },
                1 => TillFact::PaidIn { minor, reason: format!("{reason} and milk") },
                _ => TillFact::PaidOut { minor, reason },
            };
            write_anew(db, n, Some(told.encode().unwrap()));
            (report, "a cash movement is changed, and every hash after it")
        }
        11 => {
            let n = next(db, n, |fact| matches!(fact, TillFact::PaidIn { .. }));
            let report = next(db, n, |fact| matches!(fact, TillFact::Closed { .. }));
            write_anew(db, n, None);
            // The row that closes the shift has moved up into the place before.
            (report - 1, "a cash movement is left out, and every hash after it changed")
        }
        12 => {
            let report = next(db, n, |fact| matches!(fact, TillFact::Closed { .. }));
            let mut told = TillEntry::decode(&entry(db, report).0).unwrap();
            if let TillFact::Closed { counted, .. } = &mut told.fact {
                counted[0].count += 1;
            }
            write_anew(db, report, Some(told.encode().unwrap()));
            let forged = SecretKey::from_seed(&[9; 32]);
            let update = "UPDATE signed_reports SET (hash, signature, certificate) = (?2, ?3, ?4) WHERE seq = ?1";
            let signature = forged.sign(Domain::Till, &bytes).to_vec();
            db.execute(update, params![report, entry(db, report).1, signature, own_certificate(&forged)]).unwrap();
            (report, "a count is changed, every hash after it, and signed with a key that no root knows")
        }
        _ => {
            let report = next(db, n, |fact| matches!(fact, TillFact::Closed { .. }));
            let changed = match dice.below(6) {
                // Without the first, the box might have begun to sign later.
                0 => "DELETE FROM signed_reports WHERE seq = (SELECT max(seq) FROM signed_reports)",
                1 => "UPDATE signed_reports SET hash = zeroblob(32) WHERE seq = ?1",
                2 => "UPDATE signed_reports SET signature = x'' WHERE seq = ?1",
                3 => "UPDATE signed_reports SET expected_minor = expected_minor - 100 WHERE seq = ?1",
                4 => "UPDATE signed_reports SET counted_minor = counted_minor + 100 WHERE seq = ?1",
                _ => "UPDATE signed_reports SET certificate = '' WHERE seq = ?1",
            };
            if changed.starts_with("DELETE") {
                db.execute(changed, []).unwrap();
                return (rows, "the last signature is deleted");
            }
            db.execute(changed, [report]).unwrap();
            (report, "what was signed is changed")
        }
    }
}

fn bad(data: &Path) -> Vec<String> {
    let findings = checkup::examine(data).unwrap();
    findings.into_iter().filter(|one| one.grade == Grade::Bad).map(|one| one.text).collect()
}

#[tokio::test]
async fn every_one_of_500_tamperings_with_the_file_is_found_and_names_the_row() {
    let house = box_that_sold().await;
    let rows: u32 = house.db().query_row("SELECT count(*) FROM till_journal", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 20);
    assert_eq!(bad(house.data.path()), Vec::<String>::new());
    let whole = usher_edge(&["doctor"], house.data.path(), "");
    assert!(whole.status.success(), "{}", text(&whole.stdout));
    let image = house.image();
    let mut dice = Dice(7);
    for nth in 0..TAMPERINGS {
        let data = tempfile::tempdir().unwrap();
        std::fs::copy(image.path().join(FILE), data.path().join(FILE)).unwrap();
        std::fs::copy(house.data.path().join("join.json"), data.path().join("join.json")).unwrap();
        let db = Connection::open(data.path().join(FILE)).unwrap();
        let (row, what) = tamper(&db, rows, &mut dice);
        db.close().unwrap();
        let found = bad(data.path());
        let named = format!("row {row} of the till journal ");
        assert!(found.len() == 1 && found[0].starts_with(&named), "{nth}: {what}, {row}: {found:?}");
        if nth % 50 == 0 {
            let doctor = usher_edge(&["doctor"], data.path(), "");
            assert!(!doctor.status.success() && text(&doctor.stdout).contains(&named), "{}", text(&doctor.stdout));
        }
    }
}

#[tokio::test]
async fn a_report_shows_where_the_journal_ended_and_whoever_writes_it_anew_ends_elsewhere() {
    let mut house = box_that_sold().await;
    house.start().await;
    let manager = house.log_in("manager").await;
    let (_, report) = house.get("/v1/z/2", &manager).await;
    let (_, check) = house.get("/v1/till/check", &manager).await;
    let (end, hash) = (&report["journal_end"], check["hash"].as_str().unwrap());
    assert_eq!((&end["row"], end["hash"].as_str().unwrap()), (&json!(20), &hash[..16]), "{report}");
    assert_eq!(check["tampered"], json!(null));
    let (_, listed) = house.get("/v1/z", &manager).await;
    assert_eq!(&listed["shifts"][0]["journal_end"], end);
    let (_, shift) = house.get("/v1/shifts/2", &manager).await;
    assert_eq!(&shift["journal_end"], end);
    house.post("/v1/shifts", &manager, json!({"float": []})).await;
    let (_, open) = house.get("/v1/shifts/3", &manager).await;
    assert_eq!(open["journal_end"], json!(null), "an open shift has no end: {open}");
    house.stop().await;

    let image = house.image();
    let db = Connection::open(house.data.path().join(FILE)).unwrap();
    let n = next(&db, 11, |fact| matches!(fact, TillFact::PaidIn { .. }));
    write_anew(&db, n, None);
    db.close().unwrap();
    house.start().await;
    let manager = house.log_in("manager").await;
    let (_, check) = house.get("/v1/till/check", &manager).await;
    assert_eq!(check["tampered"]["row"], json!(19), "{check}");
    house.stop().await;

    // A box that had closed shifts before it signed any says so and is not accused.
    house.put_back(&image);
    let db = Connection::open(house.data.path().join(FILE)).unwrap();
    db.execute("DELETE FROM signed_reports WHERE z = 1", []).unwrap();
    db.close().unwrap();
    let findings = checkup::examine(house.data.path()).unwrap();
    let unsigned = findings.iter().find(|one| one.text.starts_with("1 reports before the first signed one"));
    assert!(unsigned.is_some_and(|one| one.grade == Grade::Attention), "{findings:?}");
    assert_eq!(bad(house.data.path()), Vec::<String>::new());
}

#[tokio::test]
async fn reports_signed_with_a_key_that_the_box_had_before_stay_good() {
    let mut house = House::open().await;
    for _ in 0..3 {
        let manager = house.log_in("manager").await;
        let (_, shift) = house.post("/v1/shifts", &manager, json!({"float": []})).await;
        let path = format!("/v1/shifts/{}/close", shift["shift"]);
        assert_eq!(house.post(&path, &manager, json!({"counted": []})).await.0, 200);
        house.join_anew().await;
    }
    let select = "SELECT count(DISTINCT certificate) FROM signed_reports";
    assert_eq!(house.db().query_row(select, [], |row| row.get::<_, u32>(0)).unwrap(), 3);
    let manager = house.log_in("manager").await;
    let (_, check) = house.get("/v1/till/check", &manager).await;
    assert_eq!((&check["rows"], &check["tampered"]), (&json!(6), &json!(null)), "{check}");
    assert_eq!(bad(house.data.path()), Vec::<String>::new());
}
