//! Money: integer minor units and a currency.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An ISO 4217 code in upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Indian rupee, two minor digits (paise).
    pub const INR: Self = Self(*b"INR");

    /// Reads a three-letter code.
    pub fn parse(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_uppercase).then_some(Self(bytes))
    }

    /// The code, for example `INR`.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| serde::de::Error::custom("not a three-letter currency code"))
    }
}

/// An amount of money in minor units (paise, cents).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units; negative for money that goes back.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// An amount in Indian paise.
    pub fn inr(minor: i64) -> Self {
        Self { minor, currency: Currency::INR }
    }

    /// The sum, or nothing where currencies differ or the sum does not fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        (self.currency == other.currency)
            .then(|| self.minor.checked_add(other.minor))
            .flatten()
            .map(|minor| Self { minor, ..self })
    }
}

impl fmt::Display for Money {
    /// `INR 150.00`; pages format by locale instead.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency.code(), decimal(self.minor))
    }
}

/// Minor units as a decimal number without a currency, `-1.05`.
pub fn decimal(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let minor = minor.unsigned_abs();
    format!("{sign}{}.{:02}", minor / 100, minor % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_prints_its_minor_digits_and_its_sign() {
        assert_eq!(Money::inr(15_005).to_string(), "INR 150.05");
        assert_eq!(Money::inr(-5).to_string(), "INR -0.05");
    }

    #[test]
    fn money_of_two_currencies_does_not_add() {
        let euro = Money { minor: 1, currency: Currency::parse("EUR").expect("code") };
        assert_eq!(Money::inr(1).checked_add(euro), None);
        assert_eq!(Money::inr(1).checked_add(Money::inr(2)), Some(Money::inr(3)));
        assert_eq!(Money::inr(i64::MAX).checked_add(Money::inr(1)), None);
    }
}
