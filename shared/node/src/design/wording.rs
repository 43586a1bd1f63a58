//! How pages write money, days and times.

use jiff::civil::{Date, DateTime};
use shared::money::{Currency, Money};

/// An amount as people in its country read it: `₹1,23,456`, with the minor digits only where there are any.
pub fn money(amount: Money) -> String {
    let sign = if amount.minor < 0 { "−" } else { "" };
    let minor = amount.minor.unsigned_abs();
    let (whole, rest) = (minor / 100, minor % 100);
    let indian = amount.currency == Currency::INR;
    let symbol = if indian { "₹".to_owned() } else { format!("{} ", amount.currency.code()) };
    let grouped = group(whole, if indian { 2 } else { 3 });
    if rest == 0 { format!("{sign}{symbol}{grouped}") } else { format!("{sign}{symbol}{grouped}.{rest:02}") }
}

/// Groups digits: three at the end, then groups of `width`.
fn group(whole: u64, width: usize) -> String {
    let digits = whole.to_string();
    let Some(split) = digits.len().checked_sub(3).filter(|split| *split > 0) else { return digits };
    let (head, tail) = digits.split_at(split);
    let mut out = String::new();
    for (i, digit) in head.chars().enumerate() {
        if i > 0 && (head.len() - i).is_multiple_of(width) {
            out.push(',');
        }
        out.push(digit);
    }
    format!("{out},{tail}")
}

/// The clock time in an RFC 3339 text, in the zone it is written in: `6:30 pm`. Unreadable text is shown as it is.
pub fn clock(rfc3339: &str) -> String {
    let Some(time) = local(rfc3339) else { return rfc3339.to_owned() };
    let half = if time.hour() < 12 { "am" } else { "pm" };
    let hour = if time.hour() % 12 == 0 { 12 } else { time.hour() % 12 };
    format!("{hour}:{:02} {half}", time.minute())
}

/// The day in an RFC 3339 text or a plain date: `Saturday 28 November`.
pub fn day(text: &str) -> String {
    date(text).map_or_else(|| text.to_owned(), |date| date.strftime("%A %-d %B").to_string())
}

/// The same, short: `Sat 28 Nov`.
pub fn day_short(text: &str) -> String {
    date(text).map_or_else(|| text.to_owned(), |date| date.strftime("%a %-d %b").to_string())
}

/// A length of time: `2 h 20 min`.
pub fn minutes(minutes: u32) -> String {
    match (minutes / 60, minutes % 60) {
        (0, rest) => format!("{rest} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, rest) => format!("{hours} h {rest} min"),
    }
}

/// A number and its noun, which gets an *s* unless the number is one: `1 seat`, `12 seats`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

// The clock on the wall of the theatre is what counts, so the offset in the text is left out, not converted.
fn local(rfc3339: &str) -> Option<DateTime> {
    rfc3339.get(..19)?.parse().ok()
}

fn date(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rupees_are_grouped_in_lakhs() {
        assert_eq!(money(Money::inr(15_000)), "₹150");
        assert_eq!(money(Money::inr(12_345_678_950)), "₹12,34,56,789.50");
        assert_eq!(money(Money::inr(-100_000)), "−₹1,000");
        let euro = Money { minor: 123_456_700, currency: Currency::parse("EUR").expect("code") };
        assert_eq!(money(euro), "EUR 1,234,567");
    }

    #[test]
    fn times_are_those_of_the_theatre() {
        assert_eq!(clock("2026-11-28T18:30:00+05:30"), "6:30 pm");
        assert_eq!(clock("2026-11-28T00:05:00+05:30"), "12:05 am");
        assert_eq!(day("2026-11-28T18:30:00+05:30"), "Saturday 28 November");
        assert_eq!(day_short("2026-11-28"), "Sat 28 Nov");
        assert_eq!(clock("soon"), "soon");
    }

    #[test]
    fn lengths_and_counts_read_as_words() {
        assert_eq!(
            (minutes(140).as_str(), minutes(120).as_str(), minutes(45).as_str()),
            ("2 h 20 min", "2 h", "45 min")
        );
        assert_eq!((count(1, "seat").as_str(), count(12, "seat").as_str()), ("1 seat", "12 seats"));
    }
}
