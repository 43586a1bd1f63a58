//! Who may settle and override: whoever has the operator token; and two persons where one is not enough.

use crate::office::App;
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use node::problem::Problem;
use node::store::{Sql, StoreError};
use node::values;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use shared::ids::TheatreId;
use shared::time::Timestamp;

/// Characters of a person's name.
const NAME_CHARS_MAX: usize = 100;

/// The hash of the token that operators show. The token itself is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperatorToken([u8; 32]);

impl OperatorToken {
    /// The token of a setting; nothing for an empty one.
    pub fn of(setting: &str) -> Option<Self> {
        let token = setting.trim();
        (!token.is_empty()).then(|| Self::hash(token))
    }

    fn hash(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

/// A request that shows the operator token. Handlers take it as an argument.
#[derive(Debug, Clone, Copy)]
pub struct Operator;

impl FromRequestParts<App> for Operator {
    type Rejection = Problem;

    /// # Errors
    /// 403 `no_operator_token` where central has none, 401 `wrong_operator_token`.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let known = app.operator_token.ok_or_else(|| {
            Problem::forbidden("no_operator_token", "This server was started without --operator-token.")
        })?;
        let shown = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown = shown.and_then(|value| value.strip_prefix("Bearer ")).map(|token| token.trim());
        // Hashes are compared, so the time it takes tells nothing of the token.
        match shown {
            Some(token) if OperatorToken::hash(token) == known => Ok(Self),
            _ => Err(Problem::unauthorized("wrong_operator_token", "Show the operator token as a bearer token.")),
        }
    }
}

/// Two persons who answer for something together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct TwoPersons {
    first: String,
    second: String,
}

impl TryFrom<Vec<String>> for TwoPersons {
    type Error = &'static str;

    fn try_from(names: Vec<String>) -> Result<Self, Self::Error> {
        let wanted = "name two different persons";
        let [first, second] = <[String; 2]>::try_from(names).map_err(|_| wanted)?.map(|name| name.trim().to_owned());
        let good = |name: &str| !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX;
        let different = first.to_lowercase() != second.to_lowercase();
        if good(&first) && good(&second) && different { Ok(Self { first, second }) } else { Err(wanted) }
    }
}

impl TwoPersons {
    /// Both names, as the log of a theatre keeps them.
    pub fn names(&self) -> String {
        format!("{}, {}", self.first, self.second)
    }

    /// Keeps what they have answered for, with their names.
    ///
    /// # Errors
    /// A store failure.
    pub fn answer_for(&self, tx: &dyn Sql, theatre: TheatreId, what: &str, now: Timestamp) -> Result<(), StoreError> {
        tracing::warn!(%theatre, what, first = self.first, second = self.second, "two persons answer for this");
        tx.execute(
            "INSERT INTO override (at, what, theatre, first, second) VALUES (?1, ?2, ?3, ?4, ?5)",
            values![now.0, what, theatre.0, self.first, self.second],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_persons_have_two_different_names() {
        let read = |names: serde_json::Value| serde_json::from_value::<TwoPersons>(names);
        assert_eq!(read(serde_json::json!([" first ", "second"])).expect("two").names(), "first, second");
        for bad in [serde_json::json!(["a", "A "]), serde_json::json!(["a", ""]), serde_json::json!(["a", "b", "c"])] {
            assert!(read(bad).is_err());
        }
    }
}
