//! The short booking code: eight characters a person can read out, type and find a booking by. It is no right of entry by itself: a
//! door lets in by it only what its book has under it, and counts who guesses.
//!
//! It is the beginning of the booking's id in letters, so whoever has the log knows it: the doors, and a house that lost its books.
//! The eleven bytes of the id that it does not tell keep the booking its owner's.

use crate::ids::BookingId;

/// Digits and letters without 0 O 1 I L, which people mix up.
const ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
const LENGTH: usize = 8;

/// The code of a booking.
pub fn booking_code(booking: BookingId) -> String {
    let mut number = beginning(booking);
    let mut code = [0u8; LENGTH];
    for place in code.iter_mut().rev() {
        *place = ALPHABET[(number % 31) as usize];
        number /= 31;
    }
    code.iter().map(|byte| char::from(*byte)).collect()
}

fn beginning(booking: BookingId) -> u64 {
    booking.0.iter().take(5).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Whether a booking has this code, for one that is compared with many; nothing for a text that is no code.
pub fn has_booking_code(code: &str) -> Option<impl Fn(BookingId) -> bool + use<>> {
    let place = |sign: u8| ALPHABET.iter().position(|known| *known == sign);
    let places: Option<Vec<usize>> = code.bytes().map(place).collect();
    let places = places.filter(|places| places.len() == LENGTH)?;
    let number = places.into_iter().fold(0, |number, place| number * 31 + place as u64);
    Some(move |booking| beginning(booking) % 31_u64.pow(LENGTH as u32) == number)
}

/// Reads a code as a person types it: in any case, in halves or in one.
pub fn read_booking_code(text: &str) -> Option<String> {
    let code: String = text
        .chars()
        .filter(|one| !one.is_whitespace() && *one != '-')
        .map(|one| one.to_ascii_uppercase())
        .take(LENGTH + 1)
        .collect();
    (code.len() == LENGTH && code.bytes().all(|byte| ALPHABET.contains(&byte))).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_booking_code_is_read_as_people_type_it() {
        for text in ["7KQ2MXPA", " 7kq2 mxpa ", "7KQ2-MXPA"] {
            assert_eq!(read_booking_code(text).as_deref(), Some("7KQ2MXPA"), "{text:?}");
        }
        for text in ["", "7KQ2MXP", "7KQ2MXPAA", "7KQ2MXP0", "7KQ2MXPI", "7KQ2MXPé", "C12"] {
            assert_eq!(read_booking_code(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_code_is_compared_as_it_is_written() {
        for (nth, first) in [0, 1, 0x7f, 0xc8, 0xff].into_iter().enumerate() {
            let (booking, other) = (BookingId([first; 16]), BookingId([first ^ 1; 16]));
            let has = has_booking_code(&booking_code(booking)).expect("a code");
            assert_eq!((has(booking), has(other)), (true, false), "{nth}");
        }
        assert!(has_booking_code("7KQ2MXP0").is_none() && has_booking_code("7KQ2").is_none());
    }

    #[test]
    fn a_booking_code_has_eight_characters_nobody_mixes_up() {
        let code = |first: [u8; 5], rest: u8| {
            let mut id = [rest; 16];
            id[..5].copy_from_slice(&first);
            booking_code(BookingId(id))
        };
        assert_eq!(code([0; 5], 7), "22222222");
        assert_eq!(code([0, 0, 0, 0, 31], 0), "22222232");
        for first in [[0xff; 5], [1, 2, 3, 4, 5], [0x80, 0, 0, 0, 0]] {
            let found = code(first, 1);
            assert_eq!(found.len(), 8);
            assert!(!found.contains(['0', 'O', '1', 'I', 'L']), "{found}");
            assert_eq!(found, code(first, 2), "the rest of the id is not in it");
        }
    }
}
