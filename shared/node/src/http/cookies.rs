//! What a browser sends back of the cookies it was given.

use axum::http::{HeaderMap, header};

/// The values of every cookie of this name, in their order.
pub fn cookies<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(move |(found, _)| *found == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        for (lines, found) in [
            (&["door=abc"][..], &["abc"][..]),
            (&["a=b; door=abc; c=d"], &["abc"]),
            (&["door=x;door=abc", "door=d=e"], &["x", "abc", "d=e"]),
            (&["xdoor=abc", "doors=abc", "door", "abc", ""], &[]),
            (&["door="], &[""]),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, HeaderValue::from_static(line));
            }
            assert_eq!(cookies(&headers, "door").collect::<Vec<_>>(), found, "{lines:?}");
        }
    }
}
