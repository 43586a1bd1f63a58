//! The one design language of all pages: tokens, base styles, shared ES modules, the page layout and the words for
//! money and time.
//!
//! Nothing comes from elsewhere: no web fonts, no build step, no inline script or style. A program serves these files
//! once, under `/assets/`, by merging [`router`]; its own pages' files go through [`serve`].

mod asset;
#[cfg(test)]
mod contrast;
mod layout;
mod wording;

pub use asset::{Asset, serve};
pub use layout::{Crumb, footer, masthead, page, respond};
pub use wording::{clock, count, day, day_short, minutes, money};

const ASSETS: &[Asset] = &[
    Asset { path: "/assets/tokens.css", text: include_str!("design/tokens.css") },
    Asset { path: "/assets/base.css", text: include_str!("design/base.css") },
    Asset { path: "/assets/controls.css", text: include_str!("design/controls.css") },
    Asset { path: "/assets/seatmap.css", text: include_str!("design/seatmap.css") },
    Asset { path: "/assets/mark.svg", text: include_str!("design/mark.svg") },
    Asset { path: "/assets/api.js", text: include_str!("design/api.js") },
    Asset { path: "/assets/words.js", text: include_str!("design/words.js") },
    Asset { path: "/assets/best.js", text: include_str!("design/best.js") },
    Asset { path: "/assets/seat.js", text: include_str!("design/seat.js") },
    Asset { path: "/assets/seatmap.js", text: include_str!("design/seatmap.js") },
    Asset { path: "/assets/pane.js", text: include_str!("design/pane.js") },
    Asset { path: "/assets/wedge.js", text: include_str!("design/wedge.js") },
];

/// A shared file by its name, for whoever keeps it elsewhere.
pub fn shared(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path.strip_prefix("/assets/") == Some(name))
}

/// Serves the shared files under `/assets/`.
pub fn router<S: Clone + Send + Sync + 'static>() -> axum::Router<S> {
    serve(ASSETS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asset_says_what_it_is_in_its_name() {
        for asset in ASSETS {
            assert!(asset.media_type().contains("charset") || asset.path.ends_with(".svg"), "{}", asset.path);
            assert!(!asset.text.is_empty(), "{}", asset.path);
        }
    }

    #[test]
    fn no_asset_fetches_from_elsewhere() {
        for asset in ASSETS {
            let foreign = asset.text.replace("http://www.w3.org/", "").replace("https://www.w3.org/", "");
            assert!(!foreign.contains("http://") && !foreign.contains("https://"), "{}", asset.path);
        }
    }

    #[test]
    fn no_asset_has_text_over_several_lines_that_would_lose_its_indentation() {
        for asset in ASSETS {
            for line in asset.text.lines() {
                assert!(line.matches('`').count() % 2 == 0, "{}: {line}", asset.path);
            }
        }
    }

    #[test]
    fn the_shared_files_stay_light() {
        let bytes: usize = ASSETS.iter().map(|asset| asset.text.len()).sum();
        assert!(bytes < 48 * 1024, "{bytes}");
    }
}
