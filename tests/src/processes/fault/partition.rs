//! A line that is cut.

use super::Story;
use crate::processes::round::Scene;
use demo::valve::Mode;
use rand::RngExt;
use shared::ids::Side;
use std::time::Duration;

const MODES: [(Mode, &str); 3] =
    [(Mode::CutBoth, "both ways"), (Mode::UpOnly, "only up passes"), (Mode::DownOnly, "only down passes")];

impl Scene {
    /// Cuts the line of the box, or at times central's: short and long, in both directions or in one, at times flapping.
    pub(super) async fn partition(&mut self) -> anyhow::Result<Story> {
        let (mode, how) = MODES[self.fate.random_range(0..MODES.len())];
        let (at_central, flapping) = (self.percent(20), self.percent(15));
        let sold = self.ghosts.sales_of(Side::Edge);
        let valve = if at_central { &self.house.trunk } else { &self.house.line };
        valve.set(mode);
        let mut length = Duration::from_millis(self.fate.random_range(250..=1_300));
        if flapping {
            for _ in 0..3 {
                tokio::time::sleep(length / 4).await;
                valve.set(Mode::Open);
                tokio::time::sleep(Duration::from_millis(self.fate.random_range(20..=150))).await;
                valve.set(MODES[self.fate.random_range(0..MODES.len())].0);
            }
            length /= 4;
        }
        tokio::time::sleep(length).await;
        self.sold_while_cut += self.ghosts.sales_of(Side::Edge) - sold;
        valve.set(Mode::Open);
        let place = if at_central { "at central" } else { "at the box" };
        Ok(if flapping { format!("flapping, {place}") } else { format!("{how}, {place}") })
    }
}
