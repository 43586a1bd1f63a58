//! The door device over HTTP, with an edge that can fall silent.

mod access;
mod clock;
mod departures;
mod fake_edge;
mod groups;
mod https;
mod keys;
mod layouts;
mod lock;
mod lost_answers;
mod off;
mod power_cut;
mod readers;
mod test_door;
mod witness;

use fake_edge::{FakeEdge, body, code, key, page, show, ticket};
use serde_json::{Value, json};
use shared::ids::{ScreenId, Side, TheatreId};
use shared::keys::SecretKey;
use std::time::{Duration, Instant};
use test_door::{TestDoor, eventually};

fn answer(view: &Value) -> String {
    let word = |name: &str| view[name].as_str().unwrap_or("?").to_owned();
    format!("{} {} {}", word("verdict"), word("code"), word("guarantee"))
}

async fn house() -> (FakeEdge, TestDoor) {
    let edge = FakeEdge::start().await;
    edge.now().pages.push(page(&[show()], &[ticket(1, 1, "live"), ticket(2, 2, "live"), ticket(9, 9, "void")]));
    let door = TestDoor::start(&edge).await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    (edge, door)
}

// --- with the edge

#[tokio::test]
async fn a_ticket_is_green_once_and_then_yellow_while_shared() {
    let (_edge, door) = house().await;
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "admit ok SHARED");
    let second = door.scan(&format!(" {} ", code(1, 1).to_lowercase())).await;
    assert_eq!(answer(&second), "already already_admitted SHARED");
    assert_eq!(second["first"]["door"], "Door A");
    assert_eq!(door.status().await["admitted"], 1);
}

#[tokio::test]
async fn a_second_scan_is_yellow_after_the_edge_that_admitted_has_gone() {
    let (edge, door) = house().await;
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "admit ok SHARED");
    edge.now().silent = true;
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "already already_admitted SOLO");
}

#[tokio::test]
async fn an_edge_that_has_forgotten_an_admission_of_this_door_hears_of_it_before_it_answers() {
    let (edge, door) = house().await;
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "admit ok SHARED");
    edge.now().admitted.clear();
    let second = door.scan(&code(1, 1)).await;
    assert_eq!(answer(&second), "already already_admitted SHARED");
    assert_eq!(second["first"]["door"], "Door A");
}

#[tokio::test]
async fn a_door_refuses_what_is_for_another_screen_without_asking() {
    let edge = FakeEdge::start().await;
    edge.now().pages.push(page(&[show()], &[]));
    let door = TestDoor::with(&edge, |config| config.screens = vec![1]).await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    let verdict = door.scan(&code(1, 1)).await;
    assert_eq!((&verdict["code"], &verdict["screen"]), (&json!("wrong_screen"), &json!(2)));
    assert_eq!(verdict["text"], "Wrong screen: send to Screen 2 →");
    assert!(edge.now().scans.is_empty());
}

#[tokio::test]
async fn the_badge_says_solo_while_the_edge_answers_and_cannot_share() {
    let (edge, door) = house().await;
    {
        let mut edge = edge.now();
        edge.promises = Some("SOLO");
        edge.pages.push(page(&[], &[]));
    }
    eventually("the feed says so", || async { door.status().await["guarantee"] == "SOLO" }).await;
    assert_eq!(door.status().await["edge_reachable"], true);
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "admit ok SOLO");
    edge.now().promises = Some("SHARED");
    assert_eq!(answer(&door.scan(&code(2, 2)).await), "admit ok SHARED");
    assert_eq!(door.status().await["guarantee"], "SHARED", "a verdict says so too");
}

#[tokio::test]
async fn a_door_that_is_bound_to_a_show_refuses_the_tickets_of_others() {
    let edge = FakeEdge::start().await;
    edge.now().pages.push(page(&[show()], &[]));
    let bound = |show: &'static str| move |config: &mut scanner::Config| config.shows = vec![show.into()];
    let door = TestDoor::with(&edge, bound("12-346")).await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    let verdict = door.scan(&code(1, 1)).await;
    assert_eq!((&verdict["verdict"], &verdict["code"]), (&json!("refuse"), &json!("wrong_show")));
    assert!(edge.now().scans.is_empty(), "the box is not asked");
    let data = door.stop().await;
    let door = TestDoor::reopen(data, bound("12-345")).await;
    assert_eq!(door.scan(&code(1, 1)).await["verdict"], "admit");
}

// --- without it

#[tokio::test]
async fn without_the_edge_a_ticket_is_green_and_its_second_scan_yellow() {
    let (edge, door) = house().await;
    edge.now().silent = true;
    let asked = Instant::now();
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "admit ok SOLO");
    assert!(asked.elapsed() >= Duration::from_millis(300), "the edge gets its 300 ms");
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "already already_admitted SOLO");
    let another_for_the_seat = door.scan(&code(3, 1)).await;
    assert_eq!(answer(&another_for_the_seat), "already seat_taken SOLO");
    let unlisted = door.scan(&code(4, 4)).await;
    assert_eq!((answer(&unlisted).as_str(), &unlisted["show"]), ("admit ok SOLO", &json!("Monsoon")));
    let status = door.status().await;
    assert_eq!(
        (&status["queued"], &status["edge_reachable"], &status["admitted"]),
        (&json!(4), &json!(false), &json!(2))
    );
}

