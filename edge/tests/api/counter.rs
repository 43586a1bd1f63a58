//! Seat maps, holds, sales and voids.

use crate::house::{House, read};
use reqwest::Method;
use serde_json::{Value, json};
use shared::keys::KeyRing;
use shared::ticket::TicketCode;

#[tokio::test]
async fn a_house_adds_a_show_and_all_its_seats_are_the_counters() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (status, list) = house.get("/v1/shows", "").await;
    assert_eq!((status, &list["shows"][0]["id"], &list["shows"][0]["seats_free"]), (200, &json!(show), &json!(10)));
    let answer = house.request(Method::GET, &format!("/v1/shows/{show}/seats"), "", None).await;
    let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let (_, map) = read(answer).await;
    assert_eq!(map["counts"], json!({"free": 10}));
    assert_eq!(map["categories"][1], json!({"name": "Gold", "price": {"minor": 25_000, "currency": "INR"}}));
    assert_eq!(map["rows"][0]["seats"][2]["column"], 3, "the aisle shifts columns: {map}");
    let again = house.client.get(house.url(&format!("/v1/shows/{show}/seats"))).header("If-None-Match", &tag);
    assert_eq!(again.send().await.unwrap().status(), 304);
    let manager = house.log_in("manager").await;
    let overlapping = json!({
        "screen": 1, "title": "Another", "starts_at": list["shows"][0]["starts_at"],
        "ends_at": list["shows"][0]["ends_at"], "prices": [{"minor": 1, "currency": "INR"}, {"minor": 2, "currency": "INR"}],
    });
    let (status, problem) = house.post("/v1/shows", &manager, overlapping).await;
    assert_eq!((status, &problem["code"]), (409, &json!("show_overlaps")));
}

#[tokio::test]
async fn each_day_names_the_next_ones_that_have_shows() {
    let house = House::open().await;
    const DAY: i64 = 24 * 60;
    let (today, later) = (house.add_show(30).await, house.add_show(30 + 3 * DAY).await);
    let (_, first) = house.get("/v1/shows", "").await;
    assert_eq!((&first["shows"][0]["id"], first["shows"].as_array().unwrap().len()), (&json!(today), 1));
    assert_eq!(first["before"], Value::Null);
    let date = |list: &Value, name: &str| list[name].as_str().unwrap().to_owned();
    let (_, next) = house.get(&format!("/v1/shows?date={}", date(&first, "after")), "").await;
    assert_eq!(
        (&next["shows"][0]["id"], &next["date"]),
        (&json!(later), &first["after"]),
        "days without shows are passed over"
    );
    assert_eq!((&next["before"], &next["after"]), (&first["date"], &Value::Null));
    let (status, none) = house.get("/v1/shows?date=2020-01-01", "").await;
    assert_eq!((status, &none["shows"], &none["after"]), (200, &json!([]), &first["date"]));
}

#[tokio::test]
async fn a_hold_keeps_a_seat_until_it_is_released_and_can_be_sold() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let counter = house.log_in("counter").await;
    let holds = format!("/v1/shows/{show}/holds");
    let (status, hold) = house.post(&holds, &counter, json!({"seats": ["a1", "A2"]})).await;
    assert_eq!((status, &hold["total"]["minor"], &hold["lines"][0]["seat"]), (201, &json!(30_000), &json!("A1")));
    assert_eq!(house.state_of(&show, "A1").await, "held");
    let (status, problem) = house.post(&holds, &counter, json!({"seats": ["A1"]})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("seat_held")));
    let path = format!("/v1/holds/{}", hold["hold"].as_str().unwrap());
    let (status, renewed) = read(house.request(Method::POST, &path, &counter, None).await).await;
    assert_eq!((status, &renewed["hold"]), (200, &hold["hold"]));
    assert_eq!(house.request(Method::DELETE, &path, &counter, None).await.status(), 204);
    assert_eq!(house.state_of(&show, "A1").await, "free");
    let (status, problem) = read(house.request(Method::POST, &path, &counter, None).await).await;
    assert_eq!((status, &problem["code"]), (404, &json!("unknown_hold")));
    let (_, hold) = house.post(&holds, &counter, json!({"best": 2, "category": "gold"})).await;
    assert_eq!(hold["total"]["minor"], 50_000, "{hold}");
    let sale = json!({"hold": hold["hold"], "tender": "upi"});
    let (status, sale) = house.post(&format!("/v1/shows/{show}/sales"), &counter, sale).await;
    assert_eq!((status, &sale["change"], &sale["lines"]), (201, &Value::Null, &hold["lines"]));
}

