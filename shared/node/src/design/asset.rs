//! Text files compiled into the program and served with an ETag.

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// A text file compiled into the program.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// The whole path it is served under, `/assets/…`; its ending names its type.
    pub path: &'static str,
    /// The content.
    pub text: &'static str,
}

impl Asset {
    /// The content type by the ending of the path.
    pub fn media_type(&self) -> &'static str {
        match self.path.rsplit_once('.').map(|(_, ending)| ending) {
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        }
    }

    fn etag(&self) -> String {
        let hash = blake3::hash(self.text.as_bytes()).to_hex();
        format!("\"{}\"", &hash[..16])
    }
}

/// Serves files; answers 304 to a browser that has the same content.
pub fn serve<S: Clone + Send + Sync + 'static>(assets: &'static [Asset]) -> Router<S> {
    assets.iter().fold(Router::new(), |router, asset| {
        let etag = asset.etag();
        router.route(asset.path, get(move |headers: HeaderMap| std::future::ready(answer(asset, &etag, &headers))))
    })
}

fn answer(asset: &Asset, etag: &str, request: &HeaderMap) -> Response {
    // No max-age: a box is updated while browsers stay open for weeks, and asking again costs one small 304.
    let caching = [(header::ETAG, etag), (header::CACHE_CONTROL, "no-cache")];
    let known = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag)) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let content = [(header::CONTENT_TYPE, asset.media_type()), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (caching, content, asset.text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Asset = Asset { path: "/assets/x.css", text: "a{}" };

    #[test]
    fn a_browser_that_has_the_file_gets_304() {
        let first = answer(&STYLE, &STYLE.etag(), &HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
        let mut again = HeaderMap::new();
        again.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        assert_eq!(answer(&STYLE, &STYLE.etag(), &again).status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn a_browser_that_has_another_version_gets_the_file() {
        let mut request = HeaderMap::new();
        request.insert(header::IF_NONE_MATCH, header::HeaderValue::from_static("\"0000000000000000\""));
        assert_eq!(answer(&STYLE, &STYLE.etag(), &request).status(), StatusCode::OK);
    }
}
