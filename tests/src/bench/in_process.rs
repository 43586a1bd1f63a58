//! Central's own handlers, called without a connection: what a hold and a booking cost beside HTTP.

use super::hall::Halls;
use super::programs::Programs;
use super::stand::{keys, set_up};
use super::table::Timings;
use anyhow::{Context, anyhow, ensure};
use axum::extract::{Path, State};
use axum::response::Response;
use central::database::{Database, Place, Readers};
use central::desk::house::House;
use central::desk::{Desk, KeySource};
use central::events::SeatBoard;
use central::fleet::keys::KeyStore;
use central::holds::customer::Customer;
use central::metrics::OfficeMetrics;
use central::office::{App, Office};
use central::payments::gateway::Gateway;
use central::{bookings, holds};
use node::problem::{IdempotencyKey, JsonBody};
use node::shutdown::Shutdown;
use node::view::SeatMapView;
use node::writer::Writer;
use serde_json::{Value, json};
use shared::ids::ShowId;
use shared::ledger::HoldTimes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use sync_protocol::Settings;
use tokio::task::JoinSet;

/// Sells so many pairs of seats; returns how long each took, and how many were sold in a second.
///
/// # Errors
/// If anything fails, or a sale is refused.
pub(super) async fn measure(
    programs: &Programs,
    halls: Halls,
    flows: usize,
    at_once: usize,
) -> anyhow::Result<(Timings, f64)> {
    let dir = tempfile::tempdir().context("make a folder")?;
    let store = format!("sqlite:{}", dir.path().join("central.sqlite").display());
    set_up(programs, &store, halls, dir.path())?;
    node::telemetry::install_crypto();
    let shutdown = Shutdown::new();
    let (app, thread) = office(&Place::parse(&store)?, &KeyStore::at(keys(dir.path()).as_ref()), &shutdown)?;
    let shows = app.writer.run(|desk, _, _| {
        let of = |house: &House| house.replica.ledger().shows().next().map(|show| show.facts.number);
        let first = |house: &House| Some(ShowId { theatre: house.theatre.id, number: of(house)? });
        Ok(desk.houses().find_map(first))
    });
    let show = shows.await?;
    let show = show.context("there is no show")?;
    let map = app.seat_map(show).await.map_err(|problem| anyhow!(problem.sentence().to_owned()))?;
    let map: SeatMapView = serde_json::from_slice(&map.json)?;
    let pairs: Arc<[_]> = super::shoppers::pairs(&show.to_string(), &map, flows)?.into();
    let next = Arc::new(AtomicUsize::new(0));
    let (mut selling, began) = (JoinSet::new(), Instant::now());
    for _ in 0..at_once {
        let (app, pairs, next) = (app.clone(), pairs.clone(), next.clone());
        selling.spawn(async move {
            let mut timings = Timings::default();
            while let Some((show, seats)) = pairs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let asked = Instant::now();
                sell(&app, show, seats).await?;
                timings.add(asked.elapsed());
            }
            anyhow::Ok(timings)
        });
    }
    let mut timings = Timings::default();
    while let Some(done) = selling.join_next().await {
        timings.extend(done.context("run a customer")??);
    }
    let per_s = flows as f64 / began.elapsed().as_secs_f64();
    shutdown.trigger();
    thread.stop().await;
    Ok((timings, per_s))
}

fn office(place: &Place, keys: &KeyStore, shutdown: &Shutdown) -> anyhow::Result<(App, node::writer::WriterThread)> {
    let db = Database::open(place)?;
    let clock = db.clock()?;
    let (board, payments) = (SeatBoard::default(), Arc::default());
    let source = KeySource::Directory(keys);
    let settings = Settings::with_holds(HoldTimes::WEB);
    let desk = Desk::load(db.sql(), source, settings, board.clone(), Arc::clone(&payments), clock.now())?;
    let readers = Readers::open(place, 2)?;
    let (writer, thread) = Writer::start(db, desk, clock.clone(), 4096).context("start the writer")?;
    let broker = "mqtt://127.0.0.1:1".parse().context("read an address")?;
    let login = central::link::BrokerLogin::fresh();
    let (publisher, _) = central::link::connect(broker, login, Duration::from_secs(5), shutdown.clone());
    let gateway = Gateway::parse("simulator:http://127.0.0.1:1", &["whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into()])?;
    let (poll, public_url) = (Duration::from_secs(3), String::new());
    let office = Office {
        publisher,
        writer,
        readers,
        clock,
        board,
        gateway,
        payments,
        poll,
        ending: shutdown.clone(),
        operator_token: None,
        accounts: None,
        metrics: OfficeMetrics::default(),
        proxies: 0,
        pass: None,
        public_url,
    };
    Ok((Arc::new(office), thread))
}

async fn sell(app: &App, show: &str, seats: &[String; 2]) -> anyhow::Result<()> {
    let key = node::random::hex::<12>();
    let request = serde_json::from_value(json!({ "seats": seats })).context("make a hold")?;
    let held = holds::place(
        State(app.clone()),
        Path(show.to_owned()),
        IdempotencyKey(key.clone()),
        Customer::default(),
        JsonBody(request),
    );
    let hold = body(held.await.map_err(|problem| anyhow!(problem.sentence().to_owned()))?).await?;
    let request = json!({ "hold": hold["hold"], "contact": { "email": "guest@example.org" } });
    let request = serde_json::from_value(request).context("make a booking")?;
    let booked = bookings::create(State(app.clone()), IdempotencyKey(key), JsonBody(request));
    let booking = body(booked.await.map_err(|problem| anyhow!(problem.sentence().to_owned()))?).await?;
    ensure!(booking["state"] == "booked", "a booking is {booking}");
    Ok(())
}

async fn body(response: Response) -> anyhow::Result<Value> {
    ensure!(response.status() == 201, "answered {}", response.status());
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.context("read an answer")?;
    serde_json::from_slice(&bytes).context("read an answer")
}
