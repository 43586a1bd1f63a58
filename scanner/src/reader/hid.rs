//! What a keyboard-like reader types, from the bytes of Linux's `struct input_event` on 64-bit machines: seconds and microseconds
//! (8 bytes each), type, code (2 each), value (4), in the machine's own order.
//!
//! Keys are told by their place on the keyboard, so neither the layout nor Caps Lock of this machine changes them. A reader that was
//! set up for any layout types no letters at all but the number of each character, on the keypad with Alt held.

/// Bytes of one event.
pub(super) const EVENT_BYTES: usize = 24;
/// What is shorter is a slip of a finger.
const SHORTEST: usize = 4;
/// More than any code has; the rest is dropped until the end comes.
const LONGEST: usize = 512;
/// Events about events.
const EV_SYN: u16 = 0;
/// The kernel's buffer was full, and events are lost.
const SYN_DROPPED: u16 = 3;
/// Events about keys.
const EV_KEY: u16 = 1;
/// A key goes up, or down; 2 is a repetition.
const UP: i32 = 0;
const DOWN: i32 = 1;

/// Keys that were pressed since the last code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Keys {
    typed: String,
    /// Ctrl is held.
    control: bool,
    /// Alt is held, and this number is being typed.
    number: Option<u32>,
    /// Part of the code that is being typed got lost.
    torn: bool,
}

/// What a reader has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed {
    Code(String),
    /// A code of which part got lost: nothing can be said of it.
    Torn,
}

impl Keys {
    /// Takes an event; returns the code that it ends.
    pub(super) fn press(&mut self, event: &[u8; EVENT_BYTES]) -> Option<Typed> {
        let [.., t0, t1, c0, c1, v0, v1, v2, v3] = *event;
        let (kind, code) = (u16::from_ne_bytes([t0, t1]), u16::from_ne_bytes([c0, c1]));
        if (kind, code) == (EV_SYN, SYN_DROPPED) {
            *self = Self { torn: true, ..Self::default() };
        }
        if kind != EV_KEY {
            return None;
        }
        match (key(code)?, i32::from_ne_bytes([v0, v1, v2, v3])) {
            (Key::Control, UP) => self.control = false,
            (Key::Control, DOWN) => self.control = true,
            (Key::Alt, UP) => return self.number.take().and_then(|number| self.take_number(number)),
            (Key::Alt, DOWN) => self.number = Some(0),
            // With Ctrl it is a line's end, or some sign that no ticket has.
            (Key::Character('I' | 'J' | 'M'), DOWN) if self.control => return self.finish(),
            (Key::Character(_), DOWN) if self.control => {}
            (Key::Character(character), DOWN) => match (&mut self.number, character.to_digit(10)) {
                (Some(number), Some(digit)) => *number = number.saturating_mul(10).saturating_add(digit),
                (Some(_), None) => {}
                (None, _) => self.take(character),
            },
            (Key::End, DOWN) => return self.finish(),
            _ => {}
        }
        None
    }

    fn take(&mut self, character: char) {
        if self.typed.len() < LONGEST {
            self.typed.push(character);
        }
    }

    fn take_number(&mut self, number: u32) -> Option<Typed> {
        match char::from_u32(number) {
            Some('\t' | '\n' | '\r') => return self.finish(),
            Some(character) if character.is_ascii_alphanumeric() => self.take(character),
            _ => {}
        }
        None
    }

    /// The reader has fallen silent, or said that this is all.
    pub(super) fn finish(&mut self) -> Option<Typed> {
        let Self { typed, torn, .. } = std::mem::take(self);
        if torn {
            return Some(Typed::Torn);
        }
        (typed.len() >= SHORTEST).then_some(Typed::Code(typed))
    }
}

enum Key {
    Character(char),
    Control,
    Alt,
    End,
}

