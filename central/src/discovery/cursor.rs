//! Opaque cursors of lists: the key of the last row a client has.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer};
use std::fmt;

/// The sort key of a list's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(pub Vec<i64>);

impl Cursor {
    /// Reads a cursor that this program wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        text.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<i64>>>().map(Self)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(i64::to_string).collect();
        f.write_str(&BASE64URL_NOPAD.encode(parts.join(".").as_bytes()))
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a cursor of this list"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_nonsense_does_not() {
        let cursor = Cursor(vec![1_795_000_000_000, 12, -3]);
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        for bad in ["", "!", "YQ", "MS4"] {
            assert_eq!(Cursor::parse(bad), None, "{bad}");
        }
    }
}
