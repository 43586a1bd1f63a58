//! What is on: the films of a week, the popular ones first.

use super::{Film, generator};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::index;

/// How many films run in one week.
const FILMS_COUNT: usize = 14;

/// The films of a week with how often each is chosen.
#[derive(Debug, Clone)]
pub struct Programme {
    films: Vec<Booked>,
}

/// A film on the programme.
#[derive(Debug, Clone)]
pub struct Booked {
    /// The title a schedule names it by.
    pub title: String,
    /// Run time, minutes.
    pub runtime_min: u16,
    weight: f64,
}

impl Programme {
    /// Picks the week's films; the n-th most popular is shown 1/n times as often as the first.
    pub fn of(films: &[Film], seed: u64) -> Self {
        let mut random = generator(seed, &["programme"]);
        let count = FILMS_COUNT.min(films.len());
        let picked = index::sample(&mut random, films.len(), count).into_vec();
        let films = picked.into_iter().enumerate().map(|(rank, film)| Booked {
            title: films[film].unambiguous_title(films),
            runtime_min: films[film].runtime_min,
            weight: 1.0 / (rank as f64 + 1.0),
        });
        Self { films: films.collect() }
    }

    /// The films, the most popular first.
    pub fn films(&self) -> &[Booked] {
        &self.films
    }

    /// A film by popularity among those of at most `runtime_max` minutes; nothing where none is short enough.
    pub fn pick(&self, runtime_max: u16, random: &mut StdRng) -> Option<&Booked> {
        let fitting = || self.films.iter().filter(|film| film.runtime_min <= runtime_max);
        let total: f64 = fitting().map(|film| film.weight).sum();
        let mut point = random.random_range(0.0..1.0) * total;
        let mut last = None;
        for film in fitting() {
            last = Some(film);
            if point < film.weight {
                break;
            }
            point -= film.weight;
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts;
    use super::*;

    #[test]
    fn the_first_film_is_picked_most_and_none_is_too_long() {
        let programme = Programme::of(&facts::films().expect("facts"), 42);
        let mut random = generator(1, &["test"]);
        let shortest = programme.films().iter().map(|film| film.runtime_min).min().unwrap_or(0);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..2_000 {
            let film = programme.pick(u16::MAX, &mut random).expect("film");
            *counts.entry(film.title.clone()).or_insert(0) += 1;
            assert!(programme.pick(shortest, &mut random).is_some_and(|film| film.runtime_min == shortest));
        }
        let first = counts[&programme.films()[0].title];
        assert!(counts.values().all(|&count| count <= first), "{counts:?}");
        assert!(programme.pick(shortest - 1, &mut random).is_none());
    }
}