#[tokio::test]
async fn requests_for_seats_are_refused_by_what_is_wrong_with_them() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let counter = house.log_in("counter").await;
    let table = [
        (json!({"seats": ["Z9"]}), 404, "unknown_seat"),
        (json!({"seats": []}), 422, "bad_seat_count"),
        (json!({"seats": ["A1", "a1"]}), 422, "bad_seat_count"),
        (json!({"best": 6}), 409, "no_seats_together"),
        (json!({"best": 2, "category": "Platinum"}), 404, "unknown_category"),
        (json!({}), 422, "bad_seat_count"),
        (json!({"sets": ["A1"]}), 422, "unprocessable_body"),
    ];
    for (body, status, code) in table {
        let answer = house.post(&format!("/v1/shows/{show}/holds"), &counter, body.clone()).await;
        assert_eq!((answer.0, &answer.1["code"]), (status, &json!(code)), "{body}: {}", answer.1);
    }
}

#[tokio::test]
async fn a_cash_sale_gives_change_a_code_and_tickets_that_verify() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let counter = house.log_in("counter").await;
    let received = |minor: i64| json!({"minor": minor, "currency": "INR"});
    let body = json!({"seats": ["A1", "B1"], "tender": "cash", "received": received(50_000)});
    let sales = format!("/v1/shows/{show}/sales");
    let little = json!({"seats": ["A1", "B1"], "tender": "cash", "received": received(39_999)});
    let (status, problem) = house.post(&sales, &counter, little).await;
    assert_eq!(
        (status, &problem["code"], &problem["total"]["minor"]),
        (422, &json!("too_little_received"), &json!(40_000))
    );
    let (status, sale) = house.post(&sales, &counter, body).await;
    assert_eq!(status, 201, "the refused tender left no hold: {sale}");
    assert_eq!(sale["change"], received(10_000));
    assert_eq!(sale["code"].as_str().unwrap().len(), 8);
    assert_eq!(
        (&sale["tickets"][0]["serial"], &sale["tickets"][1]["serial"]),
        (&json!("counter-000001"), &json!("counter-000002"))
    );
    let identity = edge::identity::load(house.data.path()).unwrap();
    let ring: KeyRing = identity.ring;
    for (ticket, seat) in sale["tickets"].as_array().unwrap().iter().zip(["A1", "B1"]) {
        let code = ticket["code"].as_str().unwrap();
        let verified = TicketCode::parse(code).unwrap().verify(&ring, crate::house::now()).unwrap();
        assert_eq!(
            (verified.body.seat().as_str(), verified.body.ticket.to_string()),
            (seat, ticket["ticket"].as_str().unwrap().into())
        );
        let svg = house.request(Method::GET, ticket["svg"].as_str().unwrap(), "", None).await;
        assert_eq!((svg.status().as_u16(), svg.headers()["content-type"].to_str().unwrap()), (200, "image/svg+xml"));
        assert!(svg.text().await.unwrap().contains("<svg"));
    }
    assert_eq!(house.state_of(&show, "A1").await, "sold");
    let (status, problem) = house.post(&sales, &counter, json!({"seats": ["A1"], "tender": "card"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("seat_sold")));
    let (status, problem) = house.get("/v1/tickets/0000000000000000.svg", "").await;
    assert_eq!((status, &problem["code"]), (404, &json!("unknown_ticket")));
}

#[tokio::test]
async fn the_same_request_is_sold_once_and_another_under_its_key_is_refused() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let counter = house.log_in("counter").await;
    let sell = async |seats: &[&str]| {
        let request = house.client.post(house.url(&format!("/v1/shows/{show}/sales"))).bearer_auth(&counter);
        let body = json!({"seats": seats, "tender": "cash"});
        read(request.header("Idempotency-Key", "one").json(&body).send().await.unwrap()).await
    };
    let first = sell(&["A1"]).await;
    assert_eq!(first.0, 201);
    assert_eq!(sell(&["A1"]).await, first, "a retry gets the very same answer");
    let (status, problem) = sell(&["A2"]).await;
    assert_eq!((status, &problem["code"]), (422, &json!("idempotency_key_reused")));
    assert_eq!(house.state_of(&show, "A2").await, "free");
}

