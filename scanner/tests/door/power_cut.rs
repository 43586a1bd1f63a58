//! The power fails: whatever part of the last write reached the disk, each scan that was answered is there, and the store is whole.

use crate::fake_edge::{FakeEdge, code, page, show, ticket};
use crate::test_door::{TestDoor, eventually};
use rusqlite::Connection;
use std::fs;
use std::path::Path;

const STORE: &str = "scanner.sqlite";
const SCANS: u8 = 12;
const HEADER_BYTES: u64 = 32;
/// Each page stands in the log behind a head of its own.
const FRAME_BYTES: u64 = 24 + 4096;

/// The store's files as they are now, in a folder of their own, and how many frames of the log count.
struct Image {
    folder: tempfile::TempDir,
    frames: u64,
}

fn image(data: &Path) -> Image {
    let folder = tempfile::tempdir().expect("folder");
    for name in [STORE.to_owned(), format!("{STORE}-wal")] {
        fs::copy(data.join(&name), folder.path().join(&name)).expect("copied");
    }
    // The index of the log says how many frames of it are committed.
    let index = fs::read(data.join(format!("{STORE}-shm"))).expect("index");
    let frames = u32::from_ne_bytes(index[16..20].try_into().expect("four bytes"));
    Image { folder, frames: frames.into() }
}

/// The scans and admissions of what is left where the log ends after so many bytes, as a start would find them.
fn left(image: &Image, bytes: u64) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join(STORE);
    fs::copy(image.folder.path().join(STORE), &path).expect("copied");
    let mut log = fs::read(image.folder.path().join(format!("{STORE}-wal"))).expect("log");
    log.truncate(usize::try_from(bytes).expect("a length"));
    fs::write(folder.path().join(format!("{STORE}-wal")), log).expect("written");
    let db = node::sqlite::open(&path, &scanner::SCHEMA).expect("the store opens");
    let whole: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked");
    assert_eq!(whole, "ok", "after {bytes} bytes of the log");
    let rows = |table: &str| rows(&db, &format!("SELECT lower(hex(ticket)) FROM {table} ORDER BY 1"));
    (rows("scans"), rows("admissions"))
}

fn rows(db: &Connection, query: &str) -> Vec<String> {
    let mut select = db.prepare(query).expect("query");
    select.query_map([], |row| row.get(0)).expect("rows").collect::<Result<_, _>>().expect("read")
}

#[tokio::test]
async fn a_power_cut_at_any_frame_of_the_log_loses_no_scan_that_was_answered() {
    let edge = FakeEdge::start().await;
    let tickets: Vec<_> = (1..=SCANS).map(|one| ticket(one, u16::from(one), "live")).collect();
    edge.now().pages.push(page(&[show()], &tickets));
    let door = TestDoor::with(&edge, |_| {}).await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    edge.now().silent = true;
    let mut images = Vec::new();
    for one in 1..=SCANS {
        let verdict = door.scan(&code(one, u16::from(one))).await;
        assert_eq!(verdict["verdict"], "admit", "{verdict}");
        images.push(image(door.data()));
    }
    let data = door.stop().await;
    drop(data);
    let states: Vec<_> = images.iter().map(|image| left(image, HEADER_BYTES + image.frames * FRAME_BYTES)).collect();
    for (answered, state) in (1..).zip(&states) {
        assert_eq!((state.0.len(), state.1.len()), (answered, answered), "what is on disk when a scan is answered");
    }
    let mut cuts = 0;
    for (at, (before, after)) in images.iter().zip(&images[1..]).enumerate() {
        assert!(before.frames < after.frames, "each scan is written");
        for frame in before.frames..=after.frames {
            for torn in [0, 12, 1000] {
                let found = left(after, HEADER_BYTES + frame * FRAME_BYTES + torn);
                assert!(states[at..=at + 1].contains(&found), "scan {at}, frame {frame} and {torn} bytes: {found:?}");
                cuts += 1;
            }
        }
        assert_eq!(
            left(after, HEADER_BYTES + before.frames * FRAME_BYTES),
            states[at],
            "the next scan is not there yet"
        );
    }
    assert!(cuts >= 6 * usize::from(SCANS - 1), "{cuts} cuts");
}
