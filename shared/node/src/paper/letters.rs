//! The letters that every printer and every reader of documents has by itself: Latin 1.

use deunicode::deunicode_char;

/// A text in them. What has a usual stand-in gets it, other scripts are spelt out; a character of none is `?`.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            ' '..='~' | '\u{a1}'..='\u{ff}' => plain.push(letter),
            '₹' => plain.push_str("Rs "),
            '€' => plain.push_str("EUR "),
            '‘' | '’' => plain.push('\''),
            '“' | '”' => plain.push('"'),
            '–' | '—' | '\u{2011}' => plain.push('-'),
            '…' => plain.push_str("..."),
            _ if letter.is_whitespace() || letter.is_control() => plain.push(' '),
            _ => plain.push_str(deunicode_char(letter).unwrap_or("?")),
        }
    }
    plain
}

/// A plain text as bytes of Windows-1252, which Latin 1 is a part of.
pub fn bytes(plain: &str) -> Vec<u8> {
    plain.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_that_a_printer_lacks_has_a_stand_in() {
        let table = [
            ("Amélie – “Part 1”…", "Amélie - \"Part 1\"..."),
            ("₹150", "Rs 150"),
            ("शोले", "shole"),
            ("পথের পাঁচালী", "pther paaNcaalii"),
            ("Šílený Max", "Sílený Max"),
            ("Братья", "Brat'ia"),
            ("\u{e000}\u{10ffff}", "??"),
            ("a\tb\u{1b}@\nc", "a b @ c"),
        ];
        for (text, expected) in table {
            assert_eq!(plain(text), expected);
            assert_eq!(bytes(&plain(text)).len(), plain(text).chars().count());
        }
        assert_eq!(bytes("é"), [0xe9]);
    }
}
