//! GSTIN, the number under which a business in India pays its taxes: it stands on what a guest is given.

use std::fmt;
use std::str::FromStr;

const LENGTH: usize = 15;
const SIGNS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// A number whose last sign is right: two digits of the state, ten signs of the PAN, one of the branch, `Z`, and the check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gstin(String);

/// A text that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a GSTIN has 15 letters and digits, such as 27AAPFU0939F1ZV, and the last one must fit the others")]
pub struct BadGstin;

impl FromStr for Gstin {
    type Err = BadGstin;

    fn from_str(text: &str) -> Result<Self, BadGstin> {
        let text = text.trim().to_ascii_uppercase();
        let values: Option<Vec<usize>> =
            text.bytes().map(|sign| SIGNS.iter().position(|known| *known == sign)).collect();
        let Some([told @ .., check]) = values.as_deref().filter(|values| values.len() == LENGTH) else {
            return Err(BadGstin);
        };
        let digits = |at: std::ops::Range<usize>| told.get(at).is_some_and(|part| part.iter().all(|value| *value < 10));
        let letters =
            |at: std::ops::Range<usize>| told.get(at).is_some_and(|part| part.iter().all(|value| *value >= 10));
        let shape = digits(0..2) && letters(2..7) && digits(7..11) && letters(11..12) && told.get(13) == Some(&35);
        let sum: usize = told.iter().enumerate().map(|(at, value)| value * (1 + at % 2)).map(|n| n / 36 + n % 36).sum();
        if shape && (36 - sum % 36) % 36 == *check { Ok(Self(text)) } else { Err(BadGstin) }
    }
}

impl fmt::Display for Gstin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_taken_only_if_its_last_sign_fits() {
        let table = [
            ("27AAPFU0939F1ZV", true),
            (" 29aagcb7383j1z4 ", true),
            ("27AAPFU0939F1ZW", false),
            ("27AAPFU0993F1ZV", false),
            ("27AAPFU0939F1YV", false),
            ("AAAAPFU0939F1ZV", false),
            ("27AAPFU0939F1Z", false),
            ("27AAPFU0939F1ZVV", false),
            ("27AAPFÜ0939F1ZV", false),
            ("", false),
        ];
        for (text, good) in table {
            let read: Result<Gstin, _> = text.parse();
            assert_eq!(read.map(|gstin| gstin.to_string()).ok(), good.then(|| text.trim().to_uppercase()), "{text}");
        }
    }
}
