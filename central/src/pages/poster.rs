//! Posters drawn from the title: there are no pictures in the catalogue, and no two titles look alike.

use super::motif::{Palette, motif};
use maud::{Markup, html};

const PALETTES: [Palette; 8] = [
    ["#2a1320", "#8f2d3a", "#f0a04b"],
    ["#131f2b", "#2f5d73", "#f2c46d"],
    ["#1d1533", "#5a3d8a", "#f28f6b"],
    ["#16241c", "#35684a", "#efd08a"],
    ["#2b1a10", "#a14a1d", "#f5d08a"],
    ["#211a24", "#7b4b6a", "#f4b8a0"],
    ["#101a2e", "#3a4f9a", "#f6a85c"],
    ["#1c1c22", "#5d5a6b", "#f4a94a"],
];

/// A poster of two to three, 200 units wide; decoration only, the title stands beside it as text.
pub(super) fn poster(title: &str, genre: Option<&str>) -> Markup {
    let seed = hash(title);
    let palette = PALETTES[(seed % 8) as usize];
    let [ground, _, light] = palette;
    let lines = lines(title);
    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(1).max(6);
    let size = (290 / longest).clamp(15, 30);
    let top = 282 - (lines.len().saturating_sub(1)) * (size + 2);
    html! {
        svg.poster viewBox="0 0 200 300" aria-hidden="true" focusable="false" {
            rect x="-2" width="204" height="300" fill=(ground) {}
            (motif(seed, palette))
            path d="M-2 178 202 150V302H-2z" fill=(ground) {}
            path d={ "M16 " (top - size - 20) "h28" } stroke=(light) stroke-width="3" {}
            @if let Some(genre) = genre {
                text.poster-genre x="16" y=(top - size - 2) fill=(light) { (genre.to_uppercase()) }
            }
            @for (i, line) in lines.iter().enumerate() {
                text.poster-title x="16" y=(top + i * (size + 2)) font-size=(size) fill="#fff7ea" { (line) }
            }
        }
    }
}

/// Breaks a title into at most four lines of about twelve characters.
fn lines(title: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in title.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < 13 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.chars().take(18).collect()),
        }
    }
    if lines.len() > 4 {
        lines.truncate(4);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines
}

/// FNV-1a with a final mix: short titles must differ in the high bits too.
fn hash(title: &str) -> u64 {
    let step = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let sum = title.bytes().fold(0xcbf2_9ce4_8422_2325, step);
    (sum ^ (sum >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_always_draws_the_same_poster_and_another_title_another() {
        let draw = |title| poster(title, None).into_string();
        assert_eq!(draw("Sholay"), draw("Sholay"));
        assert_ne!(draw("Sholay"), draw("Masoom"));
    }

    #[test]
    fn a_long_title_is_cut_to_four_lines() {
        let lines = lines("The Long and Winding Story of One Very Patient Usher in the Dark");
        assert_eq!(lines.len(), 4);
        assert!(lines[3].ends_with('…'));
    }
}
