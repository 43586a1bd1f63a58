//! Which seats somebody wants next.

use super::caller::Caller;
use super::facts::SEATS_PER_SHOW;
use demo::client::wait_for;
use node::view::{SeatMapView, SeatView};
use rand::RngExt;
use rand::rngs::StdRng;
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Shows on sale at the same time: few enough to quarrel over.
const SHOWS_AT_ONCE: usize = 3;
/// The seats that everybody wants.
const WANTED_BY_ALL: usize = 10;
/// Choices made from one look at the map, so that it is often no longer true.
const CHOICES_PER_LOOK: u8 = 5;

/// The shows of a round, sold one after the other.
#[derive(Debug, Clone)]
pub(super) struct Shows {
    ids: Arc<Vec<String>>,
    opened: Arc<AtomicUsize>,
}

impl Shows {
    /// All shows of a theatre, as central lists them.
    pub(super) async fn at(central: &Caller, theatre: u32) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Listed {
            id: String,
        }
        #[derive(Deserialize)]
        struct Page {
            shows: Vec<Listed>,
            next: Option<String>,
        }
        let mut ids = Vec::new();
        let mut path = format!("/v1/shows?theatre={theatre}");
        loop {
            let page = wait_for("central's shows", Duration::from_secs(20), || async {
                Ok(central.look(&path).await.and_then(|page| serde_json::from_value::<Page>(page).ok()))
            });
            let page = page.await?;
            ids.extend(page.shows.into_iter().map(|show| show.id));
            match page.next {
                Some(next) => path = format!("/v1/shows?theatre={theatre}&after={next}"),
                None => break,
            }
        }
        Ok(Self { ids: Arc::new(ids), opened: Arc::default() })
    }

    /// Their ids.
    pub(super) fn ids(&self) -> &[String] {
        &self.ids
    }

    /// True once there is nothing left to sell.
    pub(super) fn are_sold_out(&self) -> bool {
        self.opened.load(Ordering::Relaxed) >= self.ids.len()
    }

    fn one(&self, fate: &mut StdRng) -> Option<(usize, &str)> {
        let index = self.opened.load(Ordering::Relaxed) + fate.random_range(0..SHOWS_AT_ONCE);
        self.ids.get(index).map(|id| (index, id.as_str()))
    }

    /// Goes on to the next show once one is as good as sold out.
    fn note_sold(&self, index: usize, map: &SeatMapView) {
        let sold = map.counts.get("sold").copied().unwrap_or_default() as usize;
        if sold * 100 >= SEATS_PER_SHOW * 80 && index == self.opened.load(Ordering::Relaxed) {
            self.opened.fetch_max(index + 1, Ordering::Relaxed);
        }
    }
}

/// Seats of a show that looked free.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) show: String,
    pub(super) seats: Vec<String>,
}

/// Somebody who looks at seat maps, by chance from a seed.
#[derive(Debug)]
pub(super) struct Chooser {
    shows: Shows,
    fate: StdRng,
    seen: Option<SeatMapView>,
    left: u8,
}

impl Chooser {
    pub(super) fn new(shows: Shows, fate: StdRng) -> Self {
        Self { shows, fate, seen: None, left: 0 }
    }

    /// True this often out of a hundred times.
    pub(super) fn percent(&mut self, percent: u32) -> bool {
        self.fate.random_ratio(percent, 100)
    }

    /// A pause between two people.
    pub(super) fn pause(&mut self, least_ms: u64, most_ms: u64) -> Duration {
        Duration::from_millis(self.fate.random_range(least_ms..=most_ms))
    }

    /// One or two neighbouring seats that looked free at the last look, nothing where there are none.
    pub(super) async fn choose(&mut self, seller: &Caller) -> Option<Choice> {
        if self.left == 0 || self.seen.is_none() {
            let (index, id) = self.shows.one(&mut self.fate)?;
            let map: SeatMapView = serde_json::from_value(seller.look(&format!("/v1/shows/{id}/seats")).await?).ok()?;
            self.shows.note_sold(index, &map);
            (self.seen, self.left) = (Some(map), CHOICES_PER_LOOK);
        }
        self.left -= 1;
        let wanted = if self.percent(50) { 2 } else { 1 };
        let map = self.seen.as_mut()?;
        let free = |seat: &SeatView| seat.state == "free";
        let rows = map.rows.iter().flat_map(|row| row.seats.windows(wanted));
        let mut choices: Vec<&[SeatView]> = rows.filter(|seats| seats.iter().all(free)).collect();
        if self.fate.random_ratio(1, 2) {
            choices.truncate(WANTED_BY_ALL);
        }
        if choices.is_empty() {
            self.left = 0;
            return None;
        }
        let seats: Vec<String> =
            choices[self.fate.random_range(0..choices.len())].iter().map(|seat| seat.label.clone()).collect();
        // Nobody asks for the same seats from the same look twice.
        let chosen = map.rows.iter_mut().flat_map(|row| &mut row.seats).filter(|seat| seats.contains(&seat.label));
        chosen.for_each(|seat| seat.state = "held".to_owned());
        Some(Choice { show: map.show.id.clone(), seats })
    }
}
