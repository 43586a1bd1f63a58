//! Seating plans: how a theatre's seat total becomes screens, rows, aisles and categories.

use super::{Theatre, generator};
use rand::RngExt;
use rand::rngs::StdRng;
use shared::ids::SeatId;
use shared::seating::{Row, SeatRun, SeatingPlan};

/// Why no plan can be made from a theatre's facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPlan {
    /// Screens or seats are unknown.
    #[error("the number of screens or seats is not known")]
    Unknown,
    /// Some screen would have no seat.
    #[error("{seats} seats are too few for {screens} screens")]
    TooFewSeats {
        /// Seats over all screens.
        seats: u32,
        /// Screens.
        screens: u8,
    },
}

/// Seats per row never exceed this: wider halls are rare and no map shows them well.
const ROW_SEATS_MAX: u32 = 44;
/// A wheelchair place and its companion come as a pair.
const ACCESSIBLE_PAIR: u16 = 2;

/// One plan per screen, screen 1 first; the seats add up to the theatre's total.
pub fn seating_plans(theatre: &Theatre, seed: u64) -> Result<Vec<SeatingPlan>, NoPlan> {
    let mut random = generator(seed, &["plans", &theatre.city, &theatre.name]);
    let sizes = screen_sizes(theatre.seats, theatre.screens, &mut random)?;
    Ok(sizes.into_iter().map(|seats| hall(seats, theatre.multiplex, &mut random)).collect())
}

/// Splits a seat total over screens: unequal as real halls are, exact in sum, none empty.
fn screen_sizes(seats: u32, screens: u8, random: &mut StdRng) -> Result<Vec<u32>, NoPlan> {
    if screens == 0 || seats == 0 {
        return Err(NoPlan::Unknown);
    }
    if seats < u32::from(screens) {
        return Err(NoPlan::TooFewSeats { seats, screens });
    }
    let weights: Vec<f64> = (0..screens).map(|_| random.random_range(0.6..1.4)).collect();
    Ok(apportion(seats, &weights, 1))
}

/// Shares `total` in proportion to `weights` by largest remainder, each part at least `least` (which must fit).
fn apportion(total: u32, weights: &[f64], least: u32) -> Vec<u32> {
    let spread = f64::from(total - least * weights.len() as u32);
    let sum: f64 = weights.iter().sum();
    let exact: Vec<f64> = weights.iter().map(|weight| spread * weight / sum).collect();
    let mut parts: Vec<u32> = exact.iter().map(|share| least + share.floor() as u32).collect();
    let mut by_remainder: Vec<usize> = (0..parts.len()).collect();
    by_remainder.sort_by(|&a, &b| exact[b].fract().total_cmp(&exact[a].fract()).then(a.cmp(&b)));
    let missing = total - parts.iter().sum::<u32>();
    for &index in by_remainder.iter().cycle().take(missing as usize) {
        parts[index] += 1;
    }
    parts
}

/// One hall of exactly `seats` seats.
fn hall(seats: u32, multiplex: bool, random: &mut StdRng) -> SeatingPlan {
    // Halls are wider than deep: about 1.7 seats across for each row.
    let breadth = random.random_range(1.55..1.9);
    let across = ((f64::from(seats) * breadth).sqrt().round() as u32).clamp(1, ROW_SEATS_MAX);
    let rows_count = seats.div_ceil(across).max(1);
    let taper = if seats < 60 { 0.0 } else { random.random_range(0.05..0.25) };
    let row_sizes = row_sizes(seats, rows_count, taper);
    let categories = categories(seats, rows_count, multiplex, random);
    let starts = category_starts(categories.len(), rows_count);
    let widest = row_sizes.iter().copied().max().unwrap_or(1);
    let blocks = Blocks::of(widest, random);

    let mut next_seat = 1;
    let accessible = accessible_rows(seats, rows_count, &starts);
    let rows = row_sizes.iter().enumerate().map(|(index, &size)| {
        let category = starts.iter().rposition(|&start| start <= index).unwrap_or(0) as u8;
        let runs = blocks.runs(size as u16, category, accessible.contains(&index), &mut next_seat);
        Row { label: row_label(index), runs }
    });
    let rows = rows.collect();
    SeatingPlan { version: 1, categories, rows }
}

/// Seats per row from the screen backwards; the front is narrower by `taper`.
fn row_sizes(seats: u32, rows_count: u32, taper: f64) -> Vec<u32> {
    let depth = f64::from(rows_count.saturating_sub(1).max(1));
    let weights: Vec<f64> = (0..rows_count).map(|row| 1.0 - taper * (1.0 - f64::from(row) / depth)).collect();
    apportion(seats, &weights, 1)
}

