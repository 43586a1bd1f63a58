//! Taking a box in while central works.

use super::house::House;
use super::{Desk, KeySource};
use crate::answers::Answer;
use crate::catalogue::theatres::Theatre;
use crate::fleet::enrolment::{self, Enrolled, Issuing, JoinRequest};
use anyhow::Context;
use node::store::Sql;
use shared::ids::TheatreId;
use shared::refusal::Refusal;
use shared::time::Timestamp;

impl Desk {
    /// Enrols a box for a theatre, in place of the one that served it before. The theatre is loaded again, with the keys that count
    /// from now on.
    ///
    /// # Errors
    /// If a key is missing, the store fails, or the request's key is not usable.
    pub fn enrol(
        &mut self,
        tx: &dyn Sql,
        theatre: &Theatre,
        request: &JoinRequest,
        issuing: Issuing,
        now: Timestamp,
    ) -> anyhow::Result<Enrolled> {
        // What is in memory only would be lost.
        self.settle(theatre.id, tx, now)?;
        let (keys, settings) = self.source.clone().context("nothing says where the keys are")?;
        let enrolled = enrolment::enrol(tx, &keys, theatre, request, issuing, now)?;
        let keys = KeySource::Directory(&keys);
        let house = House::load(tx, theatre.clone(), Some(&enrolled.enrolment), keys, settings, now);
        self.end_claims(theatre.id);
        self.put_house(house.with_context(|| format!("load theatre {} again", theatre.id))?, now);
        self.changed.extend(self.board.shows(|show| show.theatre == theatre.id));
        Ok(enrolled)
    }

    /// Tells those who wait for a claim of this theatre that nobody answers.
    fn end_claims(&mut self, theatre: TheatreId) {
        let ended: Vec<_> = self.waiting.extract_if(.., |_, waiting| waiting.show.theatre == theatre).collect();
        for (_, waiting) in ended {
            self.answer(waiting.answer, Answer::from(Refusal::LinkDown));
        }
    }
}
