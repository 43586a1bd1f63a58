//! What the servers say of themselves over HTTP: links, heads and digests, and the simulator's ledger.

use super::Sources;
use crate::client::Api;
use crate::simulator::Ledger;
use node::view::{LinkView, TheatreRef};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug)]
pub(super) struct Links {
    central: Api,
    simulator: Api,
    edges: BTreeMap<u32, Api>,
}

#[derive(Deserialize)]
struct TheatreLink {
    theatre: TheatreRef,
    link: LinkView,
}

#[derive(Deserialize)]
struct CentralStatus {
    theatres: Vec<TheatreLink>,
}

impl Links {
    pub(super) fn new(sources: &Sources) -> anyhow::Result<Self> {
        let edge = |source: &super::TheatreSource| Ok((source.theatre, Api::new(&source.edge_url)?));
        let edges = sources.theatres.iter().map(edge).collect::<anyhow::Result<_>>()?;
        Ok(Self { central: Api::new(&sources.central_url)?, simulator: Api::new(&sources.simulator_url)?, edges })
    }

    pub(super) async fn money(&self) -> anyhow::Result<Ledger> {
        self.simulator.get("/v1/ledger").await?.read()
    }

    /// Every theatre's two nodes name the same heads and the same digest. A node that does not answer says nothing equal.
    pub(super) async fn equal(&self, sources: &Sources) -> bool {
        let Ok(central) = self.at_central().await else { return false };
        for source in &sources.theatres {
            let Some(here) = central.get(&source.theatre) else { return false };
            let Ok(there) = self.at_edge(source.theatre).await else { return false };
            if (&here.central, &here.edge, &here.digest) != (&there.central, &there.edge, &there.digest) {
                return false;
            }
        }
        true
    }

    async fn at_central(&self) -> anyhow::Result<BTreeMap<u32, LinkView>> {
        let status: CentralStatus = self.central.get("/v1/status").await?.read()?;
        Ok(status.theatres.into_iter().map(|at| (at.theatre.id, at.link)).collect())
    }

    async fn at_edge(&self, theatre: u32) -> anyhow::Result<LinkView> {
        let edge = self.edges.get(&theatre).ok_or_else(|| anyhow::anyhow!("no edge for theatre {theatre}"))?;
        let status: TheatreLink = edge.get("/v1/status").await?.read()?;
        Ok(status.link)
    }
}
