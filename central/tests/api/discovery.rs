//! Finding theatres, movies and shows.

use crate::server::TestCentral;
use serde_json::json;

#[tokio::test]
async fn a_customer_finds_a_show_by_city_movie_and_words() {
    let test = TestCentral::start().await;
    let cities = test.get("/v1/cities").await.expect(200);
    assert_eq!(cities, json!({ "cities": [{ "name": "Kochi", "theatres": 1 }, { "name": "Pune", "theatres": 1 }] }));
    let theatres = test.get("/v1/theatres?city=pune").await.expect(200);
    assert_eq!(theatres["theatres"][0]["name"], "Vijay, Camp");
    let movies = test.get("/v1/movies?city=Pune").await.expect(200);
    let titles: Vec<_> =
        movies["movies"].as_array().expect("movies").iter().map(|movie| movie["title"].clone()).collect();
    assert_eq!(titles, ["Sholay", "Don"]);
    let found = test.get("/v1/search?q=sholey").await.expect(200);
    assert_eq!(found["movies"][0]["title"], "Sholay");
    let movie = found["movies"][0]["id"].as_u64().expect("id");
    let shows = test.get(&format!("/v1/shows?movie={movie}")).await.expect(200);
    assert_eq!(shows["shows"].as_array().map(Vec::len), Some(2));
    let starts_at = shows["shows"][0]["starts_at"].as_str().expect("a time");
    assert!(starts_at.ends_with("+05:30"), "{starts_at}");
    let date = &starts_at[..10];
    assert_eq!(
        test.get(&format!("/v1/shows?city=Kochi&date={date}")).await.expect(200)["shows"][0]["from"]["minor"],
        10_000
    );
    assert_eq!(test.get("/v1/shows?date=2020-01-01").await.expect(200)["shows"], json!([]));
}

#[tokio::test]
async fn lists_go_on_from_their_cursor() {
    let test = TestCentral::start().await;
    let mut path = "/v1/shows?limit=2".to_owned();
    let mut ids = Vec::new();
    loop {
        let page = test.get(&path).await.expect(200);
        ids.extend(page["shows"].as_array().expect("shows").iter().map(|show| show["id"].to_string()));
        match page["next"].as_str() {
            Some(next) => path = format!("/v1/shows?limit=2&after={next}"),
            None => break,
        }
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn bad_queries_and_unknown_things_are_problems() {
    let test = TestCentral::start().await;
    let table = [
        ("/v1/shows?date=tomorrow", 400, "bad_query"),
        ("/v1/shows?after=nonsense!", 400, "bad_query"),
        ("/v1/movies?limit=many", 400, "bad_query"),
        ("/v1/movies?colour=red", 400, "bad_query"),
        ("/v1/search", 400, "bad_query"),
        ("/v1/shows/1-999/seats", 404, "unknown_show"),
        ("/v1/shows/99-1/seats", 404, "unknown_show"),
        ("/v1/shows/nonsense/seats", 404, "unknown_show"),
        ("/v1/shows/1-999/events", 404, "unknown_show"),
        ("/v1/bookings/1234", 404, "unknown_booking"),
        ("/v1/bookings/00000000000000000000000000000000", 404, "unknown_booking"),
        ("/v1/bookings/00000000000000000000000000000000/tickets", 404, "unknown_booking"),
        ("/v1/theatres/77/link", 404, "unknown_theatre"),
        ("/v1/nothing", 404, "unknown_route"),
    ];
    for (path, status, code) in table {
        assert_eq!(test.get(path).await.problem(status), code, "{path}");
    }
    assert_eq!(test.delete("/v1/cities").await.problem(405), "method_not_allowed");
}

#[tokio::test]
async fn a_seat_map_says_what_can_be_sold_here_while_the_box_is_away() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let path = format!("/v1/shows/{show}/seats");
    let first = test.get(&path).await;
    let tag = first.headers["etag"].to_str().expect("tag").to_owned();
    let map = first.expect(200);
    assert_eq!(map["link"], "locked_down");
    assert_eq!(map["counts"], json!({ "free": 20, "unavailable": 20 }));
    assert_eq!(map["categories"][1], json!({ "name": "Gold", "price": { "minor": 22_000, "currency": "INR" } }));
    assert_eq!(test.get_with(&path, ("if-none-match", &tag)).await.status, 304);
    let mut events = test.stream(&format!("/v1/shows/{show}/events")).await;
    let whole = next_event(&mut events).await;
    assert_eq!(whole["seats"]["A1"], "free");
    test.book(&show, &["A1"]).await;
    let change = next_event(&mut events).await;
    assert_eq!(change["seats"], json!({ "A1": "held" }));
    let newer = test.get_with(&path, ("if-none-match", &tag)).await;
    assert_eq!(newer.expect(200)["version"], change["version"]);
}

async fn next_event(events: &mut reqwest::Response) -> serde_json::Value {
    let chunk = tokio::time::timeout(std::time::Duration::from_secs(3), events.chunk()).await.expect("in time");
    let text = String::from_utf8(chunk.expect("chunk").expect("not over").to_vec()).expect("text");
    let data =
        text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or_else(|| panic!("no data in {text:?}"));
    serde_json::from_str(data).expect("json")
}

#[tokio::test]
async fn pages_are_drawn_from_the_same_facts() {
    let test = TestCentral::start().await;
    let show = test.show("Pune", "Sholay").await;
    let booking = test.book(&show, &["A1"]).await;
    let table = [
        ("/".to_owned(), 200, "Pune"),
        ("/?city=Pune".to_owned(), 200, "Sholay"),
        ("/?city=Pune&q=sholey".to_owned(), 200, "Sholay"),
        ("/movies/1?city=Pune".to_owned(), 200, "Vijay, Camp"),
        (format!("/shows/{show}"), 200, "Row A"),
        (format!("/bookings/{}", booking["booking"].as_str().expect("id")), 200, "Nearly there"),
        ("/movies/99".to_owned(), 404, "unknown_movie"),
        ("/shows/1-99".to_owned(), 404, "unknown_show"),
        ("/bookings/1".to_owned(), 404, "unknown_booking"),
        ("/assets/base.css".to_owned(), 200, "{"),
    ];
    for (path, status, words) in table {
        let answer = test.get(&path).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.text.contains(words), "{path} does not say {words:?}");
    }
    assert!(test.get("/").await.headers["content-security-policy"].to_str().expect("text").contains("frame-ancestors"));
}
