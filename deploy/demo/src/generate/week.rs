//! A week of shows: on 5-minute marks, cleared between shows, none overlapping on a screen, none in the small hours.

use super::programme::Programme;
use super::{Theatre, generator};
use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, ToSpan};
use rand::RngExt;
use rand::rngs::StdRng;
use shared::money::Money;
use shared::seating::SeatingPlan;

/// The zone of all theatres in the facts.
pub const ZONE: &str = "Asia/Kolkata";
/// Its offset, the same all year.
pub const OFFSET: &str = "+05:30";
/// No show starts before.
pub const FIRST_START: Time = Time::constant(9, 0, 0, 0);
/// No show starts after.
pub const LAST_START: Time = Time::constant(22, 45, 0, 0);
/// Every show is over this long after midnight.
const LATEST_END: SignedDuration = SignedDuration::from_mins(26 * 60);
/// Starts fall on multiples of this many minutes.
const MARK_MIN: i64 = 5;
/// The least time between an end and the next start, minutes; one more mark is added at random.
const CLEARING_MIN: i64 = 20;

/// One show of a generated week, in local time of [`ZONE`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedShow {
    /// Screen number, from 1.
    pub screen: u8,
    /// The title, with the year where ambiguous.
    pub movie: String,
    /// Local start.
    pub starts_at: DateTime,
    /// Local end of the film; the hall is cleared afterwards.
    pub ends_at: DateTime,
    /// Price by category, cheapest first.
    pub prices: Vec<(String, Money)>,
}

/// Which days a schedule is made for.
#[derive(Debug, Clone, Copy)]
pub struct Calendar {
    /// The first day.
    pub first_day: Date,
    /// How many days.
    pub days: u8,
    /// Each screen's first show starts here or shortly after: for a house that is tried out now.
    pub opening: Option<DateTime>,
}

/// The shows of one theatre, by screen and then by start.
pub fn week(
    theatre: &Theatre,
    plans: &[SeatingPlan],
    programme: &Programme,
    calendar: Calendar,
    seed: u64,
) -> Vec<PlannedShow> {
    let random = generator(seed, &["week", &theatre.city, &theatre.name, &calendar.first_day.to_string()]);
    let mut house = House { theatre, programme, random, shows: Vec::new() };
    for (screen, plan) in (1..).zip(plans) {
        let mut free_from = calendar.opening.map(|opening| house.open(screen, plan, opening));
        for offset in 0..calendar.days {
            let day = calendar.first_day.saturating_add(i64::from(offset).days());
            house.fill_day(screen, plan, day, free_from.take());
        }
    }
    house.shows
}

/// A theatre whose schedule grows.
struct House<'a> {
    theatre: &'a Theatre,
    programme: &'a Programme,
    random: StdRng,
    shows: Vec<PlannedShow>,
}

impl House<'_> {
    /// Adds the first show of a screen at `opening` or a few marks later; returns when the screen is free again.
    fn open(&mut self, screen: u8, plan: &SeatingPlan, opening: DateTime) -> DateTime {
        let starts_at =
            next_mark(opening.saturating_add((MARK_MIN * self.random.random_range(0..=2)).minutes()), &mut self.random);
        self.add(screen, plan, starts_at, u16::MAX).unwrap_or(starts_at)
    }

    fn fill_day(&mut self, screen: u8, plan: &SeatingPlan, day: Date, free_from: Option<DateTime>) {
        let latest_end = day.to_datetime(Time::midnight()).saturating_add(LATEST_END);
        let morning = (self.random.random_range(0..=18) * MARK_MIN).minutes();
        let first = day.to_datetime(FIRST_START).saturating_add(morning);
        let mut starts_at = free_from.map_or(first, |free_from| first.max(free_from));
        while starts_at <= day.to_datetime(LAST_START) {
            let left = u16::try_from(starts_at.duration_until(latest_end).as_mins()).unwrap_or(0);
            let Some(free_again) = self.add(screen, plan, starts_at, left) else { break };
            starts_at = free_again;
        }
    }

    /// Adds a show of at most `runtime_max` minutes, if there is such a film; returns when the next one may start.
    fn add(&mut self, screen: u8, plan: &SeatingPlan, starts_at: DateTime, runtime_max: u16) -> Option<DateTime> {
        let film = self.programme.pick(runtime_max, &mut self.random)?;
        let ends_at = starts_at.saturating_add(i64::from(film.runtime_min).minutes());
        let prices = prices(self.theatre, plan, starts_at);
        self.shows.push(PlannedShow { screen, movie: film.title.clone(), starts_at, ends_at, prices });
        Some(next_mark(ends_at.saturating_add(CLEARING_MIN.minutes()), &mut self.random))
    }
}

fn next_mark(from: DateTime, random: &mut StdRng) -> DateTime {
    let past = i64::from(from.minute()) % MARK_MIN;
    let up = if past == 0 { 0 } else { MARK_MIN - past };
    from.saturating_add((up + MARK_MIN * random.random_range(0..=1)).minutes())
}