#[tokio::test]
async fn what_the_feed_said_counts_without_the_edge() {
    let (edge, door) = house().await;
    edge.now().silent = true;
    assert_eq!(answer(&door.scan(&code(9, 9)).await), "refuse void SOLO");
    let mut elsewhere = body(5, 5);
    elsewhere.show.0 += 1;
    let elsewhere = elsewhere.sign(&key(Side::Edge)).to_string();
    assert_eq!(answer(&door.scan(&elsewhere).await), "admit show_not_known SOLO");
}

#[tokio::test]
async fn a_device_that_never_synced_is_stale_and_still_admits_by_signature() {
    let edge = FakeEdge::start().await;
    let door = TestDoor::with(&edge, |config| config.edge = "http://127.0.0.1:9".into()).await;
    let verdict = door.scan(&code(1, 1)).await;
    assert_eq!(answer(&verdict), "admit show_not_known STALE");
    assert_eq!((&verdict["seat"], &verdict["screen"]), (&json!("C1"), &json!(2)));
    assert_eq!(verdict.get("data_age_s"), None);
}

#[tokio::test]
async fn two_scans_of_one_ticket_at_once_admit_one() {
    let (edge, door) = house().await;
    edge.now().silent = true;
    door.scan(&code(2, 2)).await;
    let code = code(1, 1);
    let (a, b, c) = tokio::join!(door.scan(&code), door.scan(&code), door.scan(&code));
    let green = [a, b, c].iter().filter(|view| view["verdict"] == "admit").count();
    assert_eq!(green, 1);
}

// --- afterwards

#[tokio::test]
async fn scans_made_without_the_edge_are_uploaded_under_their_own_ids_before_the_feed_is_acknowledged() {
    let (edge, door) = house().await;
    edge.now().silent = true;
    for (id, seat) in [(1, 1), (2, 2), (1, 1)] {
        door.scan(&code(id, seat)).await;
    }
    let queued = door.queue();
    assert_eq!(queued.len(), 3);
    {
        let mut edge = edge.now();
        edge.asked.clear();
        edge.pages.push(page(&[], &[ticket(2, 2, "void")]));
        edge.silent = false;
    }
    eventually("uploaded", || async { door.status().await["queued"] == 0 }).await;
    eventually("acknowledged", || async { edge.now().asked.iter().any(|asked| asked == "feed after 2") }).await;
    let edge = edge.now();
    let stored: Vec<_> = edge.scans.keys().cloned().collect();
    assert_eq!(stored, queued);
    let uploads = edge.asked.iter().filter(|asked| asked.starts_with("scan ")).count();
    assert_eq!(uploads, 3, "each exactly once");
    assert!(edge.asked[..3].iter().all(|asked| asked.starts_with("scan ")), "{:?}", edge.asked);
    let green: Vec<_> = edge.scans.values().filter(|scan| scan["local"]["verdict"] == "admit").collect();
    assert_eq!(green.len(), 2);
    assert_eq!(green[0]["local"], json!({"verdict": "admit", "code": "ok", "guarantee": "SOLO"}));
    assert_eq!(green[0]["door"], "Door A");
}

#[tokio::test]
async fn a_scan_the_edge_does_not_take_keeps_no_other_from_it() {
    let (edge, door) = house().await;
    edge.now().silent = true;
    door.scan(&code(1, 1)).await;
    door.scan(&code(2, 2)).await;
    let queued = door.queue();
    {
        let mut edge = edge.now();
        edge.refuses_scan = Some(queued[0].clone());
        edge.silent = false;
    }
    eventually("the other one is delivered", || async { door.status().await["queued"] == 0 }).await;
    assert_eq!(edge.now().scans.keys().collect::<Vec<_>>(), [&queued[1]]);
    eventually("the page is told of the other", || async { door.status().await["refused"] == 1 }).await;
}

#[tokio::test]
async fn a_restarted_edge_is_offered_the_scans_again() {
    let (edge, door) = house().await;
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "admit ok SHARED");
    {
        let mut edge = edge.now();
        assert_eq!(edge.scans.len(), 1);
        edge.scans.clear();
        edge.boot += 1;
        edge.pages.push(page(&[], &[]));
    }
    eventually("offered again", || async { edge.now().scans.len() == 1 }).await;
    assert_eq!(edge.now().scans.values().next().expect("scan")["local"]["guarantee"], "SHARED");
}

#[tokio::test]
async fn a_device_that_is_paired_anew_tells_its_scans_to_the_box_that_it_has_now() {
    let (edge, door) = house().await;
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "admit ok SHARED");
    assert_eq!(edge.now().scans.len(), 1);
    let data = door.stop().await;
    let next = FakeEdge::start().await;
    next.now().pages.push(page(&[show()], &[ticket(1, 1, "live")]));
    scanner::pair(&next.pair_url(), data.path()).await.expect("paired anew");
    let _door = TestDoor::reopen(data, |_| {}).await;
    eventually("offered to the next box", || async { next.now().scans.len() == 1 }).await;
}

