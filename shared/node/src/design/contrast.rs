//! The tokens checked against WCAG: every text colour on every ground it is used on, by day and by night.

use std::collections::BTreeMap;

const TOKENS: &str = include_str!("tokens.css");

/// Text on ground: 4.5 to 1.
const TEXT: [(&str, &str); 27] = [
    ("ink", "ground"),
    ("ink", "surface"),
    ("ink", "raised"),
    ("ink", "accent-soft"),
    ("ink-soft", "ground"),
    ("ink-soft", "surface"),
    ("ink-soft", "raised"),
    ("accent", "ground"),
    ("accent", "surface"),
    ("accent", "raised"),
    ("accent", "accent-soft"),
    ("on-accent", "accent"),
    ("ground", "ink"),
    ("good", "good-soft"),
    ("good", "surface"),
    ("warn", "warn-soft"),
    ("warn", "surface"),
    ("bad", "bad-soft"),
    ("bad", "surface"),
    ("house-ink", "house"),
    ("house-soft", "house"),
    ("house-soft", "house-raised"),
    ("lamp", "house"),
    ("lamp-ink", "lamp"),
    ("admit-ink", "admit"),
    ("already-ink", "already"),
    ("refuse-ink", "refuse"),
];

/// Frames of controls and seats on ground: 3 to 1.
const FRAMES: [(&str, &str); 6] = [
    ("edge", "ground"),
    ("edge", "surface"),
    ("edge", "raised"),
    ("accent", "surface"),
    ("unknown-ink", "unknown"),
    ("house-soft", "house"),
];

fn tokens(css: &str) -> BTreeMap<&str, &str> {
    let lines = css.lines().filter_map(|line| line.trim().strip_prefix("--")?.strip_suffix(';')?.split_once(": "));
    lines.filter(|(_, value)| value.starts_with('#')).collect()
}

fn luminance(hex: &str) -> f64 {
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")) / 255.0;
        if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn contrast(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_text_and_every_frame_stands_out_by_day_and_by_night() {
    let (day, rest) = TOKENS.split_once("@media (prefers-color-scheme: dark)").expect("two schemes");
    let day = tokens(day);
    let mut night = day.clone();
    night.extend(tokens(rest));
    for (scheme, colours) in [("day", &day), ("night", &night)] {
        for (pairs, least) in [(&TEXT[..], 4.5), (&FRAMES[..], 3.0)] {
            for (front, back) in pairs {
                let ratio = contrast(colours[front], colours[back]);
                assert!(ratio >= least, "{front} on {back} by {scheme}: {ratio:.2}");
            }
        }
    }
}
