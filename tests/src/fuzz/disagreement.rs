//! Categories of tokens for which PyJWT and our authenticator may differ. Each is a predicate over
//! the token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::json::{Json, member};
use super::profile::{Answer, NOW, Profile};

/// Whether a token is valid, with or without permission. Different subjects or permissions are
/// never allowed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The token is valid.
    Accept,
    /// The token is invalid.
    Refuse,
}

impl Side {
    /// Returns the side of an answer.
    #[must_use]
    pub const fn of(answer: &Answer) -> Self {
        match answer {
            Answer::Accept(_) | Answer::Forbid(_) => Self::Accept,
            Answer::Refuse => Self::Refuse,
        }
    }
}

/// Returns whether a token belongs to this category.
///
/// # Panics
/// When the category is unknown.
#[must_use]
pub fn is_in(category: &str, profile: &Profile, token: &str) -> bool {
    let parts: Vec<String> = token.split('.').take(2).filter_map(decoded).collect();
    match category {
        "fraction at the end" => has_fraction(&parts, &["exp"], NOW - profile.leeway),
        "fraction at the start" => has_fraction(&parts, &["nbf", "iat"], NOW + profile.leeway),
        "unpaired surrogate" => only_fault_is(&parts, without_surrogates),
        "number without a finite value" => only_fault_is(&parts, with_finite_numbers),
        unknown => panic!("no category is called {unknown}"),
    }
}

/// Returns whether one of these dates is within the second after `limit`, but not equal to it.
fn has_fraction(parts: &[String], names: &[&str], limit: i64) -> bool {
    let claims =
        parts.get(1).and_then(|claims| Json::object(claims.as_bytes())).unwrap_or_default();
    names.iter().any(
        |name| matches!(member(&claims, name), Some(Json::Number(s)) if s.fract() != 0.0 && s.floor() as i64 == limit),
    )
}

/// Returns whether header or claims have this fault, and are strict JSON after both faults are
/// removed.
fn only_fault_is(parts: &[String], repaired: fn(&str) -> String) -> bool {
    let strict = |text: &str| Json::object(text.as_bytes()).is_some();
    let whole = |text: &String| strict(&with_finite_numbers(&without_surrogates(text)));
    parts.iter().any(|part| !strict(part) && repaired(part) != *part) && parts.iter().all(whole)
}

fn without_surrogates(text: &str) -> String {
    let mut pieces = text.split("\\u");
    let mut repaired = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let unit = piece.get(..4).and_then(|digits| u16::from_str_radix(digits, 16).ok());
        match unit {
            Some(0xd800..=0xdfff) => repaired.extend(["x", &piece[4..]]),
            _ => repaired.extend(["\\u", piece]),
        }
    }
    repaired
}

fn with_finite_numbers(text: &str) -> String {
    let text = text.replace("Infinity", "1").replace("NaN", "1");
    let in_number = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
    let mut repaired = String::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let end = rest.find(|c| !in_number(c)).unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        repaired.push_str(if number.parse().is_ok_and(f64::is_infinite) { "1" } else { number });
        let other = after.find(in_number).unwrap_or(after.len());
        repaired.push_str(&after[..other]);
        rest = &after[other..];
    }
    repaired
}

fn decoded(part: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
