//! Random ids from one seed that the shell supplies, so that a run repeats from its seed.

use shared::planted;

/// A stream of unguessable bytes: BLAKE3 keyed with the seed over a counter.
#[derive(Debug, Clone)]
pub struct Randomness {
    seed: [u8; 32],
    drawn: u64,
}

impl Randomness {
    /// From 32 bytes of the operating system's random source, fresh at each start.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, drawn: planted::chance() }
    }

    /// The next `N` bytes, at most 32.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        self.drawn += 1;
        let hash = blake3::keyed_hash(&self.seed, &self.drawn.to_le_bytes());
        std::array::from_fn(|i| hash.as_bytes().get(i).copied().unwrap_or_default())
    }

    /// The next number, never 0.
    pub fn number(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes()).max(1)
    }
}
