//! An old copy of the box's data directory is put back, and every second time one of central's.

use super::Story;
use super::copies::{back_up, copy_folder, put_back};
use crate::processes::judge::SideBooks;
use crate::processes::round::{Scene, wait_until};
use anyhow::Context;
use demo::valve::Mode;
use rand::RngExt;
use shared::ids::Side;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Sales between the copy and its return.
pub(super) const FORGOTTEN_SALES: u64 = 12;
/// And more of them behind a cut line.
pub(super) const CUT_SALES: u64 = 6;
/// Another node has the sales within this time.
pub(super) const SYNCED_WITHIN: Duration = Duration::from_secs(20);
/// What a killed program has sent has arrived after this time.
pub(super) const ARRIVED: Duration = Duration::from_millis(400);
/// So many of a hundred copies put back are older than the last one.
const OLDER_PERCENT: u32 = 25;

impl Scene {
    /// The box and central take turns.
    pub(super) async fn restore_a_stale_copy(&mut self) -> anyhow::Result<Story> {
        if self.shelf.made().is_multiple_of(2) { self.restore_the_box().await } else { self.restore_central().await }
    }

    /// Takes a copy, sells on, kills the box and puts the copy back (at times an older one). The box must find that it has
    /// forgotten sales, take its own log back from central or from its witness, and sell again.
    async fn restore_the_box(&mut self) -> anyhow::Result<Story> {
        let cut = self.percent(50);
        // A copy from before the cut lacks what central alone still has.
        let cut_before = cut && self.percent(50);
        if cut_before {
            self.house.line.set(Mode::CutBoth);
            self.pass(0, 300).await;
        }
        let (copy, stopped) = self.copy_the_box(!cut_before).await?;
        let chosen = self.one_of_the_copies(Side::Edge, &copy);
        if !cut_before {
            self.sell(Side::Edge, FORGOTTEN_SALES).await?;
        }
        if cut {
            self.house.line.set(Mode::CutBoth);
            self.sell(Side::Edge, CUT_SALES).await.context("sell behind a cut line")?;
        }
        // Nobody asks again for what a lost disk had answered.
        let rest = self.load.rest_tills().await?;
        let witnessed = self.house.is_witnessed();
        let (house, lookout) = (&mut self.house, &self.lookout);
        if cut && witnessed {
            wait_until(house, lookout, SYNCED_WITHIN, "the witness to have all counter sales", |standing| {
                standing.edge.unwitnessed == Some(0)
            })
            .await?;
        } else if !cut {
            wait_until(house, lookout, SYNCED_WITHIN, "central to have all counter sales", |standing| {
                standing.edge.link.edge == standing.central.edge && standing.edge.link.backlog == 0
            })
            .await?;
        }
        house.edge.server.kill().await?;
        if cut && !witnessed {
            tokio::time::sleep(ARRIVED).await;
            let central = SideBooks::read(&house.central.database(), house.theatre(), Side::Central)?;
            self.ghosts.forget(|ghost| ghost.seller == Side::Edge && !central.has(ghost.ticket));
        }
        put_back(&chosen, house.edge.data())?;
        house.edge.start(None).await?;
        drop(rest);
        let mut line = "line open";
        if cut {
            line =
                if self.opens_alone().await { "behind a cut line, opened by its witness" } else { "behind a cut line" };
            self.house.line.set(Mode::Open);
        }
        let age = if chosen == copy { "a fresh copy" } else { "an older copy" };
        let made = if stopped { "of a killed box" } else { "of a running box" };
        Ok(format!("{age} {made}, {line}"))
    }

    /// Behind a cut line for a while: only a witness that has everything after the copy can open the box.
    async fn opens_alone(&mut self) -> bool {
        let (began, wait) = (Instant::now(), Duration::from_millis(self.fate.random_range(0..=3_000)));
        loop {
            let opened = self.lookout.edge().await.is_ok_and(|standing| standing.can_sell);
            if opened || began.elapsed() > wait {
                return opened;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn copy_the_box(&mut self, may_stop: bool) -> anyhow::Result<(PathBuf, bool)> {
        let (copy, stopped) = (self.shelf.place(self.house.folder()), may_stop && self.percent(50));
        if stopped {
            self.house.edge.server.kill().await?;
            copy_folder(self.house.edge.data(), &copy)?;
            self.house.edge.start(None).await?;
            self.settle().await.context("go on after the copy")?;
        } else {
            let house = &self.house;
            back_up(house.edge.data(), &house.edge.database(), &copy).context("back the running box up")?;
        }
        Ok((copy, stopped))
    }

    /// Keeps a copy, and says which one is to be put back.
    pub(super) fn one_of_the_copies(&mut self, side: Side, copy: &Path) -> PathBuf {
        match self.shelf.keep(side, copy.to_owned()) {
            Some(older) if self.percent(OLDER_PERCENT) => older,
            _ => copy.to_owned(),
        }
    }
}