#[tokio::test]
async fn many_clients_on_one_seat_sell_it_once_and_number_tickets_without_gaps() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let counter = house.log_in("counter").await;
    let tries = (0..20).map(|i| {
        let seat = ["A1", "A2", "A3", "A4"][i % 4];
        let request = house.client.post(house.url(&format!("/v1/shows/{show}/sales"))).bearer_auth(&counter);
        let request =
            request.header("Idempotency-Key", format!("try-{i}")).json(&json!({"seats": [seat], "tender": "card"}));
        tokio::spawn(async move { read(request.send().await.unwrap()).await })
    });
    let mut serials = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        let (status, answer) = one.await.unwrap();
        match status {
            201 => serials.push(answer["tickets"][0]["serial"].as_str().unwrap().to_owned()),
            _ => assert_eq!(answer["code"], "seat_sold", "{answer}"),
        }
    }
    serials.sort();
    assert_eq!(serials, ["counter-000001", "counter-000002", "counter-000003", "counter-000004"]);
}

#[tokio::test]
async fn a_voided_sale_frees_its_seats_for_the_next_generation() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let sale = house.sell(&show, &["A1", "A2"]).await;
    let supervisor = house.log_in("supervisor").await;
    let path = format!("/v1/sales/{}/void", sale["sale"].as_str().unwrap());
    let (status, problem) = house.post(&path, &supervisor, json!({"reason": " "})).await;
    assert_eq!((status, &problem["code"]), (422, &json!("bad_reason")));
    for _ in 0..2 {
        let answer = house.post(&path, &supervisor, json!({"reason": "wrong show"})).await;
        assert_eq!(answer, (200, json!({"state": "voided"})), "asking again changes nothing");
    }
    assert_eq!(house.state_of(&show, "A1").await, "free");
    let again = house.sell(&show, &["A1"]).await;
    let code = |sale: &Value| TicketCode::parse(sale["tickets"][0]["code"].as_str().unwrap()).unwrap();
    assert_eq!((code(&sale).body().generation, code(&again).body().generation), (0, 1));
    let (status, problem) = house.post("/v1/sales/xyz/void", &supervisor, json!({"reason": "x"})).await;
    assert_eq!((status, &problem["code"]), (404, &json!("unknown_sale")));
}

#[tokio::test]
async fn a_cancelled_show_sells_no_more() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let manager = house.log_in("manager").await;
    let (status, view) = house.post(&format!("/v1/shows/{show}/cancellation"), &manager, json!({})).await;
    assert_eq!((status, &view["state"]), (200, &json!("cancelled")));
    let (status, problem) =
        house.post(&format!("/v1/shows/{show}/sales"), &manager, json!({"seats": ["A1"], "tender": "cash"})).await;
    assert_eq!((status, &problem["code"]), (410, &json!("show_cancelled")));
}

#[tokio::test]
async fn house_seats_are_not_sold_until_they_are_given_back() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (counter, supervisor) = (house.log_in("counter").await, house.log_in("supervisor").await);
    let path = format!("/v1/shows/{show}/withheld");
    let seats = |seats: &[&str], withheld: bool| json!({"seats": seats, "withheld": withheld});
    let (status, kept) = house.post(&path, &supervisor, seats(&["A1", "A2"], true)).await;
    assert_eq!((status, &kept["withheld"]), (200, &json!(["A1", "A2"])), "{kept}");
    assert_eq!(house.state_of(&show, "A1").await, "withheld");
    let sale = json!({"seats": ["A1"], "tender": "cash"});
    let (status, problem) = house.post(&format!("/v1/shows/{show}/sales"), &counter, sale.clone()).await;
    assert_eq!((status, &problem["code"]), (409, &json!("seat_withheld")), "{problem}");
    for (body, status, code) in [
        (seats(&["A1"], true), 409, "seat_withheld"),
        (seats(&["A3"], false), 409, "seat_not_withheld"),
        (seats(&["Z9"], true), 404, "unknown_seat"),
        (seats(&[], true), 422, "bad_seat_count"),
    ] {
        let (found, problem) = house.post(&path, &supervisor, body.clone()).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{body}: {problem}");
    }
    let (_, left) = house.post(&path, &supervisor, seats(&["A1"], false)).await;
    assert_eq!(left["withheld"], json!(["A2"]));
    assert_eq!(house.post(&format!("/v1/shows/{show}/sales"), &counter, sale).await.0, 201);
    let who = "SELECT group_concat(staff || ' ' || seats || ' ' || withheld, '; ') FROM withholdings";
    let who: String = house.db().query_row(who, [], |row| row.get(0)).unwrap();
    assert_eq!(who, "supervisor A1 A2 1; supervisor A1 0");
}
