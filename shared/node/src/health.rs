//! `/livez`, `/readyz` and `/metrics`.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Whether a server can do its work now, and what keeps it from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Whether it can.
    pub ready: bool,
    /// Codes or sentences, empty if ready.
    pub reasons: Vec<String>,
}

impl Readiness {
    /// Ready.
    pub fn ready() -> Self {
        Self::unless([])
    }

    /// Ready unless there are reasons against it.
    pub fn unless(reasons: impl IntoIterator<Item = String>) -> Self {
        let reasons: Vec<_> = reasons.into_iter().collect();
        Self { ready: reasons.is_empty(), reasons }
    }
}

/// The three routes. `readiness` is asked at each request and must not block; `registry` is this server's own.
pub fn routes<S>(registry: Arc<Registry>, readiness: impl Fn() -> Readiness + Clone + Send + Sync + 'static) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let metrics = move || std::future::ready(metrics(&registry));
    Router::new()
        .route("/livez", get(async || Json(serde_json::json!({ "live": true }))))
        .route("/readyz", get(async move || answer(readiness())))
        .route("/metrics", get(metrics))
}

fn answer(readiness: Readiness) -> Response {
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(readiness)).into_response()
}

fn metrics(registry: &Registry) -> Response {
    let mut text = String::new();
    match encode(&mut text, registry) {
        Ok(()) => {
            let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            (StatusCode::OK, [(header::CONTENT_TYPE, content_type)], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