/// Category names, cheapest first: never more than there are rows.
fn categories(seats: u32, rows_count: u32, multiplex: bool, random: &mut StdRng) -> Vec<String> {
    let wanted = match seats {
        0..=40 => 2,
        41..=150 => random.random_range(2..=3),
        151..=600 => 3,
        _ => random.random_range(3..=4),
    };
    let names: &[&str] = match (multiplex, wanted.min(rows_count)) {
        (_, 0 | 1) => &["Gold"],
        (_, 2) => &["Silver", "Gold"],
        (true, 3) => &["Silver", "Gold", "Recliner"],
        (false, 3) => &["Stall", "Dress Circle", "Balcony"],
        (true, _) => &["Silver", "Gold", "Platinum", "Recliner"],
        (false, _) => &["Front Stall", "Rear Stall", "Dress Circle", "Balcony"],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The first row of each category; the cheapest sits in front.
fn category_starts(categories_count: usize, rows_count: u32) -> Vec<usize> {
    let shares: &[f64] = match categories_count {
        1 => &[1.0],
        2 => &[0.4, 0.6],
        3 => &[0.3, 0.5, 0.2],
        _ => &[0.2, 0.35, 0.3, 0.15],
    };
    let depths = apportion(rows_count, shares, 1);
    depths
        .iter()
        .scan(0, |next, &depth| {
            let start = *next;
            *next += depth as usize;
            Some(start)
        })
        .collect()
}

/// Rows with wheelchair places: the one behind the cross aisle where the second category begins, then the last, then the first.
fn accessible_rows(seats: u32, rows_count: u32, starts: &[usize]) -> Vec<usize> {
    let wanted = match seats {
        0..=150 => 1,
        151..=600 => 2,
        _ => 3,
    };
    let mut rows = vec![starts.get(1).copied().unwrap_or(0), rows_count as usize - 1, 0];
    rows.truncate(wanted);
    rows
}

/// `A`, `B`, … `Z`, `AA`, `AB`, …, without I and O, which read as digits.
fn row_label(index: usize) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
    let letter = |index: usize| char::from(LETTERS[index % LETTERS.len()]);
    match index / LETTERS.len() {
        0 => letter(index).to_string(),
        round => format!("{}{}", letter(round - 1), letter(index)),
    }
}

/// Where the aisles run: fixed for the whole hall, so that they are straight.
struct Blocks {
    /// Seats of the widest row left of the first aisle.
    left: u16,
    /// Seats between two aisles; none in a hall with one aisle.
    centre: u16,
}

impl Blocks {
    fn of(widest: u32, random: &mut StdRng) -> Self {
        let widest = widest as u16;
        let two_aisles = widest > 18 || (widest > 12 && random.random_bool(0.5));
        if !two_aisles {
            return Self { left: widest / 2, centre: 0 };
        }
        let centre = (f32::from(widest) * random.random_range(0.45..0.6)) as u16;
        Self { left: (widest - centre) / 2, centre }
    }

    /// The runs of one row; a shorter row keeps to the aisles and ends earlier at the walls.
    fn runs(&self, size: u16, category: u8, accessible: bool, next_seat: &mut u32) -> Vec<SeatRun> {
        let centre = self.centre.min(size);
        let left = ((size - centre) / 2).min(self.left);
        let margin = (self.left - left) as u8;
        let right = size - centre - left;
        let mut number = 1;
        let mut runs = Vec::new();
        let mut push = |count: u16, gap: u8, accessible: bool| {
            if count > 0 {
                runs.push(SeatRun { first: SeatId(*next_seat), number, count, category, gap, accessible });
                *next_seat += u32::from(count);
                number += count;
            }
        };
        let pair = |block: u16| if accessible { ACCESSIBLE_PAIR.min(block) } else { 0 };
        let (left_pair, right_pair) = (pair(left), pair(right));
        push(left_pair, margin, true);
        push(left - left_pair, if left_pair == 0 { margin } else { 0 }, false);
        let first_gap = if left == 0 { margin + 1 } else { 1 };
        push(centre, first_gap, false);
        let second_gap = if centre == 0 { first_gap } else { 1 };
        push(right - right_pair, second_gap, false);
        push(right_pair, if right == right_pair { second_gap } else { 0 }, true);
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts;
    use super::*;
    use proptest::prelude::*;

    fn single(seats: u32) -> Theatre {
        let (city, name) = ("Kochi".to_owned(), format!("Hall of {seats}"));
        Theatre { city, name, multiplex: false, screens: 1, seats, average_price: None }
    }

    fn check(plan: &SeatingPlan, seats: usize) {
        assert_eq!(plan.check(), Ok(()));
        assert_eq!(plan.seats_count(), seats);
        let categories: Vec<u8> = plan.rows.iter().map(|row| row.runs[0].category).collect();
        assert!(categories.is_sorted(), "cheapest in front: {categories:?}");
        assert_eq!(usize::from(categories[categories.len() - 1]) + 1, plan.categories.len());
        for row in &plan.rows {
            assert!(!row.label.contains(['I', 'O']), "{}", row.label);
            let numbers: Vec<u16> = plan.seats().filter(|seat| seat.row == row.label).map(|seat| seat.number).collect();
            assert_eq!(numbers, (1..=numbers.len() as u16).collect::<Vec<_>>(), "row {}", row.label);
        }
        let accessible = plan.seats().filter(|seat| seat.accessible).count();
        assert!(accessible <= 12 && (seats < 2 || accessible > 0), "{accessible} of {seats}");
    }

    #[test]
    fn every_known_theatre_gets_plans_with_its_exact_total() {
        for theatre in facts::theatres().expect("facts") {
            match seating_plans(&theatre, 42) {
                Ok(plans) => {
                    assert_eq!(plans.len(), usize::from(theatre.screens));
                    assert_eq!(plans.iter().map(SeatingPlan::seats_count).sum::<usize>(), theatre.seats as usize);
                    plans.iter().for_each(|plan| check(plan, plan.seats_count()));
                }
                Err(NoPlan::Unknown) => assert!(theatre.screens == 0 || theatre.seats == 0),
                Err(NoPlan::TooFewSeats { .. }) => assert!(theatre.seats < u32::from(theatre.screens)),
            }
        }
    }

    #[test]
    fn a_hall_of_eight_seats_has_two_short_rows_with_an_aisle() {
        let plans = seating_plans(&single(8), 1).expect("plan");
        let plan = &plans[0];
        check(plan, 8);
        assert_eq!(plan.rows.len(), 2);
        assert!(plan.rows.iter().all(|row| row.runs.iter().map(|run| run.count).sum::<u16>() == 4));
        assert_eq!(plan.categories, ["Silver", "Gold"]);
        let columns: Vec<u16> = plan.seats().filter(|seat| seat.row == "A").map(|seat| seat.column).collect();
        assert_eq!(columns.len(), 4);
        assert!(columns.windows(2).any(|pair| pair[1] - pair[0] > 1), "an aisle: {columns:?}");
    }

    #[test]
    fn a_hall_of_eleven_hundred_seats_has_straight_aisles_and_balanced_rows() {
        let plans = seating_plans(&single(1_100), 1).expect("plan");
        let plan = &plans[0];
        check(plan, 1_100);
        assert!((22..=34).contains(&plan.rows.len()), "{} rows", plan.rows.len());
        let widest = plan.rows.iter().map(|row| row.runs.iter().map(|run| run.count).sum::<u16>()).max();
        assert!(widest <= Some(ROW_SEATS_MAX as u16 + 6), "{widest:?}");
        let used: std::collections::BTreeSet<u16> = plan.seats().map(|seat| seat.column).collect();
        let last = used.iter().max().copied().unwrap_or_default();
        let aisles: Vec<u16> = (0..=last).filter(|column| !used.contains(column)).collect();
        assert_eq!(aisles.len(), 2, "{aisles:?}");
        assert!((3..=4).contains(&plan.categories.len()));
    }

    #[test]
    fn rows_after_z_are_double_letters_without_i_and_o() {
        let labels: Vec<String> = (0..50).map(row_label).collect();
        assert_eq!(&labels[6..9], ["G", "H", "J"]);
        assert_eq!(&labels[22..26], ["Y", "Z", "AA", "AB"]);
        assert_eq!(&labels[47..], ["AZ", "BA", "BB"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_total_over_any_screens_is_kept_exactly(seats in 1u32..4_000, screens in 1u8..=12, multiplex: bool, seed: u64) {
            let theatre = Theatre { screens, multiplex, ..single(seats) };
            match seating_plans(&theatre, seed) {
                Ok(plans) => {
                    prop_assert_eq!(plans.iter().map(SeatingPlan::seats_count).sum::<usize>(), seats as usize);
                    plans.iter().for_each(|plan| check(plan, plan.seats_count()));
                    prop_assert_eq!(&plans, &seating_plans(&theatre, seed).expect("again"));
                }
                Err(refusal) => prop_assert_eq!(refusal, NoPlan::TooFewSeats { seats, screens }),
            }
        }
    }
}
