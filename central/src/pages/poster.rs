//! Posters drawn from the title: there are no pictures in the catalogue, and no two titles look alike.

use maud::{Markup, PreEscaped, html};
use std::fmt::Write as _;

/// Ground, shape, light.
type Palette = [&'static str; 3];

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
    let art = motif(seed, palette);
    let lines = lines(title);
    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(1).max(6);
    let size = (290 / longest).clamp(15, 30);
    let top = 282 - (lines.len().saturating_sub(1)) * (size + 2);
    html! {
        svg.poster viewBox="0 0 200 300" aria-hidden="true" focusable="false" {
            rect x="-2" width="204" height="300" fill=(ground) {}
            (PreEscaped(art))
            path d="M-2 178 202 150V302H-2z" fill=(ground) {}
            path d={ "M16 " (top - size - 20) "h28" } stroke=(light) stroke-width="3" {}
            @if let Some(genre) = genre { text.poster-genre x="16" y=(top - size - 2) fill=(light) { (genre.to_uppercase()) } }
            @for (i, line) in lines.iter().enumerate() {
                text.poster-title x="16" y=(top + i * (size + 2)) font-size=(size) fill="#fff7ea" { (line) }
            }
        }
    }
}

fn motif(seed: u64, [ground, shape, light]: Palette) -> String {
    let a = (seed >> 8) % 60;
    let b = (seed >> 16) % 50;
    let mut art = String::new();
    let drawn = match (seed >> 24) % 7 {
        // A beam from above.
        0 => write!(
            art,
            r#"<path d="M{} 0 {} 190H{}L{} 0z" fill="{shape}"/><path d="M{} 0 {} 190H{}L{} 0z" fill="{light}" fill-opacity=".75"/><ellipse cx="100" cy="172" rx="62" ry="13" fill="{light}"/>"#,
            90 + a,
            190,
            10,
            70 + a,
            92 + a,
            150,
            50,
            78 + a
        ),
        // A low sun between hills.
        1 => write!(
            art,
            r#"<circle cx="{}" cy="{}" r="48" fill="{light}"/><path d="M-10 190C40 {} 70 130 120 150S190 120 210 130V220H-10z" fill="{shape}"/>"#,
            60 + a,
            70 + b,
            90 + b
        ),
        // Arches, one behind the other.
        2 => (0..4).try_for_each(|i| {
            let (x, width) = (22 + i * 20, 156 - i * 40);
            let fill = [shape, ground, light, ground][i as usize % 4];
            write!(
                art,
                r#"<path d="M{x} 210V{y}a{r} {r} 0 0 1 {width} 0v{h}z" fill="{fill}"/>"#,
                y = 108 + i * 12,
                r = width / 2,
                h = 102
            )
        }),
        // A curtain about to open.
        3 => (0..8)
            .try_for_each(|i| {
                let x = i * 26 - 4;
                let fill = if i % 2 == 0 { shape } else { ground };
                write!(art, r#"<path d="M{x} 0h26c-4 60 {} 120 0 200h-26c6-70-4-140 0-200z" fill="{fill}"/>"#, a % 14)
            })
            .and_then(|()| {
                write!(art, r#"<path d="M0 0h200v22c-30 16-70 16-100 0-30 16-70 16-100 0z" fill="{light}"/>"#)
            }),
        // A moon over roofs.
        4 => write!(
            art,
            r#"<circle cx="{x}" cy="66" r="38" fill="{light}"/><circle cx="{}" cy="56" r="34" fill="{ground}"/><path d="M0 {}h34v-40h26v22h30v-62h24v48h32v-26h30v60h24v60H0z" fill="{shape}"/>"#,
            82 + a,
            158 + b / 3,
            x = 66 + a
        ),
        // Rings on water.
        5 => (0..5).try_for_each(|i| {
            let width = if i % 2 == 0 { 10 } else { 4 };
            let stroke = if i % 2 == 0 { shape } else { light };
            write!(
                art,
                r#"<circle cx="{}" cy="{}" r="{}" fill="none" stroke="{stroke}" stroke-width="{width}"/>"#,
                70 + a,
                90 + b / 2,
                14 + i * 22
            )
        }),
        // Slanting bands.
        _ => (0..3).try_for_each(|i| {
            let y = i * 58 - 40 + i64::try_from(a / 2).unwrap_or(0);
            let fill = if i % 2 == 0 { shape } else { light };
            write!(art, r#"<path d="M0 {}L202 {}v{}L0 {}z" fill="{fill}"/>"#, y + 60, y, 18 + b / 3, y + 88)
        }),
    };
    // Writing into a String cannot fail; a motif left out would only leave the ground.
    drawn.map_or_else(|_| String::new(), |()| art)
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
    let sum = title
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
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

    #[test]
    fn every_motif_draws_something() {
        for seed in 0..7u64 {
            assert!(!motif(seed << 24, PALETTES[0]).is_empty(), "{seed}");
        }
    }
}
