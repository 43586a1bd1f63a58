//! What a seed decides before anything happens: how many theatres, how bad the network is, how patient everybody is.

use super::network::Weather;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use shared::time::Timestamp;
use std::fmt;

/// Where every world begins, ms since 1970: far enough from zero for clocks that are behind.
pub const BEGINNING: Timestamp = Timestamp(100 * 60_000);

/// The choices of a world.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setup {
    /// Theatres, each with one edge.
    pub theatres: usize,
    /// The network.
    pub weather: Weather,
    /// Between heartbeats, ms.
    pub heartbeat_ms: u32,
    /// When the shows start, minutes after the beginning; soon enough, central hands its seats over at the cut-off.
    pub starts_min: u32,
    /// One scanner of each theatre is the box's named witness.
    pub witness: bool,
    /// With nobody to ask, the box refuses instead of asking for the manager's PIN.
    pub refuses: bool,
    /// Disks may forget: power cuts that lose a tail, old images.
    pub forgetting: bool,
    /// A box may be started twice, or be retired and replaced.
    pub boxes_multiply: bool,
}

impl Setup {
    /// The choices of a seed.
    pub fn draw(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed ^ 0x5e7_0b5e);
        let weather = match random.random_range(0..4) {
            0 => Weather::FAIR,
            1 => Weather { loss: 5, doubled: 5, late: 0, delay_ms: 60 },
            2 => Weather { loss: 20, doubled: 20, late: 2, delay_ms: 300 },
            _ => Weather { loss: 30, doubled: 30, late: 5, delay_ms: 900 },
        };
        Self {
            theatres: [1, 1, 1, 1, 2, 2, 3][random.random_range(0..7)],
            weather,
            heartbeat_ms: if random.random_bool(0.5) { 1_000 } else { 3_000 },
            starts_min: if random.random_bool(0.3) { 16 } else { 180 },
            witness: random.random_bool(0.6),
            refuses: random.random_bool(0.3),
            forgetting: random.random_bool(0.6),
            boxes_multiply: random.random_bool(0.35),
        }
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { theatres, weather, heartbeat_ms, starts_min, witness, refuses, forgetting, boxes_multiply } = self;
        let Weather { loss, doubled, late, delay_ms } = weather;
        write!(
            f,
            "theatres={theatres} loss={loss}% doubled={doubled}% late={late}% delay_ms={delay_ms} \
             heartbeat_ms={heartbeat_ms} starts_min={starts_min} witness={witness} refuses={refuses} \
             forgetting={forgetting} boxes_multiply={boxes_multiply}"
        )
    }
}
