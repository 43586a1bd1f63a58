//! The short booking code: eight characters a person can read out, type and find a booking by. It is no right of entry.

/// Digits and letters without 0 O 1 I L, which people mix up.
const ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
const LENGTH: usize = 8;

/// The booking code of five random bytes.
pub fn booking_code(random: [u8; 5]) -> String {
    let mut number = random.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    let mut code = [0u8; LENGTH];
    for place in code.iter_mut().rev() {
        *place = ALPHABET[(number % 31) as usize];
        number /= 31;
    }
    code.iter().map(|byte| char::from(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_booking_code_has_eight_characters_nobody_mixes_up() {
        assert_eq!(booking_code([0; 5]), "22222222");
        assert_eq!(booking_code([0, 0, 0, 0, 31]), "22222232");
        for random in [[0xff; 5], [1, 2, 3, 4, 5], [0x80, 0, 0, 0, 0]] {
            let code = booking_code(random);
            assert_eq!(code.len(), 8);
            assert!(!code.contains(['0', 'O', '1', 'I', 'L']), "{code}");
        }
    }
}
