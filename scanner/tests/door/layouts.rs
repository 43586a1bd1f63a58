//! Readers that type on a computer of another layout: the text as it arrived and the places of the keys, of which one is the code.

use crate::fake_edge::{FakeEdge, body, code, key, page, show, ticket};
use crate::test_door::{TestDoor, eventually};
use crate::{answer, house};
use serde_json::{Value, json};
use shared::ids::Side;
use shared::keys::SecretKey;

fn swapped(text: &str, pairs: &[(char, char)]) -> String {
    let other = |one: char| {
        pairs.iter().find_map(|(a, b)| if one == *a { Some(*b) } else { (one == *b).then_some(*a) }).unwrap_or(one)
    };
    text.chars().map(other).collect()
}

fn french(text: &str) -> String {
    let letters = swapped(text, &[('A', 'Q'), ('Z', 'W')]);
    letters
        .chars()
        .map(|one| {
            one.to_digit(10).map_or(one, |digit| ['à', '&', 'é', '"', '\'', '(', '-', 'è', '_', 'ç'][digit as usize])
        })
        .collect()
}

fn german(text: &str) -> String {
    swapped(text, &[('Y', 'Z')])
}

async fn scan(door: &TestDoor, code: &str, keys: &str) -> Value {
    let (status, view) = door.post("/v1/scan", json!({"code": code, "keys": keys}).to_string()).await;
    assert_eq!(status, 200, "{view}");
    view
}

#[tokio::test]
async fn the_places_of_the_keys_are_read_where_the_text_is_none_and_the_text_where_the_places_are_none() {
    let (edge, door) = house().await;
    for (number, layout) in
        [(1, french as fn(&str) -> String), (2, german), (3, str::to_lowercase), (4, |_| String::new())]
    {
        let good = code(number, number.into());
        assert_eq!(answer(&scan(&door, &layout(&good), &good).await), "admit ok SHARED", "{number}");
        // A reader that was told the computer's layout: what it types is right and where its keys lie is not.
        let good = code(number + 10, u16::from(number) + 10);
        assert_eq!(answer(&scan(&door, &good, &layout(&good)).await), "admit ok SHARED", "{number}");
    }
    assert!(edge.now().scans.values().all(|scan| scan["code"].as_str().is_some_and(|code| code.is_ascii())));
    assert_eq!(answer(&scan(&door, &french("HELLO"), "HELLO").await), "refuse malformed SOLO");
    let mut forged = code(1, 1);
    forged.replace_range(100..101, if &forged[100..101] == "A" { "B" } else { "A" });
    assert_eq!(answer(&scan(&door, &french(&forged), &forged).await), "refuse bad_signature SOLO");
    assert_eq!(answer(&scan(&door, &forged, &german(&forged)).await), "refuse bad_signature SOLO");
}

#[tokio::test]
async fn a_key_nobody_knows_is_amber_by_the_places_too_and_a_certificate_is_learned_by_them() {
    let (edge, door) = house().await;
    edge.now().silent = true;
    let strange = SecretKey::from_seed(&[56; 32]);
    let code = body(8, 8).sign(&strange).to_string();
    assert_eq!(answer(&scan(&door, &french(&code), &code).await), "unknown unknown_key SOLO");
    let certificate = crate::fake_edge::certificate_of(&strange, Side::Central);
    assert_eq!(answer(&scan(&door, &german(&certificate), &certificate).await), "unknown key_learned SOLO");
    assert_eq!(answer(&scan(&door, &german(&code), &code).await), "admit ok SOLO");
    assert_ne!(strange.key_id(), key(Side::Central).key_id());
}

#[tokio::test]
async fn the_way_out_is_read_by_the_places_too() {
    let edge = FakeEdge::start().await;
    let mut show = show();
    show["reentry"] = json!(true);
    edge.now().pages.push(page(&[show], &[ticket(1, 1, "live")]));
    let door = TestDoor::start(&edge).await;
    eventually("in touch", || async { door.status().await["guarantee"] == "SHARED" }).await;
    door.scan(&code(1, 1)).await;
    let out = json!({"how": "out", "code": french(&code(1, 1)), "keys": code(1, 1)});
    let (status, view) = door.post("/v1/departures", out.to_string()).await;
    assert_eq!((status, &view["how"]), (200, &json!("out")), "{view}");
}
