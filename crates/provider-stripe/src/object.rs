//! How Stripe's objects are read: as JSON objects and nothing else, without their text in any error.

use std::fmt;
use std::marker::PhantomData;

use billing_domain::Mode;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// A JSON object. What derives `Deserialize` alone would take an array too, field by field.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members)).map(Object)
            }
        }

        deserializer.deserialize_map(Members(PhantomData))
    }
}

/// Reads the body of an answer as `what`.
///
/// # Errors
/// Why it is none, without any of its text: it may hold a URL that works.
pub(crate) fn read<'de, T: Deserialize<'de>>(body: &'de [u8], what: &str) -> Result<T, String> {
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err("the body is not a JSON object".to_owned());
    }
    let Object(object) = serde_json::from_slice(body).map_err(|error| {
        format!("the body is not a {what}, from line {} column {}", error.line(), error.column())
    })?;
    Ok(object)
}

/// Holds an object's type and mode against those asked for.
///
/// # Errors
/// Why it is not what was asked for.
pub(crate) fn check(object: &str, wanted: &str, livemode: bool, mode: Mode) -> Result<(), String> {
    if object != wanted {
        return Err(format!("the object is not a {wanted}"));
    }
    if livemode != (mode == Mode::Live) {
        return Err(format!("the {wanted} is not of {mode} mode"));
    }
    Ok(())
}

/// An id of Stripe's as one of ours.
///
/// # Errors
/// What it was to be, not what it is.
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
        inner: Object<Pair>,
    }

    #[test]
    fn objects_are_objects_at_every_depth() {
        assert_eq!(
            read::<Pair>(br#" {"a":1,"b":"x","c":[{}]}"#, "pair"),
            Ok(Pair { a: 1, b: "x".to_owned() })
        );
        assert!(
            read::<Outer>(br#"{"inner":{"a":1,"b":"x"}}"#, "outer").is_ok_and(|outer| outer
                .inner
                .0
                .a
                == 1)
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
    fn no_fault_shows_what_was_read() {
        let fault = read::<Pair>(br#"{"a":"hidden","hidden":1}"#, "pair").unwrap_err();
        assert!(fault.contains("column") && !fault.contains("hidden"), "{fault}");
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
        fn members_are_read_only_if_each_is_there_once(
            members in proptest::collection::vec(prop::sample::select(MEMBERS), 0..5),
            depth in 1_usize..2000,
        ) {
            let named = |name: &str| members.iter().filter(|member| member.starts_with(name)).copied().collect::<Vec<_>>();
            let expected = named("\"a\"") == ["\"a\":1"] && named("\"b\"") == ["\"b\":\"x\""];
            let body = format!("{{{}}}", members.join(","));
            prop_assert_eq!(read::<Pair>(body.as_bytes(), "pair").is_ok(), expected, "{}", body);
            let deep = format!("{{\"a\":{}", "[{\"x\":".repeat(depth));
            prop_assert!(read::<Pair>(deep.as_bytes(), "pair").is_err());
        }
    }
}
