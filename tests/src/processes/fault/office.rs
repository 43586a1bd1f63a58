//! An old copy of central's data is put back.

use super::Story;
use super::copies::{back_up, copy_folder, put_back};
use super::stale::{ARRIVED, CUT_SALES, FORGOTTEN_SALES, SYNCED_WITHIN};
use crate::processes::judge::SideBooks;
use crate::processes::persons;
use crate::processes::round::{LIVE_WITHIN, Scene, wait_until};
use crate::processes::standing::Standing;
use anyhow::Context;
use demo::valve::Mode;
use shared::ids::Side;
use std::path::PathBuf;

impl Scene {
    /// Takes a copy, sells on, kills central, puts the copy back (at times an older one) and at times says so. Central must stay closed
    /// until it has its log back from the box; then two persons put its unknown seats on sale again.
    pub(super) async fn restore_central(&mut self) -> anyhow::Result<Story> {
        let (copy, stopped) = self.copy_central().await?;
        let chosen = self.one_of_the_copies(Side::Central, &copy);
        self.sell(Side::Central, FORGOTTEN_SALES).await?;
        let (cut, told) = (self.percent(50), self.percent(50));
        if cut {
            self.house.line.set(Mode::CutBoth);
            self.sell(Side::Central, CUT_SALES).await.context("sell behind a cut line")?;
        }
        // Nobody asks again for what a lost disk had answered.
        let rest = self.load.rest_customers().await?;
        let (house, lookout) = (&mut self.house, &self.lookout);
        if !cut {
            wait_until(house, lookout, SYNCED_WITHIN, "the box to have all web bookings", |standing| {
                standing.edge.link.central == standing.central.central && standing.central.backlog == 0
            })
            .await?;
        }
        house.central.server.kill().await?;
        if cut {
            tokio::time::sleep(ARRIVED).await;
            let edge = SideBooks::read(&house.edge.database(), house.theatre(), Side::Edge)?;
            self.ghosts.forget(|ghost| ghost.seller == Side::Central && !edge.has(ghost.ticket));
        }
        put_back(&chosen, &house.central.data())?;
        // Central finds it out by itself where nobody says so.
        if told {
            house.central.mark_restored()?;
        }
        house.central.start(None).await?;
        drop(rest);
        if cut {
            self.pass(0, 1_000).await;
            self.house.line.set(Mode::Open);
        }
        let (house, lookout) = (&mut self.house, &self.lookout);
        wait_until(house, lookout, LIVE_WITHIN, "the restored central to be live", Standing::is_live).await?;
        let seats = persons::settle_unknown_at_central(&house.central.server.url(), house.theatre()).await?;
        tracing::debug!(seats, "unknown seats are for sale again");
        let age = if chosen == copy { "a fresh copy" } else { "an older copy" };
        let made = if stopped { "of a killed central" } else { "of a running central" };
        Ok(format!("{age} {made}, {}", if cut { "behind a cut line" } else { "line open" }))
    }

    async fn copy_central(&mut self) -> anyhow::Result<(PathBuf, bool)> {
        let (copy, stopped) = (self.shelf.place(self.house.folder()), self.percent(50));
        let data = self.house.central.data();
        if stopped {
            self.house.central.server.kill().await?;
            copy_folder(&data, &copy)?;
            self.house.central.start(None).await?;
            self.settle().await.context("go on after the copy")?;
        } else {
            back_up(&data, &self.house.central.database(), &copy).context("back the running central up")?;
        }
        Ok((copy, stopped))
    }
}
