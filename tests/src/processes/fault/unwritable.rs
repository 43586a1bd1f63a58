//! What a box does on a disk that takes nothing: it says so, refuses sales with the reason, and is read on.

use super::Story;
use super::sync::compile;
use crate::processes::house::Preload;
use crate::processes::round::Scene;
use anyhow::{Context, bail, ensure};
use demo::client::Cashier;
use demo::house::MANAGER;
use serde_json::Value;
use shared::ids::Side;
use std::fs;
use std::time::{Duration, Instant};

/// Put between the box and the C library.
const SOURCE: &str = include_str!("read_only.c");
/// Names the file that makes the disk read-only.
const VARIABLE: &str = "USHER_READ_ONLY_WHILE";
/// So long the box may go on selling into what is left.
const NOTICED_WITHIN: Duration = Duration::from_secs(30);
/// The counters of the load want the same seats: one that they took meanwhile says nothing.
const SEATS_TRIED_MAX: usize = 50;

impl Scene {
    /// The disk of the box is read-only for a while.
    pub(super) async fn refuse_writes(&mut self) -> anyhow::Result<Story> {
        let library = compile(self.house.folder(), "read_only", SOURCE)?;
        let trigger = self.house.folder().join("read-only");
        self.house.edge.server.stop().await?;
        self.house.edge.start(Some(&Preload { library, variable: (VARIABLE, trigger.clone()) })).await?;
        self.settle().await.context("start with the library between")?;
        let manager = self.manager().await?;
        fs::write(&trigger, "").context("make the disk read-only")?;
        let noticed = refused_and_read(&manager, "disk_read_only").await.context("sell on a read-only disk")?;
        fs::remove_file(&trigger).context("make the disk writable")?;
        self.sell(Side::Edge, 3).await.context("sell once the disk is writable, without a start")?;
        self.settle().await.context("go on once the disk is writable")?;
        self.house.edge.server.stop().await?;
        self.house.edge.start(None).await?;
        Ok(format!("read-only noticed after {} ms", noticed.as_millis()))
    }

    pub(super) async fn manager(&self) -> anyhow::Result<Cashier> {
        let url = self.house.edge.server.url();
        Cashier::log_in(&url, MANAGER.name, MANAGER.pin).await.context("log in as the manager")
    }
}

/// Waits until the box says why its disk takes nothing; then a sale is refused with that reason, and shows and seats can be read.
/// Returns how long it took to notice.
pub(super) async fn refused_and_read(manager: &Cashier, code: &str) -> anyhow::Result<Duration> {
    let began = Instant::now();
    loop {
        let ready = manager.edge().get("/readyz").await?;
        if ready.body["reasons"].to_string().contains(code) {
            break;
        }
        ensure!(began.elapsed() < NOTICED_WITHIN, "{code} is not noticed: {}", ready.body);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let noticed = began.elapsed();
    let shows: Value = manager.edge().get("/v1/shows").await?.read().context("list the shows")?;
    let show = shows["shows"][0]["id"].as_str().context("find a show")?;
    let map = manager.seats(show).await.context("read a seat map")?;
    let seats = map.rows.iter().flat_map(|row| &row.seats);
    for seat in seats.filter(|seat| seat.state == "free" && !seat.by_claim).take(SEATS_TRIED_MAX) {
        let answer = manager.sell(show, std::slice::from_ref(&seat.label)).await?;
        match answer.status {
            503 if answer.code() == code => return Ok(noticed),
            409 => {}
            status => bail!("a sale is answered {status} {}, not {code}", answer.body),
        }
    }
    bail!("no free seat was found to be refused")
}
