//! Best seats by golden vectors: pages propose by the same ones (`shared/node/src/design/best.js`), which a browser test keeps.

use serde::Deserialize;
use shared::best::{Wish, best_available};
use shared::ids::SeatId;
use shared::seating::{Row, SeatRun, SeatingPlan};
use shared::show::PlanIndex;

/// Rows of `.` (free), `w` (free, for wheelchairs), `x` (taken) and ` ` (aisle); the first row is of one category, the others of
/// another.
#[derive(Deserialize)]
struct Vector {
    rows: Vec<String>,
    count: usize,
    category: Option<u8>,
    seats: Vec<String>,
}

fn hall(rows: &[String]) -> (PlanIndex, Vec<SeatId>) {
    let (mut next, mut taken) = (1, Vec::new());
    let rows = rows.iter().zip(b'A'..).map(|(text, label)| {
        let (mut runs, mut gap, mut number) = (Vec::new(), 0, 0);
        for c in text.chars() {
            if c == ' ' {
                gap += 1;
                continue;
            }
            number += 1;
            if c == 'x' {
                taken.push(SeatId(next));
            }
            let (first, category) = (SeatId(next), u8::from(label > b'A'));
            runs.push(SeatRun { first, number, count: 1, category, gap, accessible: c == 'w' });
            (next, gap) = (next + 1, 0);
        }
        Row { label: char::from(label).to_string(), runs }
    });
    let rows = rows.collect();
    (PlanIndex::new(SeatingPlan { version: 1, categories: vec!["Gold".into(), "Silver".into()], rows }), taken)
}

#[test]
fn the_best_seats_are_those_of_the_vectors() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors/best.json")).expect("vectors");
    let chosen = vectors.iter().map(|vector| {
        let (plan, taken) = hall(&vector.rows);
        let wish = Wish { category: vector.category, ..Wish::of(vector.count) };
        let chosen = best_available(&plan, &[wish], |seat| !taken.contains(&seat));
        chosen.unwrap_or_default().into_iter().map(|seat| plan.label(seat)).collect::<Vec<_>>()
    });
    let expected: Vec<_> = vectors.iter().map(|vector| vector.seats.clone()).collect();
    assert_eq!(chosen.collect::<Vec<_>>(), expected);
}
