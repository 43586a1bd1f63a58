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
pub fn routes<S>(
    registry: Arc<Registry>,
    readiness: impl Fn() -> Readiness + Clone + Send + Sync + 'static,
) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let scraped = move || std::future::ready(metrics(&registry));
    Router::new()
        .route("/livez", get(async || Json(serde_json::json!({ "live": true }))))
        .route("/readyz", get(async move || answer(readiness())))
        .route("/metrics", get(scraped))
}

fn answer(readiness: Readiness) -> Response {
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(readiness)).into_response()
}

/// What a registry holds, as it is scraped.
pub fn metrics(registry: &Registry) -> Response {
    let mut text = String::new();
    match encode(&mut text, registry) {
        Ok(()) => {
            let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            (StatusCode::OK, [(header::CONTENT_TYPE, content_type)], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::Server;
    use prometheus_client::metrics::counter::Counter;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[tokio::test]
    async fn readiness_follows_its_closure_and_metrics_come_from_the_registry() {
        let mut registry = Registry::default();
        let sales = Counter::<u64>::default();
        registry.register("sales", "Sales", sales.clone());
        sales.inc_by(3);
        let closed = Arc::new(AtomicBool::new(false));
        let asked = closed.clone();
        let readiness = move || Readiness::unless(asked.load(Ordering::Relaxed).then(|| "head_unproven".to_owned()));
        let server = Server::start(routes(Arc::new(registry), readiness)).await;
        for (path, status, body) in
            [("/livez", "200", r#"{"live":true}"#), ("/readyz", "200", r#"{"ready":true,"reasons":[]}"#)]
        {
            let answer = server.ask("GET", path, "").await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")) && answer.ends_with(body), "{answer}");
        }
        closed.store(true, Ordering::Relaxed);
        let unready = server.ask("GET", "/readyz", "").await;
        assert!(unready.starts_with("HTTP/1.1 503"), "{unready}");
        assert!(unready.ends_with(r#"{"ready":false,"reasons":["head_unproven"]}"#), "{unready}");
        assert!(server.ask("GET", "/metrics", "").await.contains("sales_total 3"));
    }
}
