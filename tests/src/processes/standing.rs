//! How both sides say they stand.

use anyhow::Context;
use demo::client::Api;
use node::view::LinkView;
use serde::Deserialize;
use std::fmt;

/// What the box says of itself.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct EdgeStanding {
    pub(super) link: LinkView,
    pub(super) can_sell: bool,
    pub(super) reasons: Vec<String>,
    /// Entries that neither central nor the witness has; absent while the link is live.
    #[serde(default)]
    pub(super) unwitnessed: Option<u64>,
}

/// What both say at about the same time.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) edge: EdgeStanding,
    pub(super) central: LinkView,
}

impl Standing {
    /// Both see each other and may sell.
    pub(super) fn is_live(&self) -> bool {
        let may_sell = self.edge.can_sell && self.central.closed.is_none();
        may_sell && self.edge.link.state == "live" && self.central.state == "live"
    }

    /// Both name the same heads and the same digest.
    pub(super) fn is_equal(&self) -> bool {
        let (here, there) = (&self.central, &self.edge.link);
        (&here.central, &here.edge, &here.digest) == (&there.central, &there.edge, &there.digest)
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |f: &mut fmt::Formatter<'_>, name: &str, link: &LinkView| {
            let closed = link.closed.as_deref().unwrap_or("open");
            let (central, edge) = (link.central.seq, link.edge.seq);
            write!(f, "{name} is {}, {closed}, has the logs up to {central} and {edge}, ", link.state)?;
            write!(f, "{} unacknowledged, {} discrepancies", link.backlog, link.discrepancies)
        };
        side(f, "the box", &self.edge.link)?;
        if !self.edge.can_sell {
            write!(f, " (cannot sell: {})", self.edge.reasons.join(", "))?;
        }
        side(f, "; central", &self.central)
    }
}

/// Asks both.
#[derive(Debug)]
pub(super) struct Lookout {
    edge: Api,
    central: Api,
    theatre: u32,
}

impl Lookout {
    pub(super) fn new(edge_url: &str, central_url: &str, theatre: u32) -> anyhow::Result<Self> {
        Ok(Self { edge: Api::new(edge_url)?, central: Api::new(central_url)?, theatre })
    }

    /// How both stand.
    pub(super) async fn look(&self) -> anyhow::Result<Standing> {
        let edge = self.edge().await.context("ask the box how it stands")?;
        Ok(Standing { edge, central: self.central().await.context("ask central how it stands")? })
    }

    pub(super) async fn edge(&self) -> anyhow::Result<EdgeStanding> {
        self.edge.get("/v1/status").await?.read()
    }

    pub(super) async fn central(&self) -> anyhow::Result<LinkView> {
        self.central.get(&format!("/v1/theatres/{}/link", self.theatre)).await?.read()
    }
}
