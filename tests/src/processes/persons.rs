//! Two persons who answer for what nothing can prove, at the box and at central.

use anyhow::Context;
use demo::client::{Api, Cashier};
use demo::house::{MANAGER, Staff};
use serde::Deserialize;
use serde_json::{Value, json};

/// The second person of the house.
pub(super) const SECOND: Staff = Staff { name: "second", role: "supervisor", pin: "4826" };
/// What central's operators show.
pub(super) const OPERATOR_TOKEN: &str = "operators-of-the-fault-tests";
/// Who they are.
const OPERATORS: [&str; 2] = ["first operator", "second operator"];

#[derive(Deserialize)]
struct Settled {
    seats: usize,
}

/// Central's unknown seats are for sale again; returns how many.
pub(super) async fn settle_unknown_at_central(central_url: &str, theatre: u32) -> anyhow::Result<usize> {
    let central = Api::new(central_url)?.with_token(OPERATOR_TOKEN.to_owned());
    let answer = central.post(&format!("/v1/theatres/{theatre}/unknown"), &json!({ "persons": OPERATORS })).await?;
    let settled: Settled = answer.read().context("settle central's unknown seats")?;
    Ok(settled.seats)
}

/// Opens a theatre at central that is closed.
pub(super) async fn open_central(central_url: &str, theatre: u32) -> anyhow::Result<()> {
    let central = Api::new(central_url)?.with_token(OPERATOR_TOKEN.to_owned());
    let answer = central.post(&format!("/v1/theatres/{theatre}/open"), &json!({ "persons": OPERATORS })).await?;
    answer.expect_success().context("open the theatre at central")
}

/// Opens a box that nobody can prove.
pub(super) async fn open_box(edge_url: &str) -> anyhow::Result<()> {
    let manager = manager(edge_url).await?;
    let answer = manager.edge().post("/v1/open", &json!({ "by": "two_persons", "second": second() })).await?;
    answer.expect_success().context("open the box")
}

/// The box's unknown seats of these shows are for sale again; returns how many.
pub(super) async fn settle_unknown_at_box(edge_url: &str, shows: &[String]) -> anyhow::Result<usize> {
    let manager = manager(edge_url).await?;
    let mut settled = 0;
    for show in shows {
        let map: Value = manager.edge().get(&format!("/v1/shows/{show}/seats")).await?.read()?;
        if map["counts"]["unknown"].as_u64().unwrap_or_default() == 0 {
            continue;
        }
        let path = format!("/v1/shows/{show}/unknown");
        let answer = manager.edge().post(&path, &json!({ "second": second() })).await?;
        // Where all unknown seats of a show are central's there is nothing to settle here.
        if answer.code() != "bad_seat_count" {
            let view: Value = answer.read().with_context(|| format!("settle the unknown seats of {show}"))?;
            settled += usize::try_from(view["settled"].as_u64().unwrap_or_default())?;
        }
    }
    Ok(settled)
}

fn second() -> Value {
    json!({ "staff": SECOND.name, "pin": SECOND.pin })
}

async fn manager(edge_url: &str) -> anyhow::Result<Cashier> {
    Cashier::log_in(edge_url, MANAGER.name, MANAGER.pin).await.context("log in as the manager")
}
