//! Tax on cinema tickets, as data with dates. A price is what the customer pays; the tax is inside.
//!
//! India (GST): 5 % on tickets whose price before tax is up to ₹ 100 and 18 % above it since 2025-09-22 (notification 9/2025,
//! Central Tax (Rate)); 12 % and 18 % from 2019-01-01.

use serde::Serialize;

/// From a day on: tickets whose price before tax is up to a limit are taxed at one rate, all others at another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tariff {
    /// The first local day, `2025-09-22`.
    pub since: &'static str,
    /// The highest price before tax that has the lower rate, minor units.
    pub limit_minor: i64,
    /// Percent up to it.
    pub lower: u8,
    /// Percent above it.
    pub upper: u8,
}

/// India's, the latest first.
pub const INDIA: &[Tariff] = &[
    Tariff { since: "2025-09-22", limit_minor: 10_000, lower: 5, upper: 18 },
    Tariff { since: "2019-01-01", limit_minor: 10_000, lower: 12, upper: 18 },
];

/// A price taken apart. `net + cgst + sgst` is the price, to the minor unit; the two halves are equal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Taxed {
    /// Percent, both halves together.
    pub percent: u8,
    /// Before tax, minor units.
    pub net: i64,
    /// The union's half.
    pub cgst: i64,
    /// The state's half.
    pub sgst: i64,
}

/// Takes a price apart by the tariff of a local day; a day before all tariffs takes the first one. A price between the two rates
/// (no price before tax gives it) is taxed at the upper one.
pub fn inside(tariffs: &[Tariff], day: &str, price_minor: i64) -> Taxed {
    let tariff = tariffs.iter().find(|tariff| day >= tariff.since).or(tariffs.last());
    let percent = tariff.map_or(0, |tariff| {
        let limit = tariff.limit_minor + tariff.limit_minor * i64::from(tariff.lower) / 100;
        if price_minor <= limit { tariff.lower } else { tariff.upper }
    });
    // price = net × (1 + p/100), so each half is price × p / (2 × (100 + p)), rounded half up.
    let (part, whole) = (i128::from(price_minor) * i128::from(percent), 2 * (100 + i128::from(percent)));
    let half = i64::try_from((2 * part + whole).div_euclid(2 * whole)).unwrap_or_default();
    Taxed { percent, net: price_minor - 2 * half, cgst: half, sgst: half }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_taken_apart_by_the_tariff_of_its_day() {
        let table = [
            // ₹ 90 and ₹ 150 before tax.
            ("2025-09-22", 9450, (5, 9000, 225)),
            ("2026-11-26", 17_700, (18, 15_000, 1350)),
            ("2026-11-26", 10_500, (5, 10_000, 250)),
            ("2026-11-26", 10_501, (18, 8899, 801)),
            ("2026-11-26", 11_800, (18, 10_000, 900)),
            ("2025-09-21", 11_200, (12, 10_000, 600)),
            ("2025-09-21", 11_201, (18, 9493, 854)),
            ("2001-01-01", 11_200, (12, 10_000, 600)),
            ("2026-11-26", 0, (5, 0, 0)),
            ("2026-11-26", 1, (5, 1, 0)),
        ];
        for (day, price, (percent, net, half)) in table {
            let taxed = inside(INDIA, day, price);
            assert_eq!(taxed, Taxed { percent, net, cgst: half, sgst: half }, "{day} {price}");
            assert_eq!(taxed.net + taxed.cgst + taxed.sgst, price);
        }
    }

    #[test]
    fn without_a_tariff_nothing_is_tax() {
        assert_eq!(inside(&[], "2026-11-26", 500), Taxed { percent: 0, net: 500, cgst: 0, sgst: 0 });
    }
}
