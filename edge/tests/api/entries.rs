//! What the box keeps of entries is the union of what the doors told, whatever the order, as the set of the core says.

use crate::house::{House, now};
use node::zone::Zone;
use serde_json::{Value, json};
use shared::admission::{Actor, Admission, AdmittedScan, CmRDT, ScanLog, ScanOp};
use shared::ids::{Incarnation, ScanId, TicketId};
use shared::time::Timestamp;

/// Shows, each seat of which is a case of its own.
const SHOWS: u64 = 2;

/// A small random source with a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// An entry that a door tells of: which door, in which life of it, and how many seconds ago.
struct Told {
    door: usize,
    scan: AdmittedScan,
}

fn tell(dice: &mut Dice, case: u64, at: Timestamp) -> Vec<Told> {
    let (count, at) = (1 + dice.below(6), whole_seconds(at));
    (0..count)
        .map(|n| {
            let door = usize::try_from(dice.below(3)).expect("a door");
            // Few enough moments that some of them fall together.
            let at = Timestamp(at.0 - 1000 * i64::try_from(dice.below(4)).expect("seconds"));
            let admission = Admission { at, door: format!("Door {}", dice.below(2)) };
            let actor = Actor { device: format!("d{}", door + 1), incarnation: Incarnation(dice.below(2) + 1) };
            let mut id = [0; 16];
            id[..8].copy_from_slice(&(1000 * case + n).to_be_bytes());
            Told { door, scan: AdmittedScan { admission, actor, id: ScanId(id) } }
        })
        .collect()
}

#[tokio::test]
async fn whatever_doors_tell_in_whatever_order_is_united_as_the_set_says() {
    let house = House::open().await;
    let doors = [house.pair("Door 0").await, house.pair("Door 1").await, house.pair("Door 2").await];
    let mut dice = Dice(7);
    let mut duplicates = 0;
    let mut seats = Vec::new();
    for hours in 0..SHOWS {
        let show = house.add_show(30 + 240 * i64::try_from(hours).expect("hours")).await;
        let (_, map) = house.get(&format!("/v1/shows/{show}/seats"), "").await;
        let all = map["rows"].as_array().expect("rows").iter().flat_map(|row| row["seats"].as_array().expect("seats"));
        let free = all.filter(|seat| seat["state"] == "free" && seat["by_claim"] != true);
        seats.extend(free.map(|seat| (show.clone(), seat["label"].as_str().expect("label").to_owned())));
    }
    for (case, (show, seat)) in (0u64..).zip(&seats) {
        let sale = house.sell(show, &[seat]).await;
        let ticket: TicketId = sale["tickets"][0]["ticket"].as_str().expect("ticket").parse().expect("a number");
        let told = tell(&mut dice, case, now());
        let mut log = ScanLog::default();
        for one in &told {
            let op = ScanOp { ticket, scan: one.scan.clone(), received_at: now() };
            assert_eq!(log.validate_op(&op), Ok(()));
            log.apply(op);
        }
        // Every one is told, some twice, in any order.
        let mut order: Vec<usize> = (0..told.len()).chain((0..told.len()).filter(|_| dice.below(2) == 0)).collect();
        for at in (1..order.len()).rev() {
            order.swap(at, usize::try_from(dice.below(at as u64 + 1)).expect("a place"));
        }
        for at in order {
            let Told { door, scan } = &told[at];
            let upload = json!([{
                "id": scan.id.to_string(), "code": sale["tickets"][0]["code"], "at": Zone::utc().rfc3339(scan.admission.at),
                "door": scan.admission.door, "incarnation": scan.actor.incarnation.to_string(),
                "local": {"verdict": "admit", "code": "ok", "guarantee": "SOLO"},
            }]);
            let (status, answers) = house.post("/v1/door/scans", &doors[*door], upload).await;
            assert_eq!(status, 200, "{answers}");
        }
        let first = log.admission(ticket).expect("an admission").id;
        let further: Vec<ScanId> = sorted(log.duplicates().map(|(_, scan)| scan.id).collect());
        assert_eq!(stored(&house, "SELECT scan FROM admissions WHERE ticket = ?1", ticket), [first], "case {case}");
        assert_eq!(
            stored(&house, "SELECT scan FROM further_entries WHERE ticket = ?1", ticket),
            further,
            "case {case}"
        );
        let listed = "SELECT scan FROM door_discrepancies WHERE ticket = ?1 AND code = 'admitted_twice' AND scan IN
            (SELECT scan FROM further_entries)";
        assert_eq!(stored(&house, listed, ticket), further, "case {case}");
        duplicates += further.len();
    }
    assert!(duplicates > 15, "the dice were kind");
}

fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp(at.0 - at.0 % 1000)
}

fn sorted(mut scans: Vec<ScanId>) -> Vec<ScanId> {
    scans.sort();
    scans
}

fn stored(house: &House, query: &str, ticket: TicketId) -> Vec<ScanId> {
    let db = house.db();
    let mut select = db.prepare(query).expect("query");
    let rows = select.query_map([ticket.0], |row| row.get(0)).expect("rows");
    sorted(rows.map(|row| ScanId(row.expect("a scan"))).collect())
}

#[tokio::test]
async fn an_entry_that_a_wrong_clock_puts_into_the_time_to_come_happened_when_it_was_told_of() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let door = house.pair("Door A").await;
    let sale = house.sell(&show, &["A1"]).await;
    let before = whole_seconds(now());
    let entry = |id: u8, at: Timestamp| {
        json!([{
            "id": format!("{id:032x}"), "code": sale["tickets"][0]["code"], "at": Zone::utc().rfc3339(at), "door": "Door A",
            "incarnation": "00000000000000ff", "local": {"verdict": "admit", "code": "ok", "guarantee": "STALE"},
        }])
    };
    house.post("/v1/door/scans", &door, entry(1, Timestamp(before.0 + 7_200_000))).await;
    let at: i64 =
        house.db().query_row("SELECT admitted_at FROM admissions", [], |row| row.get(0)).expect("an admission");
    assert!(before.0 <= at && at <= now().0, "{at}");
    let told: (i64, i64) = house
        .db()
        .query_row("SELECT scanned_at, incarnation FROM scans", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("a scan");
    assert_eq!(told, (before.0 + 7_200_000, 255), "what was told stays as it was told");
    let (_, answers) = house.post("/v1/door/scans", &door, entry(2, before)).await;
    assert_eq!(answers[0]["verdict"], "admit", "the earlier one counts: {answers}");
    let bad: Value = json!([{"id": format!("{:032x}", 3), "code": "", "at": Zone::utc().rfc3339(before), "door": "", "incarnation": "x"}]);
    assert_eq!(house.post("/v1/door/scans", &door, bad).await.0, 422);
}
