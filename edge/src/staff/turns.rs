//! Logins take turns, and only so many may wait: whoever tries names that nobody has must not make a cashier wait.

use node::problem::Problem;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Tries under one name that may wait at once: as many windows as a counter has.
const PER_NAME: u32 = 8;
/// Tries under all the names that nobody has.
const UNKNOWN: u32 = 2;

/// Whose turn it is, and who waits for it.
#[derive(Debug, Default)]
pub struct Turns {
    turn: Arc<Mutex<()>>,
    /// By name; those that nobody has share one.
    waiting: Lock<BTreeMap<Option<String>, u32>>,
}

/// A place in the queue, and then the turn; given up when it is dropped.
#[derive(Debug)]
pub struct Place {
    turns: Arc<Turns>,
    name: Option<String>,
}

impl Turns {
    /// A place for a name, which is nothing where nobody has it.
    ///
    /// # Errors
    /// 429 `too_many_logins`.
    pub fn place(self: &Arc<Self>, name: Option<String>) -> Result<Place, Problem> {
        let most = if name.is_some() { PER_NAME } else { UNKNOWN };
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let places = waiting.entry(name.clone()).or_default();
        if *places >= most {
            return Err(Problem::too_many(
                "too_many_logins",
                "Too many are signing in just now; try again.".to_owned(),
                1,
            ));
        }
        *places += 1;
        Ok(Place { turns: self.clone(), name })
    }
}

impl Place {
    /// Waits for the turn.
    pub async fn turn(&self) -> OwnedMutexGuard<()> {
        self.turns.turn.clone().lock_owned().await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.turns.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = waiting.get_mut(&self.name) {
            *places -= 1;
            if *places == 0 {
                waiting.remove(&self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nobody_has_share_few_places_and_leave_the_others_alone() {
        let turns = Arc::new(Turns::default());
        let name = || Some("asha".to_owned());
        let unknown: Vec<_> = (0..UNKNOWN).map(|_| turns.place(None).expect("a place")).collect();
        assert!(turns.place(None).is_err());
        let known: Vec<_> = (0..PER_NAME).map(|_| turns.place(name()).expect("a place")).collect();
        assert!(turns.place(name()).is_err());
        drop((unknown, known));
        assert!(turns.place(None).is_ok() && turns.place(name()).is_ok());
        assert!(turns.waiting.lock().expect("not poisoned").is_empty());
    }
}
