//! What a show costs, changed by an operator.

use crate::server::{OPERATOR_TOKEN, TestCentral, now};
use node::zone::Zone;
use serde_json::{Value, json};
use std::time::Duration;

fn rupees(minor: i64) -> Value {
    json!({ "minor": minor, "currency": "INR" })
}

async fn set(test: &TestCentral, show: &str, body: Value) -> crate::server::Answer {
    let token = ("authorization", format!("Bearer {OPERATOR_TOKEN}"));
    test.raw(&format!("/v1/shows/{show}/prices"), &[token], body.to_string()).await
}

async fn total(test: &TestCentral, show: &str, seat: &str) -> Value {
    let hold = test.post(&format!("/v1/shows/{show}/holds"), &format!("k{seat}"), json!({ "seats": [seat] })).await;
    hold.expect(201)["total"].clone()
}

#[tokio::test]
async fn a_price_changes_for_sales_to_come_and_what_is_held_keeps_its_own() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["C1"]).await;
    let prices = set(&test, &show, json!({ "category": "gold", "price": rupees(25_000) })).await.expect(200);
    let expected =
        json!([{ "category": "Silver", "price": rupees(15_000) }, { "category": "Gold", "price": rupees(25_000) }]);
    assert_eq!((&prices["prices"], &prices["to_come"]), (&expected, &json!([])));
    assert_eq!((booking["total"].clone(), total(&test, &show, "C2").await), (rupees(22_000), rupees(25_000)));
    set(&test, &show, json!({ "category": "Silver", "price": rupees(9_900) })).await.expect(200);
    let listed = test.get("/v1/shows?city=Pune").await.expect(200);
    let cheapest = listed["shows"].as_array().expect("shows").iter().find(|one| one["id"] == show.as_str());
    assert_eq!(cheapest.expect("the show")["from"], rupees(9_900));
    assert_eq!(test.book(&show, &["A1"]).await["show"]["from"], rupees(9_900));
}

#[tokio::test]
async fn a_price_of_a_moment_to_come_begins_then() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let zone = Zone::named("Asia/Kolkata").expect("zone");
    let soon = zone.rfc3339(now() + Duration::from_millis(1_500));
    let later = zone.rfc3339(now() + Duration::from_secs(3_600));
    set(&test, &show, json!({ "category": "Gold", "price": rupees(1), "from": soon })).await.expect(200);
    set(&test, &show, json!({ "category": "Gold", "price": rupees(30_000), "from": soon })).await.expect(200);
    let prices =
        set(&test, &show, json!({ "category": "Silver", "price": rupees(5_000), "from": later })).await.expect(200);
    let to_come = prices["to_come"].as_array().expect("changes to come");
    assert_eq!((to_come.len(), &to_come[0]["price"]), (2, &rupees(30_000)), "the last one for a moment counts");
    assert_eq!(total(&test, &show, "C1").await, rupees(22_000));
    for _ in 0..60 {
        let prices = test.as_operator(&format!("/v1/shows/{show}/prices")).await.expect(200);
        if prices["prices"][1]["price"] == rupees(30_000) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((total(&test, &show, "C2").await, total(&test, &show, "A1").await), (rupees(30_000), rupees(15_000)));
    let prices = test.as_operator(&format!("/v1/shows/{show}/prices")).await.expect(200);
    assert_eq!(prices["to_come"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn every_bad_price_is_a_clear_problem() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    for (body, status, code) in [
        (json!({ "category": "Box", "price": rupees(1) }), 404, "unknown_category"),
        (json!({ "category": "Gold", "price": rupees(-1) }), 422, "bad_price"),
        (json!({ "category": "Gold", "price": { "minor": 1, "currency": "EUR" } }), 422, "bad_price"),
        (json!({ "category": "Gold", "price": rupees(1), "from": "tomorrow" }), 400, "bad_time"),
        (json!({ "category": "Gold" }), 422, "unprocessable_body"),
    ] {
        assert_eq!(set(&test, &show, body.clone()).await.problem(status), code, "{body}");
    }
    assert_eq!(
        set(&test, "1-77", json!({ "category": "Gold", "price": rupees(1) })).await.problem(404),
        "unknown_show"
    );
    let unsigned = test.raw(&format!("/v1/shows/{show}/prices"), &[], "{}").await;
    assert_eq!(unsigned.problem(401), "wrong_operator_token");
}
