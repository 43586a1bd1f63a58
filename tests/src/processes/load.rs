//! The constant load: tills and customers who go on for as long as the round lasts, unless they are asked to rest.

use super::caller::Caller;
use super::choice::{Chooser, Shows};
use super::counter::Counter;
use super::ghosts::Ghosts;
use super::tally::Tally;
use super::web::Web;
use anyhow::Context;
use demo::generate::generator;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{RwLock, RwLockWriteGuard};
use tokio::task::JoinSet;

const TILLS: usize = 2;
const CUSTOMERS: usize = 2;
/// The pause after each guest, milliseconds.
const PAUSE_MS: (u64, u64) = (30, 90);
/// Whoever is being served is done within this time while the servers are up.
const REST_WITHIN: Duration = Duration::from_secs(60);

/// All sellers of a round. Dropping it sends them home.
pub(super) struct Load {
    // Each guest is served under a read lock: whoever gets the write lock finds nobody half served.
    tills: Arc<RwLock<()>>,
    customers: Arc<RwLock<()>>,
    shows: Shows,
    people: JoinSet<()>,
}

/// Nobody is served while it lasts.
pub(super) struct Rest<'a> {
    _tills: Option<RwLockWriteGuard<'a, ()>>,
    _customers: Option<RwLockWriteGuard<'a, ()>>,
}

impl Load {
    /// Opens the tills of a box and the web.
    pub(super) async fn start(
        seed: u64,
        shows: Shows,
        edge: &Caller,
        central: &Caller,
        ghosts: &Arc<Ghosts>,
        tally: &Arc<Tally>,
    ) -> anyhow::Result<Self> {
        let mut load = Self::nobody(shows.clone());
        let chooser = |role: &str, number: usize| {
            Chooser::new(shows.clone(), generator(seed, &["faults", role, &number.to_string()]))
        };
        for number in 0..TILLS {
            let till = Counter::new(edge.clone(), chooser("till", number), ghosts.clone(), tally.clone());
            load.open_till(till, tally.clone()).await?;
        }
        for number in 0..CUSTOMERS {
            let web = Web::new(central.clone(), chooser("customer", number), ghosts.clone(), tally.clone());
            load.people.spawn(shop(web, load.customers.clone(), tally.clone()));
        }
        Ok(load)
    }

    /// Nobody sells yet.
    pub(super) fn nobody(shows: Shows) -> Self {
        Self { tills: Arc::default(), customers: Arc::default(), shows, people: JoinSet::new() }
    }

    /// Opens one more till.
    pub(super) async fn open_till(&mut self, mut till: Counter, tally: Arc<Tally>) -> anyhow::Result<()> {
        till.log_in().await.context("open a till")?;
        self.people.spawn(sell(till, self.tills.clone(), tally));
        Ok(())
    }

    /// Waits until nobody is being served, and keeps it so.
    pub(super) async fn rest(&self) -> anyhow::Result<Rest<'_>> {
        let tills = self.rest_tills().await?;
        let customers = self.rest_customers().await?;
        Ok(Rest { _customers: customers._customers, ..tills })
    }

    /// The same at the tills only; the web goes on.
    pub(super) async fn rest_tills(&self) -> anyhow::Result<Rest<'_>> {
        let tills = tokio::time::timeout(REST_WITHIN, self.tills.write()).await;
        Ok(Rest { _tills: Some(tills.context("wait for the tills to be done")?), _customers: None })
    }

    /// The same on the web only; the tills go on.
    pub(super) async fn rest_customers(&self) -> anyhow::Result<Rest<'_>> {
        let customers = tokio::time::timeout(REST_WITHIN, self.customers.write()).await;
        Ok(Rest { _tills: None, _customers: Some(customers.context("wait for the customers to be done")?) })
    }

    /// True once everything is sold.
    pub(super) fn is_sold_out(&self) -> bool {
        self.shows.are_sold_out()
    }
}

async fn sell(mut till: Counter, turn: Arc<RwLock<()>>, tally: Arc<Tally>) {
    loop {
        {
            let _serving = turn.read().await;
            if let Err(error) = till.serve().await {
                tally.trouble(format!("at a till: {error:#}"));
            }
        }
        let pause = till.chooser().pause(PAUSE_MS.0, PAUSE_MS.1);
        tokio::time::sleep(pause).await;
    }
}

async fn shop(mut web: Web, turn: Arc<RwLock<()>>, tally: Arc<Tally>) {
    loop {
        {
            let _serving = turn.read().await;
            if let Err(error) = web.serve().await {
                tally.trouble(format!("on the web: {error:#}"));
            }
        }
        let pause = web.chooser().pause(PAUSE_MS.0, PAUSE_MS.1);
        tokio::time::sleep(pause).await;
    }
}
