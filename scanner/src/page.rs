//! The door page.

/// The page's routes.
pub fn router() -> axum::Router {
    axum::Router::new()
}
