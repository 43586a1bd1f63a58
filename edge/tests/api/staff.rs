//! Logging in, roles and what every route refuses alike.

use crate::house::{House, PIN, read};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_login_gives_a_token_with_its_role() {
    let house = House::open().await;
    let (status, session) = house.post("/v1/session", "", json!({"staff": "counter", "pin": PIN})).await;
    assert_eq!((status, &session["role"], &session["staff"]), (200, &json!("cashier"), &json!("counter")));
    assert!(session["expires_at"].as_str().unwrap().ends_with("+05:30"));
    let token = session["token"].as_str().unwrap();
    let ended = house.request(Method::DELETE, "/v1/session", token, None).await;
    assert_eq!(ended.status(), 204);
    let (status, problem) = house.post("/v1/shows/12-1/holds", token, json!({"seats": ["A1"]})).await;
    assert_eq!((status, &problem["code"]), (401, &json!("login_required")));
}

#[tokio::test]
async fn wrong_pins_are_refused_and_cost_a_growing_delay_that_survives_a_restart() {
    let mut house = House::open().await;
    for _ in 0..3 {
        let (status, problem) = house.post("/v1/session", "", json!({"staff": "counter", "pin": "0000"})).await;
        assert_eq!((status, &problem["code"]), (401, &json!("wrong_pin")), "{problem}");
    }
    house.stop().await;
    house.start().await;
    let right = json!({"staff": "counter", "pin": PIN});
    let locked = house.request(Method::POST, "/v1/session", "", Some(right)).await;
    assert_eq!(locked.status(), 429);
    assert_eq!(locked.headers()["content-type"], "application/problem+json");
    let seconds: u64 = locked.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=2).contains(&seconds), "{seconds}");
    assert_eq!(read(locked).await.1["code"], "pin_locked");
    house.log_in("manager").await;
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
    house.log_in("counter").await;
}

#[tokio::test]
async fn a_name_nobody_has_is_refused_like_a_wrong_pin() {
    let house = House::open().await;
    for _ in 0..4 {
        let (status, problem) = house.post("/v1/session", "", json!({"staff": "nobody", "pin": PIN})).await;
        assert_eq!((status, &problem["code"]), (401, &json!("wrong_pin")));
    }
}

#[tokio::test]
async fn working_offline_is_a_managers_switch_and_the_box_sells_on() {
    let house = House::open().await;
    let manager = house.log_in("manager").await;
    let (status, view) = house.post("/v1/link", &manager, json!({"work_offline": true})).await;
    assert_eq!((status, &view["link"]["work_offline"]), (200, &json!(true)));
    let (status, ready) = house.get("/readyz", "").await;
    assert_eq!((status, &ready["ready"]), (200, &json!(true)));
    let (_, view) = house.get("/v1/status", "").await;
    assert_eq!((&view["can_sell"], &view["theatre"]["name"]), (&json!(true), &json!("Rex")));
    let (_, view) = house.post("/v1/link", &manager, json!({"work_offline": false})).await;
    assert_eq!(view["link"]["work_offline"], json!(false));
}

#[tokio::test]
async fn bad_requests_get_problems_with_codes() {
    let house = House::open().await;
    let counter = house.log_in("counter").await;
    let show = house.add_show(30).await;
    let (status, problem) = house.get("/v1/nothing", "").await;
    assert_eq!((status, &problem["code"]), (404, &json!("unknown_route")));
    let big = json!({"seats": ["x".repeat(1 << 20)], "tender": "cash"});
    let (status, problem) = house.post(&format!("/v1/shows/{show}/sales"), &counter, big).await;
    assert_eq!((status, &problem["code"]), (413, &json!("body_too_large")));
    let (status, problem) = house.get("/v1/shows?date=yesterday", "").await;
    assert_eq!((status, &problem["code"]), (400, &json!("bad_date")));
    for unknown in ["12-999", "13-1", "x"] {
        let (status, problem) = house.get(&format!("/v1/shows/{unknown}/seats"), "").await;
        assert_eq!((status, &problem["code"]), (404, &json!("unknown_show")), "{unknown}");
    }
    let keyless = house.client.post(house.url(&format!("/v1/shows/{show}/holds"))).bearer_auth(&counter);
    let (status, problem) = read(keyless.json(&json!({"seats": ["A1"]})).send().await.unwrap()).await;
    assert_eq!((status, &problem["code"]), (400, &json!("idempotency_key_required")));
}

#[tokio::test]
async fn a_wrong_pin_counts_even_if_nobody_waits_for_the_answer() {
    use tokio::io::AsyncWriteExt;
    let house = House::open().await;
    let url = house.url("");
    let address = url.trim_start_matches("http://");
    let body = json!({"staff": "counter", "pin": "0000"}).to_string();
    let request = format!(
        "POST /v1/session HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let db = house.db();
    let counted = || -> u32 {
        let select = "SELECT wrong_pins FROM staff WHERE name = 'counter'";
        db.query_row(select, [], |row| row.get(0)).expect("the count")
    };
    let mut tries = 0;
    while counted() < 3 {
        tries += 1;
        assert!(tries <= 30, "{} of {tries} wrong PINs were counted", counted());
        let before = counted();
        let mut line = tokio::net::TcpStream::connect(address).await.unwrap();
        line.write_all(request.as_bytes()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        drop(line);
        // A line that is closed before its request was read asks nothing, and is tried again.
        for _ in 0..20 {
            if counted() > before {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
    let (status, problem) = house.post("/v1/session", "", json!({"staff": "counter", "pin": PIN})).await;
    assert_eq!((status, &problem["code"]), (429, &json!("pin_locked")));
}
