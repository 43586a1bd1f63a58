//! Answers that get lost: whoever asked asks again under the same number, and nobody else comes in by it.

use crate::fake_edge::{FakeEdge, body, code, page, show, ticket};
use crate::test_door::{TestDoor, eventually};
use crate::{answer, house};
use serde_json::{Value, json};
use shared::ids::TicketId;
use shared::keys::SecretKey;

fn number(id: u8) -> String {
    format!("{id:032x}")
}

async fn scan(door: &TestDoor, code: &str, id: u8) -> Value {
    let (status, view) = door.post("/v1/scan", json!({"code": code, "id": number(id)}).to_string()).await;
    assert_eq!(status, 200, "{view}");
    view
}

#[tokio::test]
async fn a_lost_answer_asked_again_is_green_for_its_own_number_and_yellow_for_another_pages() {
    let (edge, door) = house().await;
    let green = scan(&door, &code(1, 1), 1).await;
    assert_eq!(answer(&green), "admit ok SHARED");
    assert_eq!(answer(&scan(&door, &code(1, 1), 2).await), "already already_admitted SHARED", "a copy at another page");
    assert_eq!(scan(&door, &code(1, 1), 1).await, green, "the first page asks again");
    edge.now().silent = true;
    assert_eq!(scan(&door, &code(1, 1), 1).await, green, "it was answered, whoever is asked now");
    assert_eq!(answer(&scan(&door, &code(1, 1), 3).await), "already already_admitted SOLO");
}

#[tokio::test]
async fn a_page_that_lost_the_answer_hears_no_to_a_copy_that_came_in_by_another_page() {
    let (edge, door) = house().await;
    // The call of the first page arrived nowhere.
    assert_eq!(answer(&scan(&door, &code(1, 1), 2).await), "admit ok SHARED");
    assert_eq!(answer(&scan(&door, &code(1, 1), 1).await), "already already_admitted SHARED");
    edge.now().silent = true;
    assert_eq!(answer(&scan(&door, &code(1, 1), 1).await), "already already_admitted SHARED", "and again");
}

#[tokio::test]
async fn a_device_that_died_after_the_edge_had_answered_asks_under_the_same_number() {
    let (edge, door) = house().await;
    assert_eq!(answer(&scan(&door, &code(1, 1), 1).await), "admit ok SHARED");
    door.forget_scans();
    assert_eq!(answer(&scan(&door, &code(1, 1), 1).await), "admit ok SHARED");
    assert_eq!(edge.now().scans.keys().collect::<Vec<_>>(), [&number(1)]);
}

#[tokio::test]
async fn an_answer_given_alone_is_the_same_after_a_restart_and_uploaded_once() {
    let (edge, door) = house().await;
    edge.now().silent = true;
    let green = scan(&door, &code(1, 1), 1).await;
    assert_eq!(answer(&green), "admit ok SOLO");
    let data = door.stop().await;
    let door = TestDoor::reopen(data, |_| {}).await;
    assert_eq!(scan(&door, &code(1, 1), 1).await["verdict"], "admit");
    assert_eq!(answer(&scan(&door, &code(1, 1), 2).await), "already already_admitted SOLO");
    edge.now().silent = false;
    eventually("uploaded", || async { door.status().await["queued"] == 0 }).await;
    assert_eq!(edge.now().scans.keys().collect::<Vec<_>>(), [&number(1), &number(2)]);
    assert_eq!(edge.now().admitted[&TicketId([1; 8])].0, number(1));
}

#[tokio::test]
async fn a_number_used_for_another_code_stands_for_none_of_the_two_answers() {
    let (edge, door) = house().await;
    assert_eq!(answer(&scan(&door, &code(1, 1), 1).await), "admit ok SHARED");
    let other = scan(&door, &code(2, 2), 1).await;
    assert_eq!((answer(&other).as_str(), &other["seat"]), ("admit ok SHARED", &json!("C2")));
    assert_eq!(edge.now().scans.len(), 2, "each has its own");
    edge.now().silent = true;
    let third = scan(&door, &code(3, 3), 1).await;
    assert_eq!((answer(&third).as_str(), &third["seat"]), ("admit ok SOLO", &json!("C3")));
    for id in ["", "7", &"x".repeat(32)] {
        let (status, problem) = door.post("/v1/scan", json!({"code": code(1, 1), "id": id}).to_string()).await;
        assert_eq!((status, problem["code"].as_str()), (422, Some("bad_scan")), "{id}");
    }
}

#[tokio::test]
async fn a_key_that_only_the_edge_knows_lets_one_in_though_its_first_answer_came_too_late() {
    let (edge, door) = house().await;
    let strange = body(8, 8).sign(&SecretKey::from_seed(&[56; 32])).to_string();
    edge.now().answers_late = true;
    assert_eq!(answer(&scan(&door, &strange, 1).await), "unknown unknown_key SOLO");
    eventually("the edge has admitted", || async { edge.now().scans.contains_key(&number(1)) }).await;
    edge.now().answers_late = false;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    let green = scan(&door, &strange, 2).await;
    assert_eq!(answer(&green), "admit ok SHARED", "nobody has come in on it yet");
    assert_eq!(scan(&door, &strange, 2).await, green, "asked again");
    assert_eq!(answer(&scan(&door, &strange, 3).await), "already already_admitted SHARED");
    assert_eq!(edge.now().scans.keys().collect::<Vec<_>>(), [&number(1), &number(3)]);
    edge.now().silent = true;
    assert_eq!(scan(&door, &strange, 2).await, green, "it is known here too");
}

#[tokio::test]
async fn a_group_that_is_asked_for_again_gets_the_answers_of_the_first_time() {
    let edge = FakeEdge::start().await;
    let rows = (1..=3).map(|number| {
        let mut row = ticket(number, number.into(), "live");
        row["booking"] = json!("7KQ2MXPA");
        row
    });
    edge.now().pages.push(page(&[show()], &rows.collect::<Vec<_>>()));
    let door = TestDoor::start(&edge).await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    assert_eq!(answer(&scan(&door, &code(1, 1), 1).await), "admit ok SHARED");
    let ticket = |number: u8| TicketId([number; 8]).to_string();
    let enter = async |tickets: &[u8], ids: &[u8]| {
        let tickets: Vec<String> = tickets.iter().map(|one| ticket(*one)).collect();
        let ids: Vec<String> = ids.iter().map(|one| number(*one)).collect();
        let body = json!({"with": ticket(1), "tickets": tickets, "ids": ids});
        let (status, view) = door.post("/v1/groups", body.to_string()).await;
        let verdicts = view["verdicts"].as_array().map(|all| all.iter().map(answer).collect::<Vec<_>>());
        (status, verdicts.unwrap_or_default())
    };
    assert_eq!(enter(&[2], &[12]).await, (200, vec!["admit ok SHARED".to_owned()]));
    let both = vec!["admit ok SHARED".to_owned(), "admit ok SHARED".into()];
    assert_eq!(enter(&[2, 3], &[12, 13]).await, (200, both.clone()), "the first one's number is known");
    edge.now().silent = true;
    assert_eq!(enter(&[2, 3], &[12, 13]).await, (200, both));
    let yellow = vec!["already already_admitted SOLO".to_owned(); 2];
    assert_eq!(enter(&[2, 3], &[22, 23]).await, (200, yellow), "another page's");
    for ids in [&[12][..], &[12, 13, 14]] {
        assert_eq!(enter(&[2, 3], ids).await.0, 422, "a number for each");
    }
}
