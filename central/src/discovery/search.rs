//! Finding names by words that may be misspelt, by the groups of three letters they share.

use std::collections::BTreeSet;

/// Below this share of the query's letter groups a name is not meant.
const SHARE_MIN: f64 = 0.45;
/// What another text than the name counts.
const OTHER_WEIGHT: f64 = 0.9;
/// Longer queries are cut: nobody types more to find a movie.
const QUERY_CHARS_MAX: usize = 64;

/// What a search looks at.
#[derive(Debug, Clone)]
pub struct Searched {
    /// The name.
    pub name: String,
    /// What else people know it by; counts a little less than the name.
    pub other: Vec<String>,
}

/// The `limit` rows that are most like the query, best first.
pub fn best<T>(rows: Vec<T>, query: &str, limit: usize, searched: impl Fn(&T) -> Searched) -> Vec<T> {
    let wanted = groups(&query.chars().take(QUERY_CHARS_MAX).collect::<String>());
    let of_row = |row: &T| {
        let Searched { name, other } = searched(row);
        let others = other.iter().map(|text| score(&wanted, text) * OTHER_WEIGHT);
        others.fold(score(&wanted, &name), f64::max)
    };
    let mut scored: Vec<(f64, T)> = rows.into_iter().map(|row| (of_row(&row), row)).collect();
    scored.retain(|(score, _)| *score >= SHARE_MIN);
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.into_iter().take(limit).map(|(_, row)| row).collect()
}

/// The share of the query's groups that the name has, a little less for long names.
fn score(wanted: &BTreeSet<String>, name: &str) -> f64 {
    let have = groups(name);
    let shared = wanted.intersection(&have).count();
    let longer = have.len().saturating_sub(wanted.len());
    #[expect(clippy::cast_precision_loss, reason = "sets of a few dozen groups")]
    let score = shared as f64 / wanted.len().max(1) as f64 - longer as f64 / 1000.0;
    score
}

/// Three neighbouring letters of each word, the word's ends counted.
fn groups(text: &str) -> BTreeSet<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words
        .flat_map(|word| {
            let letters: Vec<char> = [' '].into_iter().chain(word.chars()).chain([' ']).collect();
            letters.windows(3).map(|three| three.iter().collect()).collect::<Vec<String>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(query: &str) -> Vec<String> {
        let names = ["Sholay", "Action Jackson", "Milenge Milenge", "Don", "Dhoom 3", "Padma, MG Road"];
        let searched = |name: &String| Searched { name: name.clone(), other: vec!["Ranvir Shorey".into()] };
        best(names.map(String::from).to_vec(), query, 3, searched)
    }

    #[test]
    fn a_name_is_found_by_part_case_and_typing_error() {
        assert_eq!(find("sholay"), ["Sholay"]);
        assert_eq!(find("Sholey"), ["Sholay"]);
        assert_eq!(find("jackson"), ["Action Jackson"]);
        assert_eq!(find("milenge"), ["Milenge Milenge"]);
        assert_eq!(find("padma mg rod")[0], "Padma, MG Road");
        assert_eq!(find("don")[0], "Don");
    }

    #[test]
    fn a_leading_name_finds_too() {
        assert_eq!(find("ranvir shory").len(), 3);
    }

    #[test]
    fn what_is_like_nothing_finds_nothing() {
        for query in ["", "  ", "zzzz", "%_'\"", &"x".repeat(10_000)] {
            assert!(find(query).is_empty(), "{query}");
        }
    }
}
