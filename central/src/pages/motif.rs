//! What a poster shows: one of seven cut-paper pictures, in three colours, shifted a little by the seed.

use maud::{Markup, html};

/// Ground, shape, light.
pub(super) type Palette = [&'static str; 3];

/// How many motifs there are.
pub(super) const MOTIFS: u64 = 7;

/// Draws into the upper two thirds of 200 by 300 units.
pub(super) fn motif(seed: u64, palette: Palette) -> Markup {
    let (across, down) = ((seed >> 8) % 60, (seed >> 16) % 50);
    match (seed >> 24) % MOTIFS {
        0 => beam(across, palette),
        1 => sunset(across, down, palette),
        2 => arches(palette),
        3 => curtain(across, palette),
        4 => moon(across, down, palette),
        5 => rings(across, down, palette),
        _ => bands(across, down, palette),
    }
}

fn beam(across: u64, [_, shape, light]: Palette) -> Markup {
    html! {
        path d={ "M" (90 + across) " 0 190 190H10L" (70 + across) " 0z" } fill=(shape) {}
        path d={ "M" (92 + across) " 0 150 190H50L" (78 + across) " 0z" } fill=(light) fill-opacity=".75" {}
        ellipse cx="100" cy="172" rx="62" ry="13" fill=(light) {}
    }
}

fn sunset(across: u64, down: u64, [_, shape, light]: Palette) -> Markup {
    html! {
        circle cx=(60 + across) cy=(70 + down) r="48" fill=(light) {}
        path d={ "M-10 190C40 " (90 + down) " 70 130 120 150S190 120 210 130V220H-10z" } fill=(shape) {}
    }
}

fn arches([ground, shape, light]: Palette) -> Markup {
    html! {
        @for (i, fill) in (0u64..).zip([shape, ground, light, ground]) {
            @let (x, y, width) = (22 + i * 20, 108 + i * 12, 156 - i * 40);
            @let radius = width / 2;
            path d={ "M" (x) " 210V" (y) "a" (radius) " " (radius) " 0 0 1 " (width) " 0v102z" } fill=(fill) {}
        }
    }
}

fn curtain(across: u64, [ground, shape, light]: Palette) -> Markup {
    html! {
        @for (i, fill) in (0u64..8).zip([shape, ground].into_iter().cycle()) {
            path d={ "M" (i * 26) " 0h26c-4 60 " (across % 14) " 120 0 200h-26c6-70-4-140 0-200z" } fill=(fill) {}
        }
        path d="M0 0h200v22c-30 16-70 16-100 0-30 16-70 16-100 0z" fill=(light) {}
    }
}

fn moon(across: u64, down: u64, [ground, shape, light]: Palette) -> Markup {
    html! {
        circle cx=(66 + across) cy="66" r="38" fill=(light) {}
        circle cx=(82 + across) cy="56" r="34" fill=(ground) {}
        path d={ "M0 " (158 + down / 3) "h34v-40h26v22h30v-62h24v48h32v-26h30v60h28v60H0z" } fill=(shape) {}
    }
}

fn rings(across: u64, down: u64, [_, shape, light]: Palette) -> Markup {
    html! {
        @for (i, (stroke, width)) in (0u64..5).zip([(shape, 10), (light, 4)].into_iter().cycle()) {
            circle cx=(70 + across) cy=(90 + down / 2) r=(14 + i * 22) fill="none" stroke=(stroke) stroke-width=(width) {}
        }
    }
}

fn bands(across: u64, down: u64, [_, shape, light]: Palette) -> Markup {
    let thick = 18 + down / 3;
    html! {
        @for (top, fill) in [20 + across / 2, 78 + across / 2, 136 + across / 2].into_iter().zip([shape, light, shape]) {
            path d={ "M0 " (top) "L202 " (top.saturating_sub(60)) "v" (thick) "L0 " (top + 28) "z" } fill=(fill) {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_motif_draws_in_its_own_way() {
        let palette = ["#000", "#888", "#fff"];
        let drawn: std::collections::BTreeSet<String> =
            (0..MOTIFS).map(|i| motif(i << 24, palette).into_string()).collect();
        assert_eq!(drawn.len() as u64, MOTIFS);
        assert!(drawn.iter().all(|art| art.contains("fill=")));
    }
}
