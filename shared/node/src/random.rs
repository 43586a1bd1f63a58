//! Random bytes and ids from the operating system.

use rand::TryRng;
use rand::rngs::SysRng;
use shared::ids::BookingId;

/// `N` random bytes.
///
/// # Panics
/// If the operating system has no randomness: nothing that hands out ids or keys may go on then.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes).expect("the operating system has no random bytes");
    bytes
}

/// A new booking id.
pub fn booking_id() -> BookingId {
    BookingId(bytes())
}

/// `N` random bytes as lower-case hex: session tokens, secrets, request ids.
pub fn hex<const N: usize>() -> String {
    data_encoding::HEXLOWER.encode(&bytes::<N>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_do_not_repeat() {
        assert_ne!(booking_id(), booking_id());
        assert_ne!(hex::<16>(), hex::<16>());
        assert_eq!(hex::<16>().len(), 32);
    }
}