/// The letters and digits of `linux/input-event-codes.h`, row by row.
fn key(code: u16) -> Option<Key> {
    let row = |keys: &'static str, first: u16| keys.chars().nth(usize::from(code - first)).map(Key::Character);
    match code {
        2..=11 => row("1234567890", 2),
        15 | 28 | 96 => Some(Key::End),
        29 | 97 => Some(Key::Control),
        56 | 100 => Some(Key::Alt),
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
        match type_raw(keys, codes) {
            Some(Typed::Code(code)) => Some(code),
            Some(Typed::Torn) => Some("torn".into()),
            None => None,
        }
    }

    fn finished(keys: &mut Keys) -> Option<String> {
        match keys.finish()? {
            Typed::Code(code) => Some(code),
            Typed::Torn => Some("torn".into()),
        }
    }

    fn type_raw(keys: &mut Keys, codes: &[u16]) -> Option<Typed> {
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
        let sent = [
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
        for (index, (code, value)) in sent.into_iter().enumerate() {
            let mut bytes = [0; EVENT_BYTES];
            bytes[0..8].copy_from_slice(&1_764_000_000_u64.to_le_bytes());
            bytes[8..16].copy_from_slice(&(index as u64 * 1_000).to_le_bytes());
            (bytes[16], bytes[18], bytes[20]) = (1, code, value);
            codes.extend(keys.press(&bytes));
        }
        assert_eq!(codes, [Typed::Code("A2Q7".into())]);
    }

    #[test]
    fn a_stream_as_the_kernel_gives_it_is_read_through_lights_repetitions_and_lost_events() {
        // A key as a USB reader presses it: scan code, key, end of the packet.
        let key = |code: u16, value| {
            [event(4, 4, 0x70000 + i32::from(code)), event(EV_KEY, code, value), event(EV_SYN, 0, 0)]
        };
        let press = |code| [key(code, 1), key(code, 0)].concat();
        let read = |stream: Vec<[u8; EVENT_BYTES]>| {
            let mut keys = Keys::default();
            let mut read: Vec<_> = stream.iter().filter_map(|event| keys.press(event)).collect();
            read.extend(keys.finish());
            read
        };
        let word: Vec<_> = [16, 17, 18, 19].into_iter().flat_map(press).collect();
        let enter = press(28);
        let whole = || Typed::Code("QWER".into());
        // Caps Lock with its light, and a key that is held.
        let lights = [press(58), vec![event(17, 1, 1), event(EV_SYN, 0, 0)]].concat();
        let held = [key(16, 1), key(16, 2), key(16, 2), key(16, 0)].concat();
        let repeated = [lights, held, word[6..].to_vec(), enter.clone()].concat();
        assert_eq!(read(repeated), [whole()]);
        // Lost in the middle: what is left of that code is none, and the next one is read.
        let lost = vec![event(EV_SYN, SYN_DROPPED, 0), event(EV_SYN, 0, 0)];
        let (start, rest) = word.split_at(9);
        let torn = [start.to_vec(), lost.clone(), rest.to_vec(), enter.clone(), word.clone(), enter.clone()].concat();
        assert_eq!(read(torn), [Typed::Torn, whole()]);
        // With the end lost two codes would be one.
        let joined = [word.clone(), lost.clone(), word.clone(), enter.clone(), word.clone(), enter.clone()].concat();
        assert_eq!(read(joined), [Typed::Torn, whole()]);
        // In silence: whoever's code it was is told.
        assert_eq!(read([enter, lost].concat()), [Typed::Torn]);
    }

    #[test]
    fn every_letter_and_digit_of_a_ticket_has_its_key() {
        let all: Vec<u16> = (2..=11).chain(16..=25).chain(30..=38).chain(44..=50).collect();
        let mut keys = Keys::default();
        assert_eq!(type_all(&mut keys, &all), None);
        assert_eq!(finished(&mut keys).as_deref(), Some("1234567890QWERTYUIOPASDFGHJKLZXCVBNM"));
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
        assert_eq!(finished(&mut keys).as_deref(), Some("ABCD"), "Caps Lock and Shift change nothing");
    }

    fn chord(held: u16, codes: &[u16]) -> Vec<[u8; EVENT_BYTES]> {
        let pressed = codes.iter().flat_map(|&code| [event(EV_KEY, code, 1), event(EV_KEY, code, 0)]);
        [event(EV_KEY, held, 1)].into_iter().chain(pressed).chain([event(EV_KEY, held, 0)]).collect()
    }

    fn read(stream: &[[u8; EVENT_BYTES]]) -> Vec<Typed> {
        let mut keys = Keys::default();
        let mut read: Vec<_> = stream.iter().filter_map(|event| keys.press(event)).collect();
        read.extend(keys.finish());
        read
    }

    #[test]
    fn a_reader_that_types_the_number_of_each_character_is_understood_on_any_layout() {
        // 65 and 065 are both A; the keypad and the row above the letters both have digits.
        let word = [chord(56, &[77, 76]), chord(56, &[82, 77, 76]), chord(100, &[7, 7]), chord(56, &[76, 80])].concat();
        assert_eq!(read(&word), [Typed::Code("AAB4".into())]);
        let ended = [word.clone(), chord(56, &[79, 81]), chord(56, &[79, 82]), word.clone()].concat();
        assert_eq!(read(&ended), [Typed::Code("AAB4".into()), Typed::Code("AAB4".into())], "13 and 10 end a code");
        let signs = [chord(56, &[80, 73]), chord(56, &[73; 12]), chord(56, &[]), chord(56, &[30]), word].concat();
        assert_eq!(read(&signs), [Typed::Code("AAB4".into())], "what no ticket has");
    }

    #[test]
    fn keys_with_ctrl_are_no_letters_and_a_line_ends_a_code() {
        let word: Vec<_> = [16, 17, 18, 19].into_iter().map(|code| event(EV_KEY, code, 1)).collect();
        for end in [23, 36, 50] {
            let stream = [word.clone(), chord(29, &[end]), word.clone(), chord(97, &[46])].concat();
            assert_eq!(read(&stream), [Typed::Code("QWER".into()), Typed::Code("QWER".into())], "{end}");
        }
        // The key was let go while events got lost, or while nobody read: it is not held for ever.
        let lost =
            [vec![event(EV_KEY, 29, 1), event(EV_KEY, 56, 1), event(EV_SYN, SYN_DROPPED, 0)], chord(28, &[])].concat();
        assert_eq!(read(&[lost, word.clone()].concat()), [Typed::Torn, Typed::Code("QWER".into())]);
        let mut keys = Keys::default();
        for held in [29, 56] {
            assert_eq!((keys.press(&event(EV_KEY, held, 1)), keys.finish()), (None, None));
            assert_eq!(word.iter().find_map(|event| keys.press(event)), None);
            assert_eq!(finished(&mut keys).as_deref(), Some("QWER"));
        }
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
