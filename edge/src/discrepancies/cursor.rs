//! The opaque cursor of the list of discrepancies: the place of the last one a client has.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::str::FromStr;

/// A place in the list. The default one comes before all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Milliseconds.
    pub(super) found_at: i64,
    pub(super) at_door: bool,
    pub(super) n: i64,
}

impl Default for Cursor {
    fn default() -> Self {
        Self { found_at: i64::MIN, at_door: false, n: 0 }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{}.{}", self.found_at, u8::from(self.at_door), self.n);
        f.write_str(&BASE64URL_NOPAD.encode(text.as_bytes()))
    }
}

/// A text that is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub(super) struct BadCursor;

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| BadCursor)?;
        let text = String::from_utf8(bytes).map_err(|_| BadCursor)?;
        let mut parts = text.split('.').map(|part| part.parse::<i64>().map_err(|_| BadCursor));
        let mut part = || parts.next().unwrap_or(Err(BadCursor));
        let cursor = Self { found_at: part()?, at_door: part()? != 0, n: part()? };
        if parts.next().is_none() { Ok(cursor) } else { Err(BadCursor) }
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nonsense_does_not() {
        let cursor = Cursor { found_at: 1_795_000_000_000, at_door: true, n: 12 };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        assert_eq!(Cursor::default().to_string().parse(), Ok(Cursor::default()));
        for bad in ["", "!", "YQ", "MS4x", "MS4xLjEuMQ"] {
            assert_eq!(bad.parse::<Cursor>(), Err(BadCursor), "{bad}");
        }
    }
}
