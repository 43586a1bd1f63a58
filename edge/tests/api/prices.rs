//! What seats cost and since when, as a manager reads it at the box.

use crate::house::{House, now};
use crate::line::Line;
use node::zone::{Zone, parse_rfc3339};
use serde_json::{Value, json};
use shared::ids::ShowNumber;

async fn priced(house: &House, show: &str) -> Value {
    let supervisor = house.log_in("supervisor").await;
    let (_, list) = house.get("/v1/shows", "").await;
    let shows = list["shows"].as_array().unwrap();
    let starts_at = shows.iter().find(|one| one["id"] == show).unwrap()["starts_at"].as_str().unwrap();
    let (status, prices) = house.get(&format!("/v1/prices?date={}", &starts_at[..10]), &supervisor).await;
    assert_eq!(status, 200, "{prices}");
    prices["shows"].as_array().unwrap().iter().find(|one| one["show"]["id"] == show).unwrap()["categories"].clone()
}

fn minor(category: &Value) -> (i64, Vec<i64>) {
    let before = category["before"].as_array().unwrap().iter();
    let before = before.map(|one| one["price"]["minor"].as_i64().unwrap()).collect();
    (category["price"]["minor"].as_i64().unwrap(), before)
}

fn since(told: &Value) -> i64 {
    parse_rfc3339(told["since"].as_str().unwrap()).unwrap().0
}

#[tokio::test]
async fn a_price_that_central_has_changed_is_told_with_its_moment_and_what_it_was_before() {
    let mut line = Line::up().await;
    let first = priced(&line.house, "12-7").await;
    assert_eq!([minor(&first[0]), minor(&first[1])], [(15_000, vec![]), (25_000, vec![])], "{first}");
    assert_eq!(first[0]["category"], "Silver");
    for price in [12_000, 18_000] {
        // Prices of one second are told apart by their order alone.
        let mut central = line.central.lock().unwrap();
        central.replica.set_price(ShowNumber(7), 0, price, now()).unwrap();
        central.keep();
    }
    line.until("the box has the price", async |house| minor(&priced(house, "12-7").await[0]).0 == 18_000).await;
    for restarted in [false, true] {
        if restarted {
            line.house.stop().await;
            line.house.start().await;
        }
        let told = priced(&line.house, "12-7").await;
        assert_eq!(
            [minor(&told[0]), minor(&told[1])],
            [(18_000, vec![12_000, 15_000]), (25_000, vec![])],
            "restarted: {restarted}: {told}"
        );
        assert!((now().0 - since(&told[0])) < 60_000 && since(&told[0]) >= since(&told[0]["before"][1]), "{told}");
    }
    line.down().await;
}

#[tokio::test]
async fn a_show_that_the_house_adds_has_its_prices_since_then_and_a_bad_day_is_refused() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let told = priced(&house, &show).await;
    assert_eq!([minor(&told[0]), minor(&told[1])], [(15_000, vec![]), (25_000, vec![])]);
    assert!((now().0 - since(&told[0])).abs() < 60_000, "{told}");
    let supervisor = house.log_in("supervisor").await;
    let (status, problem) = house.get("/v1/prices?date=x", &supervisor).await;
    assert_eq!((status, &problem["code"]), (400, &json!("bad_date")));
    let (_, today) = house.get("/v1/prices", &supervisor).await;
    assert_eq!(today["date"], Zone::named("Asia/Kolkata").unwrap().local_date(now()));
}
