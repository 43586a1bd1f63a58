//! PINs: Argon2id hashes, and a delay that grows with each wrong one.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use shared::time::Timestamp;
use std::time::Duration;

/// Digits of a PIN, at least and at most.
pub const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=12;
/// Wrong PINs in a row before the first delay: a slip of the finger costs nothing.
pub const FREE_ATTEMPTS: u32 = 2;
/// The delay after the first wrong PIN that costs one; doubles with each further one.
const FIRST_DELAY: Duration = Duration::from_secs(2);
/// The longest delay: a locked-out cashier must not lose a whole show.
const LONGEST_DELAY: Duration = Duration::from_secs(300);

/// Why a PIN cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPin {
    /// Not 4 to 12 digits.
    #[error("a PIN is {} to {} digits", PIN_DIGITS.start(), PIN_DIGITS.end())]
    NotDigits,
    /// Argon2 failed.
    #[error("hash the PIN: {0}")]
    Hash(String),
}

/// Hashes a new PIN as a PHC string.
///
/// # Errors
/// [`BadPin`].
pub fn hash(pin: &str) -> Result<String, BadPin> {
    if !PIN_DIGITS.contains(&pin.len()) || !pin.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BadPin::NotDigits);
    }
    let hash: PasswordHash =
        Argon2::default().hash_password(pin.as_bytes()).map_err(|e| BadPin::Hash(e.to_string()))?;
    Ok(hash.to_string())
}

/// Whether the PIN belongs to the hash. Takes tens of milliseconds and 19 MiB on purpose.
pub fn verify(pin: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|parsed| Argon2::default().verify_password(pin.as_bytes(), &parsed).is_ok())
}

/// How long nobody may try again after so many wrong PINs in a row.
pub fn delay_after(wrong_in_a_row: u32) -> Duration {
    let Some(doublings) = wrong_in_a_row.checked_sub(FREE_ATTEMPTS + 1) else { return Duration::ZERO };
    FIRST_DELAY.saturating_mul(2u32.saturating_pow(doublings)).min(LONGEST_DELAY)
}

/// What is left of a lock, in whole seconds, at least one; `None` when a PIN may be tried.
pub fn locked_for_s(locked_until: Timestamp, now: Timestamp) -> Option<u64> {
    // A wall clock set far back must not lock somebody out for longer than the longest delay.
    let left = locked_until.since(now).min(LONGEST_DELAY);
    (!left.is_zero()).then(|| left.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_verifies_against_its_own_hash_only() {
        let hash = hash("4711").expect("hash");
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify("4711", &hash));
        assert!(!verify("4712", &hash));
        assert!(!verify("4711", "not a hash"));
    }

    #[test]
    fn a_pin_is_four_to_twelve_digits() {
        for bad in ["", "123", "1234567890123", "12a4", "１２３４"] {
            assert_eq!(super::hash(bad), Err(BadPin::NotDigits), "{bad}");
        }
    }

    #[test]
    fn the_delay_grows_with_each_wrong_pin_up_to_its_limit() {
        let seconds: Vec<_> = (0..=12).map(|wrong| delay_after(wrong).as_secs()).collect();
        assert_eq!(seconds, [0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(delay_after(u32::MAX), LONGEST_DELAY);
    }

    #[test]
    fn a_lock_ends_at_its_moment_and_never_lasts_beyond_the_limit() {
        let now = Timestamp(1_000_000);
        assert_eq!(locked_for_s(Timestamp(0), now), None);
        assert_eq!(locked_for_s(now, now), None);
        assert_eq!(locked_for_s(Timestamp(1_001_500), now), Some(2));
        assert_eq!(locked_for_s(Timestamp(9_000_000_000), now), Some(300));
    }
}
