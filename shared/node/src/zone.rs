//! Timestamps as people in a theatre read them: RFC 3339 in the theatre's time zone, and local dates.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use shared::time::Timestamp;

/// An IANA time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    zone: TimeZone,
}

/// A text that is not the time, date or zone it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a {what}: {text:?}")]
pub struct BadTime {
    /// What was expected.
    pub what: &'static str,
    /// What was given.
    pub text: String,
}

impl BadTime {
    fn new(what: &'static str, text: &str) -> Self {
        Self { what, text: text.chars().take(64).collect() }
    }
}

impl Zone {
    /// The zone of this IANA name, for example `Asia/Kolkata`.
    ///
    /// # Errors
    /// If there is no such zone.
    pub fn named(name: &str) -> Result<Self, BadTime> {
        TimeZone::get(name).map(|zone| Self { zone }).map_err(|_| BadTime::new("time zone", name))
    }

    /// UTC.
    pub fn utc() -> Self {
        Self { zone: TimeZone::UTC }
    }

    /// RFC 3339 with this zone's offset, to the second (to the millisecond where there is a fraction):
    /// `2026-11-23T18:30:00+05:30`.
    pub fn rfc3339(&self, moment: Timestamp) -> String {
        let pattern = if moment.0.rem_euclid(1000) == 0 { "%Y-%m-%dT%H:%M:%S%:z" } else { "%Y-%m-%dT%H:%M:%S%.3f%:z" };
        instant(moment).to_zoned_datetime(self.zone.clone()).strftime(pattern).to_string()
    }

    /// The local date, `2026-11-23`.
    pub fn local_date(&self, moment: Timestamp) -> String {
        instant(moment).to_zoned_datetime(self.zone.clone()).date().to_string()
    }

    /// The local time of day, `18:30`.
    pub fn local_time(&self, moment: Timestamp) -> String {
        instant(moment).to_zoned_datetime(self.zone.clone()).strftime("%H:%M").to_string()
    }

    /// The first moment of a local date (`2026-11-23`) and of the next one.
    ///
    /// # Errors
    /// If the text is no date.
    pub fn day(&self, date: &str) -> Result<(Timestamp, Timestamp), BadTime> {
        let bad = || BadTime::new("date", date);
        let first: Date = date.parse().map_err(|_| bad())?;
        let next = first.tomorrow().map_err(|_| bad())?;
        let start = |date: Date| {
            date.to_zoned_datetime(self.zone.clone()).map(|start| Timestamp(start.timestamp().as_millisecond()))
        };
        Ok((start(first).map_err(|_| bad())?, start(next).map_err(|_| bad())?))
    }
}

/// Reads RFC 3339 with an offset or `Z`.
///
/// # Errors
/// If the text is no such time.
pub fn parse_rfc3339(text: &str) -> Result<Timestamp, BadTime> {
    let moment: jiff::Timestamp = text.parse().map_err(|_| BadTime::new("RFC 3339 time with zone", text))?;
    Ok(Timestamp(moment.as_millisecond()))
}

/// Times beyond the years that jiff knows are shown as the last one it knows.
fn instant(moment: Timestamp) -> jiff::Timestamp {
    let bound = if moment.0 < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    jiff::Timestamp::from_millisecond(moment.0).unwrap_or(bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_back_as_it_was_written() {
        let kolkata = Zone::named("Asia/Kolkata").unwrap();
        let moment = parse_rfc3339("2026-11-23T18:30:00+05:30").unwrap();
        assert_eq!(kolkata.rfc3339(moment), "2026-11-23T18:30:00+05:30");
        assert_eq!(Zone::utc().rfc3339(moment), "2026-11-23T13:00:00+00:00");
        let fraction = Timestamp(moment.0 + 7);
        assert_eq!(parse_rfc3339(&kolkata.rfc3339(fraction)), Ok(fraction));
    }

    #[test]
    fn a_late_show_belongs_to_its_local_date() {
        let kolkata = Zone::named("Asia/Kolkata").unwrap();
        let moment = parse_rfc3339("2026-11-23T20:00:00Z").unwrap();
        assert_eq!(kolkata.local_date(moment), "2026-11-24");
        assert_eq!(kolkata.local_time(moment), "01:30");
        let (start, end) = kolkata.day("2026-11-24").unwrap();
        assert!(start <= moment && moment < end);
        assert_eq!(end.since(start).as_secs(), 86_400);
    }

    #[test]
    fn what_is_no_time_is_refused_by_name() {
        assert!(Zone::named("Mars/Base").is_err());
        assert!(Zone::utc().day("2026-02-30").is_err());
        assert!(parse_rfc3339("2026-11-23T18:30:00").is_err());
        assert_eq!(Zone::utc().rfc3339(Timestamp(i64::MAX)).get(..4), Some("9999"));
    }
}
