//! What HTTP answers look like where central and edge answer alike: shows, seat maps, holds, link status, verdicts.

use crate::mqtt::LinkStatus;
use serde::{Deserialize, Serialize};
use shared::money::Money;

/// A movie, short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovieRef {
    /// The id in central's catalogue; 0 for a show that the edge added by title.
    pub id: u32,
    /// The title.
    pub title: String,
}

/// A theatre, short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TheatreRef {
    /// The id.
    pub id: u32,
    /// The name.
    pub name: String,
}

/// One showing, as lists and seat maps carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowView {
    /// `12-345`.
    pub id: String,
    /// The movie.
    pub movie: MovieRef,
    /// The theatre.
    pub theatre: TheatreRef,
    /// Screen number, from 1.
    pub screen: u8,
    /// RFC 3339 with zone.
    pub starts_at: String,
    /// RFC 3339 with zone.
    pub ends_at: String,
    /// The cheapest seat.
    pub from: Money,
    /// Seats this side can sell now, by itself or by a claim; absent where not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seats_free: Option<u32>,
    /// All seats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seats_count: Option<u32>,
    /// `on_sale`, `cancelled` or `ended`.
    pub state: String,
}

/// A category with its price for one show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryView {
    /// The name.
    pub name: String,
    /// The price of one seat.
    pub price: Money,
}

/// One seat on a map.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatView {
    /// `C12`.
    pub label: String,
    /// The printed number.
    pub number: u16,
    /// Column on the map, aisles counted, from 0.
    pub column: u16,
    /// Index into the categories.
    pub category: u8,
    /// `free held sold withheld unavailable in_transit unknown`.
    pub state: String,
    /// For wheelchair users and companions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accessible: bool,
    /// Free, but under the other side's authority: selling it takes a claim.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_claim: bool,
}

/// One row on a map, from the screen backwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowView {
    /// The label.
    pub label: String,
    /// Left to right.
    pub seats: Vec<SeatView>,
}

/// A show's seats as one side may sell them now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatMapView {
    /// The show.
    pub show: ShowView,
    /// `live suspect locked_down reconciling`.
    pub link: String,
    /// Changes when anything here changes; the ETag.
    pub version: String,
    /// Cheapest first.
    pub categories: Vec<CategoryView>,
    /// The rows.
    pub rows: Vec<RowView>,
    /// Seats by state.
    pub counts: std::collections::BTreeMap<String, u32>,
}

/// One seat of a hold, booking or sale with its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineView {
    /// `C12`.
    pub seat: String,
    /// The category's name.
    pub category: String,
    /// The price, frozen.
    pub price: Money,
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldView {
    /// 32 hex digits; whoever knows it owns the hold.
    pub hold: String,
    /// `12-345`.
    pub show: String,
    /// The seats, with frozen prices.
    pub lines: Vec<LineView>,
    /// The sum.
    pub total: Money,
    /// RFC 3339.
    pub expires_at: String,
    /// RFC 3339: no renewal goes beyond.
    pub renewable_until: String,
}

/// A log's last entry as a text triple.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadView {
    /// 16 hex digits.
    pub incarnation: String,
    /// The number of the last entry, 0 for none.
    pub seq: u64,
    /// 64 hex digits.
    pub hash: String,
}

/// How one node stands with its peer for one theatre.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkView {
    /// `live suspect locked_down reconciling`.
    pub state: String,
    /// RFC 3339: since when.
    pub since: String,
    /// Switched by hand.
    pub work_offline: bool,
    /// RFC 3339: the last time the peer was heard, absent if never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_last_heard: Option<String>,
    /// Why this node may not sell, absent if it may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed: Option<String>,
    /// Head of central's log as this node has it.
    pub central: HeadView,
    /// Head of the edge's log as this node has it.
    pub edge: HeadView,
    /// Own entries the peer has not acknowledged.
    pub backlog: u64,
    /// Age of the oldest of them, seconds.
    pub oldest_unsynced_s: u64,
    /// Digest of the state at these two heads, 32 hex digits.
    pub digest: String,
    /// Discrepancies nobody has settled.
    pub discrepancies: u64,
}

/// How the connection to the broker stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipeView {
    /// Whether it is up. That the peer can be heard over it is the link's state.
    pub up: bool,
    /// Code of what is wrong, absent if nothing is: `setup unreachable tls login_refused subscription_refused
    /// publish_refused too_large taken_over thrown_out silent lost`. The log has the story.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

impl From<LinkStatus> for PipeView {
    fn from(status: LinkStatus) -> Self {
        Self { up: status.up, trouble: status.trouble.map(|trouble| trouble.kind.code().to_owned()) }
    }
}

/// What a scan is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictView {
    /// `admit already unknown refuse`.
    pub verdict: String,
    /// Stable reason code, `ok` for admit.
    pub code: String,
    /// `SHARED SOLO STALE`.
    pub guarantee: String,
    /// Age of what the answerer knows, seconds; absent if it never synced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_age_s: Option<u64>,
    /// One sentence: what it means and what to do.
    pub text: String,
    /// `C12`, absent where the code could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seat: Option<String>,
    /// Screen number of the ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screen: Option<u8>,
    /// Title of the show, if known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub show: Option<String>,
    /// Ticket id, 16 hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The first admission, where the verdict is `already`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<FirstAdmission>,
}

/// The admission that came first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstAdmission {
    /// RFC 3339.
    pub at: String,
    /// The door's name.
    pub door: String,
}
