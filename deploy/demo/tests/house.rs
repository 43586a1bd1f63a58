//! A whole house: the truth panel believes nobody, and the stage's switches do what they say.

use demo::client::{Api, Cashier, Customer, Hold, Sale, wait_for};
use demo::control::{self, Stage};
use demo::house::{CASHIER, Cut, House, HouseConfig, HouseCut};
use demo::truth::{Panel, Truth};
use node::shutdown::Shutdown;
use node::view::{SeatMapView, ShowView};
use serde_json::{Value, json};
use shared::ids::TicketId;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

const SOON: Duration = Duration::from_secs(30);

async fn house(dir: &Path, theatres: usize) -> House {
    node::telemetry::install_crypto();
    let config =
        HouseConfig { dir: dir.to_owned(), seed: 42, theatres, frame_ancestors: Vec::new(), printers: Vec::new() };
    House::start(config).await.expect("a house")
}

async fn settled(truth: &Truth) -> Panel {
    let look = || async {
        let panel = truth.report(Duration::ZERO).await?.panel;
        anyhow::ensure!(panel.holds(), "{panel:?}");
        Ok(Some(panel))
    };
    wait_for("the panel to hold", SOON, look).await.expect("settles")
}

fn free_seats(map: &SeatMapView) -> Vec<String> {
    let seats = map.rows.iter().flat_map(|row| &row.seats);
    seats.filter(|seat| seat.state == "free" && !seat.by_claim).map(|seat| seat.label.clone()).collect()
}

async fn first_show(customer: &Customer, theatre: u32) -> ShowView {
    customer.shows(theatre).await.expect("shows").swap_remove(0)
}

