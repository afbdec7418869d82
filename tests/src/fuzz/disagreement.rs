//! Categories of tokens that PyJWT and we may answer differently, each a predicate over the token alone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::json::{Json, member};
use super::profile::{Answer, NOW, Profile};

/// An answer without its subject.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// See [`Answer::Accept`].
    Accept,
    /// See [`Answer::Forbid`].
    Forbid,
    /// See [`Answer::Refuse`].
    Refuse,
}

impl Side {
    /// The side that an answer is on.
    #[must_use]
    pub const fn of(answer: &Answer) -> Self {
        match answer {
            Answer::Accept(_) => Self::Accept,
            Answer::Forbid(_) => Self::Forbid,
            Answer::Refuse => Self::Refuse,
        }
    }
}

/// Whether a token is of this category.
///
/// # Panics
/// When there is no such category.
#[must_use]
pub fn is_in(category: &str, profile: &Profile, token: &str) -> bool {
    let parts: Vec<String> = token.split('.').take(2).filter_map(decoded).collect();
    let claims = parts.get(1).and_then(|claims| Json::object(claims.as_bytes())).unwrap_or_default();
    match category {
        "a fraction of a second at a limit" => ["exp", "nbf", "iat"].iter().any(|name| {
            let limits = [NOW - profile.leeway, NOW + profile.leeway];
            matches!(member(&claims, name), Some(Json::Number(s)) if s.fract() != 0.0 && limits.contains(&(s.floor() as i64)))
        }),
        unknown => panic!("no category is called {unknown}"),
    }
}

fn decoded(part: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
