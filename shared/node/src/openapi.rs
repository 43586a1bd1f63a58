//! `/openapi.json`: a program's description of its own HTTP contract, and what its tests hold the description against.

mod faults;

pub use faults::{Routes, built, faults};

use axum::Router;
use axum::http::header;
use axum::routing::get;

/// Serves a document, OpenAPI 3.1 as JSON, under `/openapi.json`.
pub fn routes<S: Clone + Send + Sync + 'static>(document: &'static str) -> Router<S> {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")];
    Router::new().route("/openapi.json", get(async move || (headers, document)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::Server;

    #[tokio::test]
    async fn the_document_is_served_as_it_was_written() {
        let server = Server::start(routes("{\"openapi\":\"3.1.0\"}")).await;
        let answer = server.ask("GET", "/openapi.json", "").await;
        assert!(answer.contains("content-type: application/json"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n{\"openapi\":\"3.1.0\"}"), "{answer}");
    }
}
