//! Generates texts that look like API keys.

use proptest::collection::vec;
use proptest::prelude::{BoxedStrategy, Just, Strategy};
use proptest::prop_oneof;
use proptest::sample::select;

use super::edit::{self, Edit};
use crate::shared_fixture::checksum;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PIECES: [&str; 18] = [
    "_", "__", "-", ".", " ", "\n", "\0", "é", "٣", "llmgen", "llmgen_", "LLMGEN", "0", "z", "A",
    "%5F", "🔑", "0W5whn",
];

/// A plan for one key: derived from the good key, or generated.
#[derive(Clone, Debug)]
pub struct KeyPlan {
    body: Body,
    /// Edits before the checksum is computed, so that the checksum matches.
    body_edits: Vec<Edit>,
    /// Edits after the checksum is computed.
    edits: Vec<Edit>,
}

#[derive(Clone, Debug)]
enum Body {
    /// The good key's id and secret.
    Good,
    /// The good key's id with a guessed secret.
    Guessed(String),
    /// A generated prefix, id and secret.
    MadeUp(&'static str, String, String),
}

/// Generates plans for keys.
pub fn plans() -> BoxedStrategy<KeyPlan> {
    let base62 = |length: std::ops::Range<usize>| {
        vec(select(&BASE62[..]), length)
            .prop_map(|bytes| bytes.into_iter().map(char::from).collect::<String>())
    };
    let prefix = select(&["llmgen", "Llmgen", "llmgenx", "llm", "", "llmgen_"][..]);
    let body = prop_oneof![
        4 => Just(Body::Good),
        2 => base62(40..46).prop_map(Body::Guessed),
        3 => (prefix, base62(10..18), base62(40..140)).prop_map(|(prefix, id, secret)| Body::MadeUp(prefix, id, secret)),
    ];
    (body, edit::edits(&PIECES), edit::edits(&PIECES))
        .prop_map(|(body, body_edits, edits)| KeyPlan { body, body_edits, edits })
        .boxed()
}

impl KeyPlan {
    /// Builds the key.
    ///
    /// # Panics
    /// When `good` is not a key.
    #[must_use]
    pub fn text(&self, good: &str) -> String {
        let good_body = &good[..good.len() - 6];
        let body = match &self.body {
            Body::Good => good_body.to_owned(),
            Body::Guessed(secret) => {
                let (start, _) = good_body.rsplit_once('_').expect("a key has three parts");
                format!("{start}_{secret}")
            }
            Body::MadeUp(prefix, id, secret) => format!("{prefix}_{id}_{secret}"),
        };
        let body = edit::apply(&body, &self.body_edits);
        edit::apply(&format!("{body}{}", checksum(&body)), &self.edits)
    }
}

/// Returns the key id of a text with C6's form and checksum. It is a second implementation.
#[must_use]
pub fn id(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("llmgen_")?;
    let mut parts = rest.split('_');
    let (Some(id), Some(tail), None) = (parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let base62 = |part: &str| part.bytes().all(|byte| BASE62.contains(&byte));
    if !base62(id)
        || !base62(tail)
        || !(12..=64).contains(&id.len())
        || !(49..=134).contains(&tail.len())
    {
        return None;
    }
    let (body, sum) = text.split_at(text.len() - 6);
    (crc(body) == sum).then_some(id)
}

/// Computes the checksum bit by bit: CRC-32 (ISO-HDLC) in base62. It is a second implementation.
fn crc(text: &str) -> String {
    let mut crc = !0_u32;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    let value = !crc as usize;
    (0..6_u32).rev().map(|place| char::from(BASE62[value / 62_usize.pow(place) % 62])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bitwise_checksum_matches_the_contract() {
        assert_eq!(crc("llmgen_x"), "0W5whn");
    }
}
