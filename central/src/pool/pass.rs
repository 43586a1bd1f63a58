//! What a node shows to the one that works, so that it is believed about whom it was asked by.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// Who has passed a request on may not be passed on to again.
pub(super) const PASSED_ON: HeaderName = HeaderName::from_static("x-usher-passed-on");

/// A secret of the node that works, which the others read in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass(String);

impl Pass {
    /// A new one.
    pub fn fresh() -> Self {
        Self(node::random::hex::<16>())
    }

    /// As it is written in the database.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether a request shows it.
    pub fn is_shown_by(&self, headers: &HeaderMap) -> bool {
        headers.get(&PASSED_ON).is_some_and(|shown| shown.as_bytes() == self.0.as_bytes())
    }
}

/// The pass that was read in the database, as a header; a node of an earlier release has none.
pub(super) fn header(pass: &str) -> HeaderValue {
    HeaderValue::from_str(pass).ok().filter(|value| !value.is_empty()).unwrap_or(HeaderValue::from_static("1"))
}
