//! Counter sales of two seats: which seats, the request, and the tickets in its answer.

use super::generator::{Reply, Request};
use super::house::{BenchHouse, get};
use anyhow::{Context, ensure};
use node::view::{SeatMapView, ShowView};
use serde::Deserialize;
use serde_json::json;
use shared::ids::TicketId;
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Two neighbouring seats of a show.
pub(super) struct Pair {
    show: String,
    seats: [String; 2],
}

/// The counter's own free seats in pairs, from show to show in turn, as a house sells them.
///
/// # Errors
/// If the box does not list them.
pub(super) async fn free_pairs(house: &BenchHouse) -> anyhow::Result<VecDeque<Pair>> {
    #[derive(Deserialize)]
    struct Shows {
        shows: Vec<ShowView>,
    }
    let mut shows = Vec::new();
    for date in house.halls.dates(house.today) {
        let listed: Shows = get(house.edge, &format!("/v1/shows?date={date}")).await?;
        shows.extend(listed.shows.into_iter().map(|show| show.id));
    }
    pairs_of(house.edge, &shows, false).await
}

/// The free seats of shows in pairs, from show to show in turn: the box's own, or those that it gets by claims.
///
/// # Errors
/// If the box does not list them.
pub(super) async fn pairs_of(edge: SocketAddr, shows: &[String], by_claim: bool) -> anyhow::Result<VecDeque<Pair>> {
    let mut by_show = Vec::new();
    for show in shows {
        let map: SeatMapView = get(edge, &format!("/v1/shows/{show}/seats")).await?;
        by_show.push((show, pairs(&map, by_claim)));
    }
    let most = by_show.iter().map(|(_, pairs)| pairs.len()).max().unwrap_or(0);
    let mut pairs = VecDeque::new();
    for turn in 0..most {
        let of_turn = by_show.iter().filter_map(|(show, pairs)| Some((show, pairs.get(turn)?)));
        pairs.extend(of_turn.map(|(show, seats)| Pair { show: (*show).clone(), seats: seats.clone() }));
    }
    Ok(pairs)
}

fn pairs(map: &SeatMapView, by_claim: bool) -> Vec<[String; 2]> {
    let mut pairs = Vec::new();
    for row in &map.rows {
        let free = row.seats.iter().filter(|seat| seat.state == "free" && seat.by_claim == by_claim);
        let free: Vec<&String> = free.map(|seat| &seat.label).collect();
        pairs.extend(free.chunks_exact(2).map(|two| [two[0].clone(), two[1].clone()]));
    }
    pairs
}

/// The request that sells a pair for cash, under a key of its own. `counter` is the header line of whoever sells.
pub(super) fn sale_request(pair: &Pair, counter: &str) -> Request {
    Request {
        path: format!("/v1/shows/{}/sales", pair.show),
        headers: format!("{counter}idempotency-key: {}\r\n", node::random::hex::<12>()),
        body: json!({ "seats": pair.seats, "tender": "cash" }).to_string(),
    }
}

/// The requests that sell its seats one by one.
pub(super) fn single_requests(pair: Pair, counter: &str) -> [Request; 2] {
    pair.seats.map(|seat| Request {
        path: format!("/v1/shows/{}/sales", pair.show),
        headers: format!("{counter}idempotency-key: {}\r\n", node::random::hex::<12>()),
        body: json!({ "seats": [seat], "tender": "cash" }).to_string(),
    })
}

/// The tickets of a sale.
///
/// # Errors
/// If it was refused.
pub(super) fn sold(_: usize, reply: Reply) -> anyhow::Result<Vec<TicketId>> {
    #[derive(Deserialize)]
    struct Sale {
        tickets: Vec<SoldTicket>,
    }
    #[derive(Deserialize)]
    struct SoldTicket {
        ticket: String,
    }
    ensure!(reply.status == 201, "a sale was answered {} {}", reply.status, String::from_utf8_lossy(&reply.body));
    let sale: Sale = serde_json::from_slice(&reply.body).context("read a sale")?;
    sale.tickets.iter().map(|sold| sold.ticket.parse().ok().context("read a ticket's number")).collect()
}
