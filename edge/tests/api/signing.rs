//! A box that was given a new key: which one signs its tickets meanwhile.

use crate::house::House;
use serde_json::{Value, json};
use shared::ids::KeyId;
use shared::ticket::TicketCode;

/// The key that signed the ticket of a sale.
async fn signer(house: &House, show: &str, seat: &str) -> KeyId {
    let sale = house.sell(show, &[seat]).await;
    TicketCode::parse(sale["tickets"][0]["code"].as_str().unwrap()).unwrap().key_id()
}

/// A scanner takes everything in and says so.
async fn take_in(house: &House, token: &str) {
    let (status, feed) = house.get("/v1/door/feed?after=", token).await;
    assert_eq!(status, 200, "{feed}");
    let cursor = feed["cursor"].as_str().unwrap();
    assert_eq!(house.get(&format!("/v1/door/feed?after={cursor}"), token).await.0, 200);
}

async fn waits(house: &House, manager: &str) -> Value {
    house.get("/v1/devices", manager).await.1["key_waits"].clone()
}

#[tokio::test]
async fn a_new_key_signs_once_every_scanner_that_counts_has_its_certificate() {
    let mut house = House::open().await;
    let show = house.add_show(30).await;
    let (a, b) = (house.pair("Door A").await, house.pair("Door B").await);
    take_in(&house, &a).await;
    take_in(&house, &b).await;
    let old = signer(&house, &show, "A1").await;
    house.join_anew().await;
    let manager = house.log_in("manager").await;
    assert_eq!((signer(&house, &show, "A2").await, waits(&house, &manager).await), (old, json!(true)));
    take_in(&house, &a).await;
    assert_eq!(signer(&house, &show, "A3").await, old, "Door B does not know it");
    let (_, feed) = house.get("/v1/door/feed?after=", &b).await;
    assert_eq!(feed["certificates"].as_array().unwrap().len(), 3, "{feed}");
    take_in(&house, &b).await;
    let new = signer(&house, &show, "A4").await;
    assert_ne!(new, old);
    assert_eq!(waits(&house, &manager).await, json!(false));
    let (status, problem) = house.post("/v1/signing", &manager, Value::Null).await;
    assert_eq!((status, &problem["code"]), (409, &json!("key_signs_already")));
    house.stop().await;
    house.start().await;
    house.pair("Door C").await;
    assert_eq!(signer(&house, &show, "A5").await, new, "it signs for good");
}

#[tokio::test]
async fn a_new_key_does_not_wait_for_a_scanner_declared_off_nor_where_a_manager_says_so() {
    let mut house = House::open().await;
    let show = house.add_show(30).await;
    let a = house.pair("Door A").await;
    take_in(&house, &a).await;
    let old = signer(&house, &show, "A1").await;
    house.join_anew().await;
    let manager = house.log_in("manager").await;
    assert_eq!(signer(&house, &show, "A2").await, old);
    assert_eq!(house.post("/v1/signing", &manager, Value::Null).await.0, 204);
    let second = signer(&house, &show, "A3").await;
    assert_ne!(second, old);
    house.join_anew().await;
    let manager = house.log_in("manager").await;
    assert_eq!(signer(&house, &show, "A4").await, second, "the one before the newest");
    assert_eq!(house.post("/v1/devices/d1", &manager, json!({"off": true})).await.0, 204);
    assert_ne!(signer(&house, &show, "A5").await, second);
}