#[tokio::test]
async fn a_feed_that_starts_anew_forgets_what_it_omits_but_never_a_void() {
    let (edge, door) = house().await;
    {
        let mut edge = edge.now();
        edge.pages = vec![page(&[show()], &[]), page(&[], &[ticket(2, 2, "live")])];
        edge.resets = true;
        edge.silent = true;
    }
    door.scan(&code(8, 8)).await;
    edge.now().silent = false;
    eventually("read anew", || async { edge.now().asked.iter().any(|asked| asked == "feed after 2") }).await;
    assert_eq!(door.tickets_known(), ["0202020202020202 live", "0909090909090909 void"]);
}

#[tokio::test]
async fn a_killed_device_has_its_queue_and_its_admissions_when_it_comes_back() {
    let edge = FakeEdge::start().await;
    let (data, first_id) = test_door::scan_and_kill(&edge, &code(1, 1)).await;
    let door = TestDoor::reopen(data, |config| config.edge = "http://127.0.0.1:9".into()).await;
    assert_eq!(door.queue(), std::slice::from_ref(&first_id));
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "already already_admitted STALE");
    let data = door.stop().await;
    let door = TestDoor::reopen(data, |_| {}).await;
    eventually("uploaded", || async { door.status().await["queued"] == 0 }).await;
    assert!(edge.now().scans.contains_key(&first_id));
    assert_eq!(edge.now().scans.len(), 2);
}

// --- what is no ticket

#[tokio::test]
async fn false_and_foreign_codes_are_answered_at_once_and_not_passed_on() {
    let (edge, door) = house().await;
    let mut foreign = body(6, 6);
    foreign.theatre = TheatreId(13);
    let foreign = foreign.sign(&SecretKey::from_seed(&[77; 32])).to_string();
    let mut forged = code(1, 1);
    forged.replace_range(100..101, if &forged[100..101] == "A" { "B" } else { "A" });
    for (code, expected) in [
        ("HELLO", "refuse malformed"),
        ("", "refuse malformed"),
        (&"A".repeat(3000), "refuse malformed"),
        (&forged, "refuse bad_signature"),
        (&foreign, "refuse wrong_theatre"),
    ] {
        let view = door.scan(code).await;
        assert_eq!(format!("{} {}", view["verdict"], view["code"]).replace('"', ""), expected);
        assert!(view["text"].as_str().is_some_and(|text| text.len() > 10));
    }
    edge.now().silent = true;
    door.scan(&code(1, 1)).await;
    let mut stranger = body(7, 7);
    stranger.screen = ScreenId(3);
    let stranger = stranger.sign(&SecretKey::from_seed(&[78; 32])).to_string();
    assert_eq!(answer(&door.scan(&stranger).await), "unknown unknown_key SOLO");
    assert_eq!(door.status().await["queued"], 1);
}

#[tokio::test]
async fn bad_requests_are_problems() {
    let (_edge, door) = house().await;
    for (body, status, code) in [
        (format!("{{\"code\":\"{}\"}}", "A".repeat(1 << 20)), 413, "body_too_large"),
        ("{\"code\":".to_owned(), 400, "malformed_body"),
        ("{\"code\":7}".to_owned(), 422, "unprocessable_body"),
        ("{\"code\":\"A\",\"door\":\"B\"}".to_owned(), 422, "unprocessable_body"),
    ] {
        let (answered, problem) = door.post("/v1/scan", body).await;
        assert_eq!((answered, problem["code"].as_str()), (status, Some(code)));
    }
    assert_eq!(answer(&door.scan(&code(1, 1)).await), "admit ok SHARED");
}

// --- setting up

#[tokio::test]
async fn a_pairing_address_works_once_and_an_unpaired_device_does_not_serve() {
    let edge = FakeEdge::start().await;
    let data = tempfile::tempdir().expect("folder");
    let unpaired = test_door::run_once(data.path()).await.expect_err("not paired");
    assert!(format!("{unpaired:#}").contains("not paired"), "{unpaired:#}");
    node::telemetry::install_crypto();
    let identity = scanner::pair(&edge.pair_url(), data.path()).await.expect("paired");
    assert_eq!((identity.door.as_str(), identity.theatre), ("Door A", TheatreId(12)));
    let again = scanner::pair(&edge.pair_url(), data.path()).await.expect_err("used up");
    assert!(format!("{again:#}").contains("works once"), "{again:#}");
}

#[tokio::test]
async fn health_and_metrics_answer() {
    let (_edge, door) = house().await;
    door.scan(&code(1, 1)).await;
    assert_eq!(door.get("/livez").await.0, 200);
    assert_eq!(door.get("/readyz").await.0, 200);
    let (status, metrics) = door.get("/metrics").await;
    assert_eq!(status, 200);
    assert!(
        metrics.contains("usher_scan_verdicts_total{verdict=\"admit\",code=\"ok\",guarantee=\"SHARED\"} 1"),
        "{metrics}"
    );
}
