//! Property tests: no input panics, and every change to a valid token is refused.

use std::sync::LazyLock;

use auth_jwt::JwtAuthenticator;
use proptest::prelude::*;

use crate::support::{GOOD_CLAIMS, SECRET, answer, authenticator, hs256, judge};

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

static AUTHENTICATOR: LazyLock<JwtAuthenticator> =
    LazyLock::new(|| authenticator(&[("JWT_HS256_SECRET", SECRET)]));
static TOKEN: LazyLock<String> = LazyLock::new(|| hs256(HEADER, GOOD_CLAIMS));

fn refused(token: &str) -> bool {
    answer(&judge(&AUTHENTICATOR, token)) == "401 invalid_token"
}

#[test]
fn the_unchanged_token_is_accepted() {
    assert_eq!(answer(&judge(&AUTHENTICATOR, &TOKEN)), "200");
}

#[test]
fn every_changed_added_or_removed_character_is_refused() {
    for at in 0..TOKEN.len() {
        for other in "Aa0-_.=+/ \n".chars().filter(|other| !TOKEN[at..].starts_with(*other)) {
            let mut changed = TOKEN.clone();
            changed.replace_range(at..=at, other.encode_utf8(&mut [0; 4]));
            assert!(refused(&changed), "{at} {other:?}");
            let mut longer = TOKEN.clone();
            longer.insert(at, other);
            assert!(refused(&longer), "{at} {other:?}");
        }
        let mut shorter = TOKEN.clone();
        shorter.remove(at);
        assert!(refused(&shorter), "{at}");
        assert!(refused(&TOKEN[..at]) && (at == 0 || refused(&TOKEN[at..])), "{at}");
    }
}

/// Generates JSON-like text from random names and values of the rules.
fn fragments() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\"sub\"",
        "\"exp\"",
        "\"aud\"",
        "\"iss\"",
        "\"alg\"",
        "\"HS256\"",
        "\"typ\"",
        "1e999",
        "1800000600",
        "-1",
        "0.5",
        "null",
        "true",
        "\\u0061",
        "\\ud800",
        "\u{feff}",
        "é",
        " ",
        "\"user_1\"",
        "\"refresh\"",
        "\0",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Generates a random selection of claims with random values.
fn claims() -> impl Strategy<Value = String> {
    let names = vec!["sub", "exp", "nbf", "iat", "iss", "aud", "jti", "type", "typ", "role"];
    let values = vec![
        "\"user_1\"",
        "\"\"",
        "\"refresh\"",
        "1800000600",
        "1",
        "0",
        "-1",
        "1e300",
        "1799999999.5",
        "null",
        "true",
        "[]",
        "[1]",
        "[\"a\"]",
        "{}",
        "{\"a\":[[[{}]]]}",
        "9223372036854775807",
    ];
    let member = (prop::sample::select(names), prop::sample::select(values))
        .prop_map(|(name, value)| format!("\"{name}\":{value}"));
    prop::collection::vec(member, 0..8).prop_map(|members| format!("{{{}}}", members.join(",")))
}

proptest! {
    #[test]
    fn any_text_is_refused_without_a_panic(token in any::<String>()) {
        prop_assert!(refused(&token));
    }

    #[test]
    fn any_token_like_text_is_refused(
        token in r"[A-Za-z0-9_\-]{0,60}(\.[A-Za-z0-9_\-=]{0,60}){0,4}",
    ) {
        prop_assert!(refused(&token));
    }

    #[test]
    fn signed_malformed_json_is_refused_without_a_panic(
        header in fragments(),
        claims in fragments(),
    ) {
        prop_assert!(refused(&hs256(HEADER, &claims)));
        prop_assert!(refused(&hs256(&header, GOOD_CLAIMS)));
    }

    #[test]
    fn signed_deeply_nested_json_is_refused_without_a_panic(
        levels in 0..4000_usize,
        open in prop::sample::select(vec!["[", "{\"a\":", "[{\"a\":"]),
    ) {
        prop_assert!(refused(&hs256(HEADER, &open.repeat(levels))));
    }

    #[test]
    fn an_accepted_token_has_an_owner_and_a_valid_expiry(claims in claims()) {
        if let Ok(principal) = judge(&AUTHENTICATOR, &hs256(HEADER, &claims)) {
            let owner = serde_json::Value::from(principal.owner.as_str());
            let subject = format!("\"sub\":{owner}");
            prop_assert!(claims.contains(&subject));
            let read: serde_json::Value = serde_json::from_str(&claims).unwrap();
            let (now, leeway, longest) = (1_800_000_000.0, 30.0, 86_400.0);
            let expiry = read["exp"].as_f64().unwrap();
            prop_assert!(expiry > now - leeway && expiry <= now + longest + leeway);
            prop_assert!(read.get("aud").is_none());
        }
    }

    #[test]
    fn a_changed_decoded_byte_is_refused(
        part in 0..3_usize,
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        use base64::Engine;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let decode = |text| URL_SAFE_NO_PAD.decode(text).unwrap();
        let mut parts: Vec<Vec<u8>> = TOKEN.split('.').map(decode).collect();
        let length = parts[part].len();
        parts[part][at.index(length)] ^= flip;
        let encode = |bytes| URL_SAFE_NO_PAD.encode(bytes);
        let changed: Vec<String> = parts.iter().map(encode).collect();
        prop_assert!(refused(&changed.join(".")));
    }
}
