//! Parses Stripe's JSON objects. Errors never quote the response.

use billing_domain::Mode;
use serde::de::DeserializeOwned;
use strict_json::{Object, UnknownFields};

/// Maximum levels of objects and arrays. Stripe's objects have about a dozen.
const MAX_LEVELS: usize = 64;

/// Parses the body of a response as one JSON object.
///
/// # Errors
/// The reason, without text of the body, which may contain a valid portal URL.
pub(crate) fn parse(body: &[u8]) -> Result<Object, String> {
    strict_json::parse(body, MAX_LEVELS).map_err(|error| format!("the body: {error}"))
}

/// Deserializes an object; `what` names its type in errors. Unknown fields are ignored, because
/// Stripe adds fields.
///
/// # Errors
/// The path of the first invalid field, without its value.
pub(crate) fn fit<T: DeserializeOwned>(object: Object, what: &str) -> Result<T, String> {
    strict_json::fit(object, UnknownFields::Ignore)
        .map_err(|misfit| format!("the body is not a {what}: {misfit}"))
}

/// Parses and deserializes the body of a response.
///
/// # Errors
/// See [`parse`] and [`fit`].
pub(crate) fn read<T: DeserializeOwned>(body: &[u8], what: &str) -> Result<T, String> {
    fit(parse(body)?, what)
}

/// Checks the type and the mode of an object.
///
/// # Errors
/// The first mismatch.
pub(crate) fn check(
    object: &str,
    expected_type: &str,
    livemode: bool,
    mode: Mode,
) -> Result<(), String> {
    if object != expected_type {
        return Err(format!("the object is not a {expected_type}"));
    }
    if livemode != (mode == Mode::Live) {
        return Err(format!("the {expected_type} is not of {mode} mode"));
    }
    Ok(())
}

/// Parses an id.
///
/// # Errors
/// The type of the id, without its text.
pub(crate) fn id<T: std::str::FromStr>(text: &str, what: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("a {what}'s id is malformed"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Pair {
        a: i64,
        b: String,
    }

    #[derive(Deserialize)]
    struct Outer {
        inner: Pair,
    }

    #[test]
    fn read_accepts_objects_only_at_every_depth() {
        assert_eq!(
            read::<Pair>(br#" {"a":1,"b":"x","c":[{}]}"#, "pair"),
            Ok(Pair { a: 1, b: "x".to_owned() })
        );
        assert!(
            read::<Outer>(br#"{"inner":{"a":1,"b":"x"}}"#, "outer")
                .is_ok_and(|outer| outer.inner.a == 1)
        );
        for bad in [
            "",
            "[1,\"x\"]",
            "null",
            "{\"a\":1}",
            "{\"a\":1,\"a\":1,\"b\":\"\"}",
            "{\"a\":1e3,\"b\":\"\"}",
            "{\"a\":99999999999999999999,\"b\":\"\"}",
            "{\"a\":1,\"b\":\"\"}x",
        ] {
            assert!(read::<Pair>(bad.as_bytes(), "pair").is_err(), "{bad}");
        }
        assert!(read::<Outer>(br#"{"inner":[1,"x"]}"#, "outer").is_err());
    }

    #[test]
    fn errors_do_not_quote_the_body() {
        let fault = read::<Pair>(br#"{"a":"hidden","hidden":1}"#, "pair").unwrap_err();
        assert!(fault.contains("\"a\"") && !fault.contains("hidden"), "{fault}");
    }

    const MEMBERS: &[&str] = &[
        "\"a\":1",
        "\"a\":1",
        "\"a\":\"x\"",
        "\"b\":\"x\"",
        "\"b\":\"x\"",
        "\"b\":1",
        "\"c\":[{}]",
    ];

    proptest! {
        #[test]
        fn read_rejects_duplicate_and_missing_members(
            members in proptest::collection::vec(prop::sample::select(MEMBERS), 0..5),
            depth in 1_usize..2000,
        ) {
            let named = |name: &str| members.iter().filter(|member| member.starts_with(name)).copied().collect::<Vec<_>>();
            let expected = named("\"a\"") == ["\"a\":1"]
                && named("\"b\"") == ["\"b\":\"x\""]
                && named("\"c\"").len() < 2;
            let body = format!("{{{}}}", members.join(","));
            prop_assert_eq!(read::<Pair>(body.as_bytes(), "pair").is_ok(), expected, "{}", body);
            let deep = format!("{{\"a\":{}", "[{\"x\":".repeat(depth));
            prop_assert!(read::<Pair>(deep.as_bytes(), "pair").is_err());
        }
    }
}
