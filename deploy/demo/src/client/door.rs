//! A person with a scanner at a door.

use super::Api;
use node::view::VerdictView;
use serde::Deserialize;
use serde_json::json;

/// What a scanner says of itself.
#[derive(Debug, Clone, Deserialize)]
pub struct DoorStatus {
    /// The door's name.
    pub door: String,
    /// `SHARED SOLO STALE`.
    pub guarantee: String,
    /// Scans not yet uploaded.
    pub queued: u64,
    /// Whether the edge answers.
    pub edge_reachable: bool,
}

/// One door.
#[derive(Debug, Clone)]
pub struct Door {
    scanner: Api,
}

impl Door {
    /// The scanner at `url`.
    ///
    /// # Errors
    /// If the HTTP client cannot be built.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        Ok(Self { scanner: Api::new(url)? })
    }

    /// Shows a code to the scanner.
    ///
    /// # Errors
    /// If it does not answer with a verdict.
    pub async fn scan(&self, code: &str) -> anyhow::Result<VerdictView> {
        self.scanner.post("/v1/scan", &json!({ "code": code })).await?.read()
    }

    /// How the scanner is.
    ///
    /// # Errors
    /// If it does not answer with its status.
    pub async fn status(&self) -> anyhow::Result<DoorStatus> {
        self.scanner.get("/v1/status").await?.read()
    }
}