/// Sells one seat at the counter and returns its label and ticket.
async fn sell_one(house: &House, show: &str) -> (String, TicketId) {
    let cashier = Cashier::log_in(&house.theatres()[0].edge_url, CASHIER.name, CASHIER.pin).await.expect("log in");
    let seat = free_seats(&cashier.seats(show).await.expect("map")).swap_remove(0);
    let sale: Sale = cashier.sell(show, std::slice::from_ref(&seat)).await.expect("answer").read().expect("sale");
    (seat, sale.tickets[0].ticket.parse().expect("ticket"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_panel_finds_what_was_planted_and_a_house_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().expect("dir");
    let first = house(dir.path(), 1).await;
    let (theatre, customer) = (first.theatres()[0].id, first.customer().expect("customer"));
    let show = first_show(&customer, theatre).await.id;
    let (seat, ticket) = sell_one(&first, &show).await;
    let seats = free_seats(&customer.seats(&show).await.expect("map"));
    let hold: Hold = customer.hold(&show, &seats[..1]).await.expect("answer").read().expect("hold");
    let (booking, _) = customer.buy_held(&hold, SOON).await.expect("tickets");
    let truth = first.truth().expect("truth");
    truth.saw_ticket(theatre, &show, &seat, ticket, true);
    settled(&truth).await;

    truth.saw_ticket(theatre, &show, &seat, TicketId([9; 8]), true);
    let panel = truth.report(Duration::ZERO).await.expect("report").panel;
    assert_eq!((panel.seats_sold_twice, panel.ticket_without_sale, panel.holds()), (1, 1, false));
    for _ in 0..2 {
        truth.saw_admission(ticket, "SHARED");
    }
    assert_eq!(truth.report(Duration::ZERO).await.expect("report").panel.admitted_twice_shared, 1);

    // Money for a booking that nobody has.
    let simulator = Api::new(first.simulator_url()).expect("api");
    let order = json!({
        "reference": "00000000000000000000000000000000", "amount": { "minor": 100, "currency": "INR" },
        "return_url": "http://shop.example/", "webhook_url": format!("{}/nowhere", first.central_url()),
    });
    let payment: Value = simulator.post_safely("/v1/payments", &order).await.expect("answer").read().expect("payment");
    customer.press(payment["pay_url"].as_str().expect("address"), "approve").await.expect("pay");
    let report = truth.report(Duration::ZERO).await.expect("report");
    assert_eq!(report.panel.paid_without_ticket, 1);
    assert_eq!(truth.report(SOON).await.expect("report").panel.paid_without_ticket, 0, "within the grace");

    first.stop().await.expect("stops");
    let again = house(dir.path(), 1).await;
    let kept = again.customer().expect("customer").booking(&booking.booking).await.expect("the booking");
    assert_eq!(kept.state, "booked");
    let truth = again.truth().expect("truth");
    truth.saw_ticket(theatre, &show, &seat, ticket, true);
    let report = truth.report(Duration::ZERO).await.expect("report");
    assert_eq!((report.panel.ticket_without_sale, report.panel.paid_without_ticket), (0, 1), "{:?}", report.stories);
    again.stop().await.expect("stops");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_switches_of_the_stage_cut_and_heal() {
    let dir = tempfile::tempdir().expect("dir");
    let house = house(dir.path(), 2).await;
    let truth = house.truth().expect("truth");
    settled(&truth).await;
    let stage = Arc::new(Stage::new(house, truth));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let api = Api::new(&format!("http://{}", listener.local_addr().expect("address"))).expect("api");
    let shutdown = Shutdown::new();
    let serving = tokio::spawn(node::http::serve(listener, control::router(Arc::clone(&stage)), shutdown.clone()));
    let following = tokio::spawn(Arc::clone(stage.tape()).follow());

    let state = |house: Value| house["theatres"][0]["cut"].as_str().map(str::to_owned);
    let cut: Value =
        api.post("/api/theatres/1/cut", &json!({ "mode": "up_only" })).await.expect("answer").read().expect("cut");
    assert_eq!(state(cut).as_deref(), Some("up_only"));
    assert_eq!(stage.house().theatres()[0].cut_now(), Some(Cut::UpOnly));
    assert_eq!(stage.house().theatres()[1].cut_now(), None);
    let down: Value =
        api.post("/api/house/cut", &json!({ "mode": "central" })).await.expect("answer").read().expect("cut");
    assert_eq!((down["cut"].as_str(), state(down.clone()).as_deref()), (Some("central"), Some("up_only")));
    assert!(Api::new(stage.house().central_url()).expect("api").get("/livez").await.is_err(), "central answers");
    let truth: Value = api.get("/api/truth").await.expect("answer").read().expect("truth");
    assert_eq!(truth["digests_equal"], false);
    let broker: Value =
        api.post("/api/house/cut", &json!({ "mode": "broker" })).await.expect("answer").read().expect("cut");
    assert_eq!((broker["cut"].as_str(), state(broker.clone()).as_deref()), (Some("broker"), Some("clean")));
    assert_eq!(stage.house().house_cut(), Some(HouseCut::Broker));
    let healed: Value = api.post("/api/heal", &json!({})).await.expect("answer").read().expect("healed");
    assert_eq!((healed["cut"].as_str(), state(healed.clone())), (None, None));
    for (path, mode, code) in [
        ("/api/theatres/1/cut", "sideways", "unprocessable_body"),
        ("/api/theatres/0/cut", "clean", "unknown_theatre"),
        ("/api/theatres/3/cut", "clean", "unknown_theatre"),
    ] {
        assert_eq!(api.post(path, &json!({ "mode": mode })).await.expect("answer").code(), code, "{path} {mode}");
    }
    let healthy = || async {
        let truth: Value = api.get("/api/truth").await?.read()?;
        Ok((truth["holds"] == true).then_some(()))
    };
    wait_for("the truth to hold", SOON, healthy).await.expect("holds");
    let tape: Value = api.get("/api/tape?after=0").await.expect("answer").read().expect("tape");
    let kinds: Vec<&str> =
        tape["events"].as_array().expect("events").iter().filter_map(|e| e["kind"].as_str()).collect();
    assert!(kinds.contains(&"cut") && kinds.contains(&"healed") && kinds.contains(&"LogOpened"), "{kinds:?}");

    shutdown.trigger();
    serving.await.expect("ends").expect("in order");
    following.abort();
    let _ = following.await;
    // A connection that was still open ends by itself after the server did, and lets go of the stage only then.
    let released = || async { Ok((Arc::strong_count(&stage) == 1).then_some(())) };
    wait_for("every connection to let go of the stage", SOON, released).await.expect("released");
    let Ok(stage) = Arc::try_unwrap(stage) else { panic!("the stage is held") };
    stage.into_house().stop().await.expect("stops");
}
