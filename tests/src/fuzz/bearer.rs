//! Generates `Authorization` headers.

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;

use super::edit;

const PIECES: [&str; 16] = [
    " ", "  ", "\t", ",", "Bearer", "bearer ", "Basic ", "é", "\u{a0}", "\u{b}", "\u{c}", ";", "=",
    "\"", "x", "\u{ff}",
];

/// Generates the headers of one request.
pub fn headers() -> BoxedStrategy<Vec<Vec<u8>>> {
    let scheme =
        select(&["Bearer", "bearer", "BEARER", "bEaReR", "Basic", "Bearerx", "Digest", ""][..]);
    let gap = select(&[" ", "  ", "\t", "", " \t "][..]);
    let credential = select(&["a.b.c", "llmgen_x", "", "a b", "a,b", "é", "token=="][..]);
    let text = (scheme, gap, credential, edit::edits(&PIECES)).prop_map(
        |(scheme, gap, credential, edits)| {
            edit::apply(&format!("{scheme}{gap}{credential}"), &edits).into_bytes()
        },
    );
    let value = prop_oneof![12 => text, 1 => vec(any::<u8>(), 0..40)];
    prop_oneof![12 => vec(value.clone(), 1..2), 1 => vec(value, 2..4), 1 => Just(Vec::new())]
        .boxed()
}

/// Returns the values that are valid in HTTP, as a header map.
#[must_use]
pub fn to_map(values: &[Vec<u8>]) -> HeaderMap {
    let name = HeaderName::from_static("authorization");
    let values = values.iter().filter_map(|value| HeaderValue::from_bytes(value).ok());
    values.map(|value| (name.clone(), value)).collect()
}

/// Returns the bytes of the one credential by rule C1. It is a second implementation.
#[must_use]
pub fn credential(headers: &HeaderMap) -> Option<Vec<u8>> {
    let mut all = headers.iter().filter(|(name, _)| name.as_str() == "authorization");
    let (Some((_, value)), None) = (all.next(), all.next()) else { return None };
    let words: Vec<&[u8]> = value
        .as_bytes()
        .split(|byte| b" \t".contains(byte))
        .filter(|word| !word.is_empty())
        .collect();
    let [scheme, credential] = words[..] else { return None };
    (scheme.eq_ignore_ascii_case(b"bearer") && !credential.contains(&b','))
        .then(|| credential.to_vec())
}
