//! Sales and holds found again: at another window, by the paper, by the seat.

use crate::house::{House, read};
use reqwest::Method;
use serde_json::{Value, json};

async fn found(house: &House, token: &str, query: &str) -> Value {
    let (status, answer) = house.get(&format!("/v1/sales?{query}"), token).await;
    assert_eq!(status, 200, "{query}: {answer}");
    answer
}

#[tokio::test]
async fn a_sale_is_found_by_its_code_a_ticket_its_seat_and_the_hold_it_was_made_of() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (counter, supervisor) = (house.log_in("counter").await, house.log_in("supervisor").await);
    let (_, hold) = house.post(&format!("/v1/shows/{show}/holds"), &counter, json!({"seats": ["A1", "A2"]})).await;
    let hold = hold["hold"].as_str().unwrap();
    assert_eq!(found(&house, &counter, &format!("hold={hold}")).await["sales"], json!([]), "nothing is sold yet");
    let sale = json!({"hold": hold, "tender": "card", "slip": {"digits": "4242"}});
    let (status, sale) = house.post(&format!("/v1/shows/{show}/sales"), &counter, sale).await;
    assert_eq!((status, &sale["verification"]), (201, &json!("unverified")), "{sale}");
    let other = house.sell(&show, &["B1"]).await;
    let code = sale["code"].as_str().unwrap();
    let spaced = format!("{}%20{}", code[..4].to_lowercase(), &code[4..]);
    let ticket = &sale["tickets"][1];
    for query in [
        format!("code={spaced}"),
        format!("ticket={}", ticket["code"].as_str().unwrap().to_lowercase()),
        format!("ticket={}", ticket["ticket"].as_str().unwrap()),
        format!("show={show}&seat=a2"),
        format!("hold={hold}"),
    ] {
        let answer = found(&house, &supervisor, &query).await;
        let sales = answer["sales"].as_array().unwrap();
        assert_eq!((sales.len(), &sales[0]["sale"]), (1, &sale["sale"]), "{query}");
        for same in ["code", "show", "lines", "total", "tender", "change", "verification"] {
            assert_eq!(sales[0][same], sale[same], "{query}: {same}");
        }
        assert_eq!((&sales[0]["staff"], &sales[0]["tickets"][1]["state"]), (&json!("counter"), &json!("live")));
        for same in ["seat", "ticket", "code", "svg", "serial"] {
            assert_eq!(sales[0]["tickets"][1][same], ticket[same], "{query}: {same}");
        }
    }
    let mine = found(&house, &counter, "list=mine").await;
    assert_eq!(
        mine["sales"].as_array().unwrap().iter().map(|one| &one["sale"]).collect::<Vec<_>>(),
        [&other["sale"], &sale["sale"]]
    );
    assert_eq!(found(&house, &supervisor, "list=mine").await["sales"], json!([]));
    for nothing in ["code=ZZZZZZZZ", "ticket=nonsense", "hold=1", "show=12-77&seat=A1", "show=12-1&seat=Z9"] {
        assert_eq!(found(&house, &counter, nothing).await, json!({"sales": [], "online": null}), "{nothing}");
    }
    for bad in ["", "?code=A&hold=1", "?seat=A1", "?show=12-1", "?list=all"] {
        let (status, problem) = house.get(&format!("/v1/sales{bad}"), &counter).await;
        assert_eq!((status, &problem["code"]), (400, &json!("bad_query")), "{bad}");
    }
}

#[tokio::test]
async fn a_hold_is_found_by_whoever_placed_it_until_it_is_sold_or_let_go() {
    let house = House::open().await;
    let show = house.add_show(30).await;
    let (counter, again) = (house.log_in("counter").await, house.log_in("counter").await);
    let supervisor = house.log_in("supervisor").await;
    let holds = format!("/v1/shows/{show}/holds");
    let (_, first) = house.post(&holds, &counter, json!({"seats": ["A1"]})).await;
    let (_, second) = house.post(&holds, &counter, json!({"seats": ["A2"]})).await;
    let (status, own) = house.get("/v1/holds", &again).await;
    assert_eq!((status, &own["holds"]), (200, &json!([first, second])), "at another window");
    assert_eq!(house.get("/v1/holds", &supervisor).await.1, json!({"holds": []}), "somebody else's");
    let sale = json!({"hold": first["hold"], "tender": "cash"});
    assert_eq!(house.post(&format!("/v1/shows/{show}/sales"), &again, sale.clone()).await.0, 201);
    let (status, refused) = house.post(&format!("/v1/shows/{show}/sales"), &counter, sale).await;
    assert_eq!((status, &refused["code"]), (404, &json!("unknown_hold")), "one hold becomes one sale");
    assert_eq!(house.get("/v1/holds", &again).await.1["holds"], json!([second]));
    let path = format!("/v1/holds/{}", second["hold"].as_str().unwrap());
    assert_eq!(read(house.request(Method::DELETE, &path, &counter, None).await).await.0, 204);
    assert_eq!(house.get("/v1/holds", &again).await.1, json!({"holds": []}));
}
