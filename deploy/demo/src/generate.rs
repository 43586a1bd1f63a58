//! Plausible seating plans and a week of shows, made from the facts in `data/` and a seed.
//!
//! Everything here is a pure function of (facts, seed, arguments): the same seed gives the same house. Each theatre draws from a
//! generator of its own, so that a theatre's halls do not change when others are added.

use rand::SeedableRng;
use rand::rngs::StdRng;
use sha2::{Digest, Sha256};

pub mod export;
pub mod facts;
pub mod hall;
pub mod programme;
pub mod week;

pub use facts::{Film, Theatre};

/// A generator of random numbers for one purpose, independent of every other purpose under the same seed.
pub fn generator(seed: u64, purpose: &[&str]) -> StdRng {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    for part in purpose {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    StdRng::from_seed(hash.finalize().into())
}
