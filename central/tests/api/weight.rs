//! What a page weighs on the wire: many customers have a slow line.

use axum::Router;
use axum::routing::get;
use central::pages;
use node::http::serve;
use node::shutdown::Shutdown;
use node::view::{CategoryView, MovieRef, RowView, SeatMapView, SeatView, ShowView, TheatreRef};
use shared::money::Money;
use std::collections::BTreeSet;
use tokio::net::TcpListener;

/// The most that the first view of a page may transfer, bytes.
const FIRST_VIEW_MAX: usize = 100 * 1024;

/// A hall larger than any of the real ones: 26 rows of 30.
fn hall() -> SeatMapView {
    let states = ["free", "sold", "held", "unavailable"];
    let row = |index: u8| {
        let label = char::from(b'A' + index).to_string();
        let seat = |number: u16| SeatView {
            label: format!("{label}{number}"),
            number,
            column: number + number / 10,
            category: index / 13,
            state: states[usize::from(number * 7 + u16::from(index) * 5) % 4].to_owned(),
            accessible: index == 25,
            by_claim: number.is_multiple_of(3),
        };
        RowView { seats: (1..=30).map(seat).collect(), label: label.clone() }
    };
    let category = |name: &str, minor| CategoryView { name: name.to_owned(), price: Money::inr(minor) };
    let show = ShowView {
        id: "12-345".to_owned(),
        movie: MovieRef { id: 7, title: "Sholay".to_owned() },
        theatre: TheatreRef { id: 12, name: "Vijay, Camp".to_owned() },
        screen: 1,
        starts_at: "2026-11-23T18:30:00+05:30".to_owned(),
        ends_at: "2026-11-23T21:30:00+05:30".to_owned(),
        from: Money::inr(15_000),
        seats_free: Some(195),
        seats_count: Some(780),
        state: "on_sale".to_owned(),
    };
    SeatMapView {
        show,
        link: "live".to_owned(),
        version: "1607ee4f54e7a844".to_owned(),
        categories: vec![category("Silver", 15_000), category("Gold", 22_000)],
        rows: (0..26).map(row).collect(),
        counts: states.into_iter().map(|state| (state.to_owned(), 195)).collect(),
    }
}

/// What an answer weighs with its head, and what it says.
async fn fetch(client: &reqwest::Client, url: &str) -> (usize, String) {
    let packed = client.get(url).header("accept-encoding", "gzip").send().await.expect("answer");
    assert_eq!(packed.status(), 200, "{url}");
    let head: usize = packed.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let weight = head + packed.bytes().await.expect("body").len();
    let text = client.get(url).send().await.expect("answer").text().await.expect("text");
    (weight, text)
}

/// The paths under `/assets/` that a document or a module names.
fn assets(text: &str) -> impl Iterator<Item = String> {
    let named = text.split("\"/assets/").skip(1).chain(text.split("from \"./").skip(1));
    named.filter_map(|rest| rest.split('"').next()).map(|name| format!("/assets/{name}"))
}

#[tokio::test]
async fn the_first_view_of_the_largest_hall_is_light() {
    node::telemetry::install_crypto();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listener");
    let base = format!("http://{}", listener.local_addr().expect("address"));
    let router = Router::new().route("/", get(async || pages::seat_map(&hall()))).merge(pages::router());
    let shutdown = Shutdown::new();
    let served = tokio::spawn(serve(listener, router, shutdown.clone()));
    let client = reqwest::Client::new();
    let (mut weight, page) = fetch(&client, &format!("{base}/")).await;
    let (mut seen, mut wanted) = (BTreeSet::new(), assets(&page).collect::<Vec<_>>());
    while let Some(path) = wanted.pop() {
        if seen.insert(path.clone()) {
            let (more, text) = fetch(&client, &format!("{base}{path}")).await;
            weight += more;
            wanted.extend(assets(&text));
        }
    }
    assert!(seen.contains("/assets/seatmap.css") && seen.contains("/assets/countdown.js"), "{seen:?}");
    let seats = serde_json::to_vec(&hall()).expect("json").len();
    assert!(page.len() + seats > FIRST_VIEW_MAX, "so small a hall proves nothing");
    assert!(weight < FIRST_VIEW_MAX / 2, "{weight} bytes, and the seats come once more as data");
    shutdown.trigger();
    served.await.expect("no panic").expect("served");
}
