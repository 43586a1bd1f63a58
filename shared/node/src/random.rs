//! Random bytes and ids from the operating system.

use rand::TryRng;
use rand::rngs::SysRng;
use shared::ids::{BookingId, ClaimId, HoldId, Incarnation, TicketId};

/// What a booking code is written with: no 0 O 1 I L.
const CODE_ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";

/// `N` random bytes.
///
/// # Panics
/// If the operating system has no randomness: nothing that hands out ids or keys may go on then.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes).expect("the operating system has no random bytes");
    bytes
}

/// A new hold id.
pub fn hold_id() -> HoldId {
    HoldId(bytes())
}

/// A new booking id.
pub fn booking_id() -> BookingId {
    BookingId(bytes())
}

/// A new ticket id.
pub fn ticket_id() -> TicketId {
    TicketId(bytes())
}

/// A new claim id.
pub fn claim_id() -> ClaimId {
    ClaimId(bytes())
}

/// A new incarnation.
pub fn incarnation() -> Incarnation {
    Incarnation(u64::from_be_bytes(bytes()))
}

/// `N` random bytes as lower-case hex: session tokens, secrets, request ids.
pub fn hex<const N: usize>() -> String {
    data_encoding::HEXLOWER.encode(&bytes::<N>())
}

/// A booking code of 8 characters that are hard to misread.
pub fn booking_code() -> String {
    let mut code = String::with_capacity(8);
    while code.len() < 8 {
        // Bytes beyond the last whole multiple of the alphabet would favour its first letters.
        let picks = bytes::<16>().into_iter().filter(|&byte| usize::from(byte) < CODE_ALPHABET.len() * 8);
        for byte in picks.take(8 - code.len()) {
            code.push(char::from(CODE_ALPHABET[usize::from(byte) % CODE_ALPHABET.len()]));
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_do_not_repeat() {
        assert_ne!(hold_id(), hold_id());
        assert_ne!(hex::<16>(), hex::<16>());
        assert_eq!(hex::<16>().len(), 32);
    }

    #[test]
    fn a_booking_code_has_eight_characters_that_are_hard_to_misread() {
        for _ in 0..200 {
            let code = booking_code();
            assert_eq!(code.len(), 8);
            assert!(code.bytes().all(|c| CODE_ALPHABET.contains(&c)), "{code}");
        }
    }
}
