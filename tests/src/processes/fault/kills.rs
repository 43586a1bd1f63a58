//! Programs that are killed (`kill -9`) in the middle of their work, at times while a line is cut.

use super::Story;
use crate::processes::round::Scene;
use demo::valve::Mode;

/// So many of a hundred kills happen behind a cut line.
const CUT_PERCENT: u32 = 20;

/// In so many of a hundred the power of the whole house fails: the scanner goes with the box.
const WHOLE_HOUSE_PERCENT: u32 = 15;

impl Scene {
    pub(super) async fn kill_edge(&mut self) -> anyhow::Result<Story> {
        let cut = self.cut_at_times().await;
        let whole_house = self.house.is_witnessed() && self.percent(WHOLE_HOUSE_PERCENT);
        self.house.edge.server.kill().await?;
        if whole_house && let Some(door) = &mut self.house.door {
            door.kill().await?;
        }
        self.pass(0, 200).await;
        self.house.edge.start(None).await?;
        if whole_house {
            self.pass(0, 1_000).await;
            if let Some(door) = &mut self.house.door {
                door.serve().await?;
            }
        }
        let story = self.heal(cut).await;
        Ok(if whole_house { format!("with its scanner, {story}") } else { story })
    }

    pub(super) async fn kill_central(&mut self) -> anyhow::Result<Story> {
        let cut = self.cut_at_times().await;
        self.house.central.server.kill().await?;
        self.pass(0, 200).await;
        self.house.central.start(None).await?;
        Ok(self.heal(cut).await)
    }

    pub(super) async fn kill_broker(&mut self) -> anyhow::Result<Story> {
        self.pass(0, 300).await;
        self.house.broker.kill().await?;
        self.pass(0, 600).await;
        self.house.broker.start_again().await?;
        Ok("sessions and queues gone".to_owned())
    }

    async fn cut_at_times(&mut self) -> bool {
        let cut = self.percent(CUT_PERCENT);
        if cut {
            self.house.line.set(Mode::CutBoth);
        }
        // Something is to be under way at the moment of the kill, and behind a cut line something to be left behind.
        self.pass(0, 300).await;
        cut
    }

    async fn heal(&mut self, cut: bool) -> Story {
        if cut {
            self.pass(0, 500).await;
            self.house.line.set(Mode::Open);
        }
        (if cut { "behind a cut line" } else { "line open" }).to_owned()
    }
}
