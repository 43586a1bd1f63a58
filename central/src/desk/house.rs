//! One theatre as central holds it: its copy of the ledger, its clock's zone and central's key for its tickets.

use crate::catalogue::theatres::Theatre;
use crate::fleet::ticket_keys::TicketKeys;
use anyhow::Context;
use node::replica_view::ReplicaView;
use node::view::{HoldView, TheatreRef};
use node::zone::Zone;
use shared::entry::ShowFacts;
use shared::ids::{KeyId, ScreenId, SeatId, ShowNumber, Side};
use shared::keys::{KeyRing, PublicKey, SecretKey};
use shared::ledger::Hold;
use shared::refusal::Refusal;
use shared::seating::SeatingPlan;
use shared::show::Show;
use shared::time::Timestamp;
use sync_protocol::Replica;

/// A theatre with its replica.
pub struct House {
    /// The theatre.
    pub theatre: Theatre,
    /// The theatre, short.
    pub reference: TheatreRef,
    /// The zone of its clocks.
    pub zone: Zone,
    /// Central's copy of its ledger.
    pub replica: Replica,
    /// Central's keys for its tickets.
    pub keys: TicketKeys,
    /// The root that certified its keys, where anything was certified.
    pub root: Option<PublicKey>,
    /// A box serves it.
    pub enrolled: bool,
}

/// What became of a plan or show that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It was added.
    Now,
    /// It was there just so.
    Already,
}

impl House {
    /// Follows the catalogue, where the theatre has other facts now.
    ///
    /// # Errors
    /// If its time zone is not known.
    pub fn rename(&mut self, theatre: Theatre) -> anyhow::Result<()> {
        self.zone = Zone::named(&theatre.zone).context("read the theatre's time zone")?;
        self.reference = TheatreRef { id: theatre.id.0, name: theatre.name.clone() };
        self.theatre = theatre;
        Ok(())
    }

    /// Was a key with this id ever certified for this theatre?
    pub fn has_certified(&self, key: KeyId) -> bool {
        self.ring().is_some_and(|ring| ring.certificates().any(|certificate| certificate.key_id() == key))
    }

    /// Every key that was certified for this theatre; nothing where none was.
    pub fn ring(&self) -> Option<KeyRing> {
        Some(ring(&self.replica, self.root?))
    }

    /// The key that signs tickets now.
    pub fn ticket_key(&self, now: Timestamp) -> &SecretKey {
        self.keys.of_tickets(self.replica.heads().acked, now)
    }

    /// A show of this theatre.
    ///
    /// # Errors
    /// `unknown_show`.
    pub fn show(&self, number: ShowNumber) -> Result<&Show, Refusal> {
        self.replica.ledger().show(number).ok_or(Refusal::UnknownShow)
    }

    /// The seats with these labels.
    ///
    /// # Errors
    /// `unknown_show`, `unknown_seat`.
    pub fn seats_labelled(&self, number: ShowNumber, labels: &[String]) -> Result<Vec<SeatId>, Refusal> {
        self.show(number)?.plan.all_labelled(labels)
    }

    /// The category with this name, in any case.
    ///
    /// # Errors
    /// `unknown_show`, `unknown_category`.
    pub fn category(&self, number: ShowNumber, name: &str) -> Result<u8, Refusal> {
        let categories = &self.show(number)?.plan.plan.categories;
        let index = categories.iter().position(|category| category.eq_ignore_ascii_case(name.trim()));
        index.and_then(|index| u8::try_from(index).ok()).ok_or(Refusal::UnknownCategory)
    }

    /// The replica as answers show it.
    pub fn view(&self) -> ReplicaView<'_> {
        ReplicaView { replica: &self.replica, theatre: &self.reference, zone: &self.zone }
    }

    /// A hold as its owner sees it.
    ///
    /// # Errors
    /// `unknown_show`.
    pub fn hold_view(&self, hold: &Hold) -> Result<HoldView, Refusal> {
        self.view().hold(hold)
    }

    /// Publishes a screen's plan, unless it is there already.
    ///
    /// # Errors
    /// A sentence for the person who imports it.
    pub fn publish_plan(&mut self, screen: ScreenId, plan: &SeatingPlan, now: Timestamp) -> Result<Added, String> {
        if let Some(known) = self.replica.ledger().plan(screen, plan.version) {
            let version = plan.version;
            return if known.plan == *plan {
                Ok(Added::Already)
            } else {
                Err(format!("screen {screen} has another plan of version {version}; raise the version"))
            };
        }
        let told = |refusal: Refusal| format!("{} ({})", refusal.text(), refusal.code());
        self.replica.publish_plan(screen, plan, now).map_err(told)?;
        Ok(Added::Now)
    }

    /// Adds a show on the screen's newest plan, unless it is there already. `number` is free.
    ///
    /// # Errors
    /// A sentence for the person who imports it.
    pub fn add_show(
        &mut self,
        number: ShowNumber,
        planned: &crate::catalogue::shows::PlannedShow,
        now: Timestamp,
    ) -> Result<Added, String> {
        let (starts, ends) = (planned.starts_at.minutes(), planned.ends_at.minutes());
        let ledger = self.replica.ledger();
        let there = ledger.shows().any(|show| {
            let facts = &show.facts;
            let same = (facts.screen, facts.movie, facts.starts) == (planned.screen, planned.movie, starts);
            same && !show.cancelled
        });
        if there {
            return Ok(Added::Already);
        }
        let plan = ledger.newest_plan(planned.screen).ok_or(Refusal::UnknownPlan.text())?;
        let mut prices = Vec::with_capacity(plan.plan.categories.len());
        for category in &plan.plan.categories {
            let price = planned.prices.iter().find(|(name, _)| name.eq_ignore_ascii_case(category));
            let (_, price) = price.ok_or_else(|| format!("no price for category {category:?}"))?;
            prices.push(u32::try_from(price.minor).map_err(|_| format!("the price of {category} is too high"))?);
        }
        let currency = planned.prices.first().map(|(_, price)| price.currency).ok_or("no prices")?;
        let facts = ShowFacts {
            number,
            screen: planned.screen,
            movie: planned.movie,
            title: planned.title.clone(),
            starts,
            ends,
            plan: plan.plan.version,
            currency,
            prices,
            edge_seats: Vec::new(),
        };
        let added = if planned.on_sale_rush {
            self.replica.add_rushed_show(facts, now)
        } else {
            self.replica.add_show(facts, now)
        };
        added.map_err(|refusal| refusal.text().to_owned())?;
        Ok(Added::Now)
    }

    /// The highest number of central's shows in the ledger.
    pub fn highest_number(&self) -> u32 {
        let shows = self.replica.ledger().shows().map(|show| show.facts.number);
        shows.filter(|number| number.author() == Side::Central).map(|number| number.0).max().unwrap_or_default()
    }
}

/// Every key that was certified for the replica's theatre by this root.
pub(super) fn ring(replica: &Replica, root: PublicKey) -> KeyRing {
    let mut ring = KeyRing::new(root, replica.theatre());
    for certificate in replica.ledger().certificates() {
        // One of another root or theatre certifies nothing here.
        let _not_ours = ring.add(&String::from_utf8_lossy(certificate));
    }
    replica.ledger().revoked().for_each(|key| ring.revoke(key));
    ring
}
