//! Device tokens that were looked up before: a scan need not ask the database who sends it.

use super::devices::Device;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// More devices than any house has; a token that is not kept is looked up.
const KEPT_MAX: usize = 1024;

/// The devices of known tokens. A token is known for as long as no device pairs and none is declared off or on.
#[derive(Debug, Default)]
pub struct Tokens(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// How many changes there had been when these were looked up.
    token_changes: u64,
    devices: HashMap<String, Device>,
}

impl Tokens {
    /// The device of a token, if it was looked up after that many changes.
    pub fn known(&self, token: &str, token_changes: u64) -> Option<Device> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.token_changes == token_changes { known.devices.get(token).cloned() } else { None }
    }

    /// Keeps what was looked up. `token_changes` is how many there had been before the database was asked.
    pub fn keep(&self, token: String, device: Device, token_changes: u64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if token_changes > known.token_changes {
            *known = Known { token_changes, devices: HashMap::new() };
        }
        if token_changes == known.token_changes && known.devices.len() < KEPT_MAX {
            known.devices.insert(token, device);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_until_a_device_pairs() {
        let tokens = Tokens::default();
        let device = |number| Device { number, name: "Door A".into(), off: false };
        tokens.keep("t".into(), device(1), 3);
        assert_eq!(tokens.known("t", 3), Some(device(1)));
        assert_eq!(tokens.known("u", 3), None);
        assert_eq!(tokens.known("t", 4), None);
        tokens.keep("u".into(), device(2), 4);
        tokens.keep("t".into(), device(1), 3);
        assert_eq!((tokens.known("t", 4), tokens.known("u", 4)), (None, Some(device(2))), "a late answer is not kept");
    }
}