/// Prices around the theatre's average: cheaper in front and in the morning, dearer at week-ends, in whole tens of rupees.
fn prices(theatre: &Theatre, plan: &SeatingPlan, starts_at: DateTime) -> Vec<(String, Money)> {
    const DEFAULT_AVERAGE: Money = Money { minor: 15_000, currency: shared::money::Currency::INR };
    let factors: &[f64] = match plan.categories.len() {
        1 => &[1.0],
        2 => &[0.8, 1.1],
        3 => &[0.7, 1.0, 1.5],
        _ => &[0.6, 0.85, 1.1, 1.6],
    };
    let morning = if starts_at.hour() < 12 { 0.8 } else { 1.0 };
    let weekend = match starts_at.weekday() {
        jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday => 1.2,
        _ => 1.0,
    };
    let average = theatre.average_price.unwrap_or(DEFAULT_AVERAGE).minor as f64 / 100.0;
    let mut least = 50;
    let priced = plan.categories.iter().zip(factors.iter().chain(std::iter::repeat(&1.6))).map(|(category, factor)| {
        let tens = (average * factor * morning * weekend / 10.0).round() as i64 * 10;
        let rupees = tens.max(least);
        least = rupees + 10;
        (category.clone(), Money::inr(rupees * 100))
    });
    priced.collect()
}

#[cfg(test)]
mod tests {
    use super::super::{facts, hall};
    use super::*;
    use proptest::prelude::*;

    const MONDAY: Date = Date::constant(2026, 11, 23);

    fn shows(theatre: &Theatre, seed: u64, days: u8) -> Vec<PlannedShow> {
        let plans = hall::seating_plans(theatre, seed).expect("plans");
        let programme = Programme::of(&facts::films().expect("facts"), seed);
        week(theatre, &plans, &programme, Calendar { first_day: MONDAY, days, opening: None }, seed)
    }

    fn multiplex() -> Theatre {
        let theatres = facts::theatres().expect("facts");
        theatres.into_iter().find(|theatre| theatre.screens == 10).expect("a theatre of ten screens")
    }

    fn check(shows: &[PlannedShow]) {
        for show in shows {
            let time = show.starts_at.time();
            assert!(time >= FIRST_START && time <= LAST_START, "{show:?}");
            assert_eq!((show.starts_at.minute() % 5, show.starts_at.second()), (0, 0), "{show:?}");
            assert!(show.ends_at > show.starts_at, "{show:?}");
            assert!(show.prices.is_sorted_by(|a, b| a.1.minor < b.1.minor), "{show:?}");
            assert!(show.prices.iter().all(|(_, price)| price.minor >= 5_000), "{show:?}");
        }
        for pair in shows.windows(2).filter(|pair| pair[0].screen == pair[1].screen) {
            let clearing = pair[0].ends_at.duration_until(pair[1].starts_at).as_mins();
            assert!(clearing >= 20, "{pair:?}");
            assert!(clearing < 30 || pair[0].starts_at.date() != pair[1].starts_at.date(), "{pair:?}");
        }
    }

    #[test]
    fn a_multiplex_shows_films_all_day_on_every_screen() {
        let theatre = multiplex();
        let shows = shows(&theatre, 42, 7);
        check(&shows);
        for screen in 1..=theatre.screens {
            let today = shows.iter().filter(|show| show.screen == screen && show.starts_at.date() == MONDAY).count();
            assert!((3..=8).contains(&today), "screen {screen}: {today}");
        }
    }

    #[test]
    fn a_house_that_opens_now_shows_something_on_every_screen_soon_and_goes_on_in_the_day() {
        let theatre = multiplex();
        let plans = hall::seating_plans(&theatre, 42).expect("plans");
        let programme = Programme::of(&facts::films().expect("facts"), 42);
        for hour in [9, 13, 21] {
            let opening = MONDAY.at(hour, 17, 0, 0);
            let calendar = Calendar { first_day: MONDAY, days: 3, opening: Some(opening) };
            let shows = week(&theatre, &plans, &programme, calendar, 42);
            for screen in 1..=theatre.screens {
                let of_screen: Vec<&PlannedShow> = shows.iter().filter(|show| show.screen == screen).collect();
                let wait = opening.duration_until(of_screen[0].starts_at).as_mins();
                assert!((0..=20).contains(&wait), "{wait} min at {hour}");
                assert!(of_screen.windows(2).all(|pair| pair[0].ends_at < pair[1].starts_at));
                check(&of_screen.iter().map(|show| (*show).clone()).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_week_and_another_seed_another() {
        let theatre = multiplex();
        assert_eq!(shows(&theatre, 42, 7), shows(&theatre, 42, 7));
        assert_ne!(shows(&theatre, 42, 7), shows(&theatre, 43, 7));
    }

    #[test]
    fn the_most_popular_film_has_more_shows_than_the_least_popular() {
        let theatre = multiplex();
        let programme = Programme::of(&facts::films().expect("facts"), 42);
        let shows = shows(&theatre, 42, 7);
        let count = |rank: usize| shows.iter().filter(|show| show.movie == programme.films()[rank].title).count();
        assert!(count(0) > 3 * count(programme.films().len() - 1), "{} and {}", count(0), count(13));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn no_week_overlaps_or_runs_at_odd_times(seed: u64, index in 0usize..578, days in 1u8..=7) {
            let theatre = &facts::theatres().expect("facts")[index];
            if hall::seating_plans(theatre, seed).is_ok() {
                check(&shows(theatre, seed, days));
            }
        }
    }
}
