//! What a keyboard-like reader types, from the bytes of Linux's `struct input_event` on 64-bit machines: seconds and microseconds
//! (8 bytes each), type, code (2 each), value (4), in the machine's own order.
//!
//! Keys are told by their place on the keyboard, so neither the layout nor Caps Lock of this machine changes them.

/// Bytes of one event.
pub(super) const EVENT_BYTES: usize = 24;
/// What is shorter is a slip of a finger.
const SHORTEST: usize = 4;
/// More than any code has; the rest is dropped until the end comes.
const LONGEST: usize = 512;
/// Events about keys.
const EV_KEY: u16 = 1;
/// A key goes down; 0 is up, 2 a repetition.
const DOWN: i32 = 1;

/// Keys that were pressed since the last code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Keys {
    typed: String,
}

impl Keys {
    /// Takes an event; returns the code that it ends.
    pub(super) fn press(&mut self, event: &[u8; EVENT_BYTES]) -> Option<String> {
        let [.., t0, t1, c0, c1, v0, v1, v2, v3] = *event;
        let (kind, code) = (u16::from_ne_bytes([t0, t1]), u16::from_ne_bytes([c0, c1]));
        if kind != EV_KEY || i32::from_ne_bytes([v0, v1, v2, v3]) != DOWN {
            return None;
        }
        match key(code) {
            Some(Key::Character(character)) if self.typed.len() < LONGEST => self.typed.push(character),
            Some(Key::End) => return self.finish(),
            _ => {}
        }
        None
    }

    /// The reader has fallen silent, or said that this is all.
    pub(super) fn finish(&mut self) -> Option<String> {
        let typed = std::mem::take(&mut self.typed);
        (typed.len() >= SHORTEST).then_some(typed)
    }
}

enum Key {
    Character(char),
    End,
}

/// The letters and digits of `linux/input-event-codes.h`, row by row.
fn key(code: u16) -> Option<Key> {
    let row = |keys: &'static str, first: u16| keys.chars().nth(usize::from(code - first)).map(Key::Character);
    match code {
        2..=11 => row("1234567890", 2),
        15 | 28 | 96 => Some(Key::End),
        16..=25 => row("QWERTYUIOP", 16),
        30..=38 => row("ASDFGHJKL", 30),
        44..=50 => row("ZXCVBNM", 44),
        71..=73 => row("789", 71),
        75..=77 => row("456", 75),
        79..=82 => row("1230", 79),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: u16, code: u16, value: i32) -> [u8; EVENT_BYTES] {
        let mut bytes = [0x5a; EVENT_BYTES];
        bytes[16..18].copy_from_slice(&kind.to_ne_bytes());
        bytes[18..20].copy_from_slice(&code.to_ne_bytes());
        bytes[20..24].copy_from_slice(&value.to_ne_bytes());
        bytes
    }

    fn type_all(keys: &mut Keys, codes: &[u16]) -> Option<String> {
        let mut ended = None;
        for &code in codes {
            // Misc scan code, down, sync, repetition, up, as readers send them.
            for (kind, code, value) in [(4, 4, 458_756), (1, code, 1), (0, 0, 0), (1, code, 2), (1, code, 0), (0, 0, 0)]
            {
                ended = keys.press(&event(kind, code, value)).or(ended);
            }
        }
        ended
    }

    #[test]
    fn the_bytes_of_a_reader_are_the_code_that_it_read() {
        // As a reader in keyboard mode sends "A2Q7" and Enter: little-endian, shift held for the letters.
        let recorded = [
            (0x2a, 1),
            (0x1e, 1),
            (0x1e, 0),
            (0x2a, 0),
            (0x03, 1),
            (0x03, 0),
            (0x2a, 1),
            (0x10, 1),
            (0x10, 0),
            (0x2a, 0),
            (0x08, 1),
            (0x08, 0),
            (0x1c, 1),
            (0x1c, 0),
        ];
        let mut keys = Keys::default();
        let mut codes = Vec::new();
        for (index, (code, value)) in recorded.into_iter().enumerate() {
            let mut bytes = [0; EVENT_BYTES];
            bytes[0..8].copy_from_slice(&1_764_000_000_u64.to_le_bytes());
            bytes[8..16].copy_from_slice(&(index as u64 * 1_000).to_le_bytes());
            (bytes[16], bytes[18], bytes[20]) = (1, code, value);
            codes.extend(keys.press(&bytes));
        }
        assert_eq!(codes, ["A2Q7"]);
    }

    #[test]
    fn every_letter_and_digit_of_a_ticket_has_its_key() {
        let all: Vec<u16> = (2..=11).chain(16..=25).chain(30..=38).chain(44..=50).collect();
        let mut keys = Keys::default();
        assert_eq!(type_all(&mut keys, &all), None);
        assert_eq!(keys.finish().as_deref(), Some("1234567890QWERTYUIOPASDFGHJKLZXCVBNM"));
        assert_eq!(type_all(&mut keys, &[71, 72, 73, 75, 76, 77, 79, 80, 81, 82, 96]).as_deref(), Some("7894561230"));
    }

    #[test]
    fn enter_tab_and_silence_end_a_code_and_what_is_too_short_is_none() {
        let mut keys = Keys::default();
        for end in [28, 96, 15] {
            assert_eq!(type_all(&mut keys, &[30, 48, 46, 32, end]).as_deref(), Some("ABCD"));
            assert_eq!(type_all(&mut keys, &[end]), None, "an end alone is nothing");
        }
        type_all(&mut keys, &[30, 48, 46]);
        assert_eq!(keys.finish(), None);
        type_all(&mut keys, &[30, 48, 46, 32, 58, 42]);
        assert_eq!(keys.finish().as_deref(), Some("ABCD"), "Caps Lock and Shift change nothing");
    }

    #[test]
    fn a_reader_that_goes_mad_keeps_no_endless_text_and_the_next_code_is_read() {
        let mut keys = Keys::default();
        type_all(&mut keys, &[30; 2_000]);
        assert_eq!(type_all(&mut keys, &[28]).map(|code| code.len()), Some(LONGEST));
        assert_eq!(type_all(&mut keys, &[16, 17, 18, 19, 28]).as_deref(), Some("QWER"));
    }

    #[test]
    fn any_bytes_are_borne() {
        let mut keys = Keys::default();
        for seed in 0..=255u8 {
            let event: [u8; EVENT_BYTES] = std::array::from_fn(|at| seed.wrapping_mul(31).wrapping_add(at as u8 * 7));
            let _code = keys.press(&event);
        }
    }
}
