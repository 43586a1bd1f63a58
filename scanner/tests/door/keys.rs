//! Keys at the door: a stolen one is revoked, a new one is read from a poster.

use crate::fake_edge::{FakeEdge, THEATRE, body, key, minutes, page, root, show, ticket, wall};
use crate::test_door::{TestDoor, eventually};
use crate::{answer, house};
use serde_json::json;
use shared::ids::{Side, TicketId};
use shared::keys::{Certificate, Purpose, SecretKey};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Tickets of either kind in the drill.
const TICKETS: u16 = 1000;

fn signed(number: u16, honest: bool) -> (TicketId, String) {
    let mut body = body(0, number);
    let [a, b] = number.to_be_bytes();
    body.ticket = TicketId([u8::from(honest), 0, 0, 0, 0, 0, a, b]);
    (body.ticket, body.sign(&key(Side::Edge)).to_string())
}

/// A box is stolen with its key. The honest tickets it sold are in the list, those the thief writes are not.
#[tokio::test]
async fn a_stolen_key_that_is_revoked_admits_what_the_list_has_and_nothing_else() {
    let edge = FakeEdge::start().await;
    let listed: Vec<_> = (1..=TICKETS)
        .map(|number| {
            let mut row = ticket(1, number, "live");
            row["ticket"] = json!(signed(number, true).0.to_string());
            row
        })
        .collect();
    edge.now().pages.push(page(&[show()], &listed));
    let door = TestDoor::start(&edge).await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;

    let mut revoking = page(&[], &[]);
    revoking["revoked_keys"] = json!([key(Side::Edge).key_id().to_string()]);
    let reported = Instant::now();
    edge.now().pages.push(revoking);
    // The thief comes before anything has a seat of its own: the verdict must be about the key.
    let thief = |number| signed(TICKETS + number, false).1;
    eventually("the door knows", || async { door.status().await["guarantee"] == "SHARED" && door.revoked() == 1 })
        .await;
    assert!(reported.elapsed() < Duration::from_secs(10), "{:?}", reported.elapsed());
    edge.now().silent = true;

    let (mut honest, mut forged) = (BTreeMap::new(), BTreeMap::new());
    for number in 1..=TICKETS {
        *forged.entry(answer(&door.scan(&thief(number)).await)).or_insert(0) += 1;
        *honest.entry(answer(&door.scan(&signed(number, true).1).await)).or_insert(0) += 1;
    }
    assert_eq!(honest, BTreeMap::from([("admit ok SOLO".to_owned(), TICKETS)]));
    assert_eq!(forged, BTreeMap::from([("refuse revoked SOLO".to_owned(), TICKETS)]));
}

#[tokio::test]
async fn a_certificate_on_a_poster_teaches_a_device_that_is_never_online_a_new_key() {
    let edge = FakeEdge::start().await;
    let offline = |config: &mut scanner::Config| config.edge = "http://127.0.0.1:9".into();
    let door = TestDoor::with(&edge, offline).await;
    let standby = SecretKey::from_seed(&[55; 32]);
    let code = body(7, 7).sign(&standby).to_string();
    assert_eq!(answer(&door.scan(&code).await), "unknown unknown_key STALE");
    let certificate = |theatre, by: &SecretKey| {
        Certificate {
            public_key: standby.public(),
            theatre,
            side: Side::Edge,
            valid_from: wall() - minutes(10),
            valid_until: wall() + minutes(1000),
            purpose: Purpose::TicketsAndLink,
        }
        .sign(by)
    };
    for other in [certificate(THEATRE, &standby), certificate(shared::ids::TheatreId(13), &root())] {
        assert_eq!(answer(&door.scan(&other).await), "refuse malformed STALE", "not of this root or theatre");
    }
    assert_eq!(answer(&door.scan(&certificate(THEATRE, &root()).to_lowercase()).await), "unknown key_learned STALE");
    assert_eq!(answer(&door.scan(&code).await), "admit show_not_known STALE");
    let data = door.stop().await;
    let door = TestDoor::reopen(data, offline).await;
    assert_eq!(answer(&door.scan(&code).await), "already already_admitted STALE", "it knows the key for ever");
}

#[tokio::test]
async fn a_key_that_signs_before_its_certificate_has_come_is_amber_and_never_red() {
    let (edge, door) = house().await;
    edge.now().silent = true;
    let code = body(8, 8).sign(&SecretKey::from_seed(&[56; 32])).to_string();
    let view = door.scan(&code).await;
    assert_eq!((&view["verdict"], &view["code"]), (&json!("unknown"), &json!("unknown_key")));
    assert!(view["text"].as_str().is_some_and(|text| text.contains("scan the certificate")));
}

/// Whoever reads a poster has read the keys before the revocation was on disk, and is answered after it.
#[tokio::test]
async fn a_poster_that_is_read_while_a_key_is_revoked_does_not_bring_the_key_back() {
    let (edge, door) = house().await;
    let stolen = signed(7, true).1;
    let standby = SecretKey::from_seed(&[55; 32]);
    let poster = crate::fake_edge::certificate_of(&standby, Side::Edge);
    let mut revoking = page(&[], &[]);
    revoking["revoked_keys"] = json!([key(Side::Edge).key_id().to_string()]);
    // While somebody else has the store nothing of either is written.
    let store = door.hold_store();
    edge.now().pages.push(revoking);
    eventually("the page is on its way", || async { edge.now().told_pages == 2 }).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let read = door.scan(&poster);
    let let_go = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        drop(store);
    };
    let (learned, ()) = tokio::join!(read, let_go);
    assert_eq!(learned["code"], "key_learned");
    eventually("the door knows", || async { door.revoked() == 1 }).await;
    edge.now().silent = true;
    assert_eq!(answer(&door.scan(&stolen).await), "refuse revoked SOLO");
    assert_eq!(answer(&door.scan(&body(8, 8).sign(&standby).to_string()).await), "admit ok SOLO");
}
