//! Text files compiled into the program and served with an ETag.

use axum::Router;
use axum::body::Bytes;
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

    /// The text without indentation and without lines that are comments: a third less on the wire, the same to a browser.
    /// Texts that span lines with meaningful space in front do not occur; a test sees to it.
    fn lean(&self) -> String {
        let (open, close) = if self.path.ends_with(".svg") { ("<!--", "-->") } else { ("/*", "*/") };
        let mut lean = String::with_capacity(self.text.len());
        let mut in_comment = false;
        for line in self.text.lines().map(str::trim) {
            in_comment |= line.starts_with(open);
            let line_comment = self.path.ends_with(".js") && line.starts_with("//");
            if !in_comment && !line.is_empty() && !line_comment {
                lean.push_str(line);
                lean.push('\n');
            }
            in_comment &= !line.ends_with(close);
        }
        lean
    }
}

#[derive(Clone)]
struct Served {
    media_type: &'static str,
    etag: String,
    content: Bytes,
}

impl From<&Asset> for Served {
    fn from(asset: &Asset) -> Self {
        let content = Bytes::from(asset.lean());
        let hash = blake3::hash(&content).to_hex();
        Self { media_type: asset.media_type(), etag: format!("\"{}\"", &hash[..16]), content }
    }
}

/// Serves files; answers 304 to a browser that has the same content.
pub fn serve<S: Clone + Send + Sync + 'static>(assets: &'static [Asset]) -> Router<S> {
    assets.iter().fold(Router::new(), |router, asset| {
        let served = Served::from(asset);
        router.route(asset.path, get(move |headers: HeaderMap| std::future::ready(answer(&served, &headers))))
    })
}

fn answer(served: &Served, request: &HeaderMap) -> Response {
    // No max-age: a box is updated while browsers stay open for weeks, and asking again costs one small 304.
    let caching = [(header::ETAG, served.etag.as_str()), (header::CACHE_CONTROL, "no-cache")];
    let known = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == served.etag)) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    let content = [(header::CONTENT_TYPE, served.media_type), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (caching, content, served.content.clone()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style() -> Served {
        Served::from(&Asset { path: "/assets/x.css", text: "a {\n  color: red;\n}\n" })
    }

    #[test]
    fn a_browser_that_has_the_file_gets_304() {
        let first = answer(&style(), &HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
        let mut again = HeaderMap::new();
        again.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        assert_eq!(answer(&style(), &again).status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn a_browser_that_has_another_version_gets_the_file() {
        let mut request = HeaderMap::new();
        request.insert(header::IF_NONE_MATCH, header::HeaderValue::from_static("\"0000000000000000\""));
        assert_eq!(answer(&style(), &request).status(), StatusCode::OK);
    }

    #[test]
    fn comments_and_indentation_stay_at_home() {
        let lean = |path, text| Asset { path, text }.lean();
        assert_eq!(
            lean("/assets/x.css", "/* One. */\na {\n  b: c;\n}\n\n/*\n Two.\n*/\nd {}\n"),
            "a {\nb: c;\n}\nd {}\n"
        );
        assert_eq!(lean("/assets/x.js", "// Why.\n/** What. */\nf(\"//\"); // Here.\n"), "f(\"//\"); // Here.\n");
    }
}
