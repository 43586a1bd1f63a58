//! Somebody changes the till journal of a box that stands still, by SQL on its file. The doctor finds it and names the row.

use crate::cli::{text, usher_edge};
use crate::house::{House, PIN};
use crate::shifts::Dice;
use edge::checkup;
use edge::schema::FILE;
use node::checkup::Grade;
use rusqlite::{Connection, params};
use serde_json::json;
use shared::entry::Hash;
use shared::till::journal::Last;
use shared::till::{TillEntry, TillFact};
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

/// Writes row `n` with other bytes and everything after it so that the chain fits again.
fn write_anew(db: &Connection, n: u32, bytes: &[u8]) {
    let mut select = db.prepare("SELECT entry FROM till_journal ORDER BY seq").unwrap();
    let entries: Vec<Vec<u8>> = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut last = Last::default();
    for entry in entries {
        let row = last.next(if last.seq + 1 == n { bytes.to_vec() } else { entry });
        last = Last::from(&row);
        let update = "UPDATE till_journal SET entry = ?2, hash = ?3 WHERE seq = ?1";
        db.execute(update, params![row.seq, row.bytes, row.hash.0]).unwrap();
    }
    db.execute("UPDATE till_last SET hash = ?1", [last.hash.0]).unwrap();
}

fn entry(db: &Connection, seq: u32) -> (Vec<u8>, Vec<u8>) {
    let select = "SELECT entry, hash FROM till_journal WHERE seq = ?1";
    db.query_row(select, [seq], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
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
    match dice.below(10) {
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
        _ => {
            let sold = |seq: &u32| matches!(TillEntry::decode(&entry(db, *seq).0).unwrap().fact, TillFact::Sold { .. });
            let n = (n..=rows).chain(1..n).find(sold).unwrap();
            let mut told = TillEntry::decode(&entry(db, n).0).unwrap();
            if let TillFact::Sold { minor, .. } = &mut told.fact {
                *minor -= 100;
            }
            write_anew(db, n, &told.encode().unwrap());
            (n, "an amount is changed, and every hash after it")
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
