//! Strict JSON for headers, claims and key sets: every name once (RFC 7515, 4; RFC 7519, 4), bounded nesting, nothing after the end.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use billing_domain::ports::AuthError;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How many objects and arrays may stand inside each other; the outermost object is the first level.
const MAX_LEVELS: u8 = 16;

/// Members by name. Escapes are resolved, so `"a"` and `"\u0061"` are the same name.
pub(crate) type Object = BTreeMap<String, Value>;

/// A JSON value, as far as the rules for tokens look into it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    String(String),
    /// Exact for every date that the rules accept; a number beyond the range of a double is not read at all.
    Number(f64),
    Array(Vec<Value>),
    Object(Object),
    /// `null`, `true` or `false`: no rule asks which.
    Literal,
}

/// Reads `bytes` as one JSON object and nothing else.
///
/// `part` names them in the reason. The parser's own messages give a position and quote nothing.
pub(crate) fn parse_object(part: &str, bytes: &[u8]) -> Result<Object, AuthError> {
    members(bytes).map_err(|reason| AuthError::invalid(format!("the {part}: {reason}")))
}

/// The members of the one JSON object that `bytes` are, or why they are none.
pub(crate) fn members(bytes: &[u8]) -> Result<Object, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8")?;
    let mut parser = serde_json::Deserializer::from_str(text);
    let value = Nested { levels: MAX_LEVELS }
        .deserialize(&mut parser)
        .map_err(|error| error.to_string())?;
    parser.end().map_err(|error| error.to_string())?;
    match value {
        Value::Object(object) => Ok(object),
        _ => Err("not a JSON object".to_owned()),
    }
}

/// Reads one value that may open this many levels.
#[derive(Clone, Copy)]
struct Nested {
    levels: u8,
}

impl Nested {
    fn open<E: Error>(self) -> Result<Self, E> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Self { levels }),
            None => Err(E::custom("nested deeper than 16 levels")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Literal)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Literal)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inner = self.open()?;
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(inner)? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.open()?;
        let mut object = Object::new();
        while let Some(Name(name)) = members.next_key()? {
            let value = members.next_value_seed(inner)?;
            match object.entry(name) {
                Entry::Vacant(vacant) => vacant.insert(value),
                Entry::Occupied(_) => return Err(A::Error::custom("a name stands twice")),
            };
        }
        Ok(Value::Object(object))
    }
}

/// A member's name. Its own type, so that what a parser may hand over as a name is a string and nothing else.
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(json: impl AsRef<[u8]>) -> String {
        match parse_object("claims", json.as_ref()) {
            Err(AuthError::Invalid { reason }) => reason,
            other => panic!("{other:?}"),
        }
    }

    fn nested(levels: usize, open: &str, close: &str) -> String {
        format!("{{\"a\":{}1{}}}", open.repeat(levels - 1), close.repeat(levels - 1))
    }

    #[test]
    fn an_object_is_read() {
        let object =
            parse_object("claims", br#" {"s":"x\n","n":-1.5e3,"a":[1,null],"o":{},"t":true} "#)
                .unwrap();
        assert_eq!(object["s"], Value::String("x\n".to_owned()));
        assert_eq!(object["n"], Value::Number(-1500.0));
        assert_eq!(object["a"], Value::Array(vec![Value::Number(1.0), Value::Literal]));
        assert_eq!(object["o"], Value::Object(Object::new()));
        assert_eq!(object["t"], Value::Literal);
    }

    #[test]
    fn numbers_are_numbers_whatever_features_the_parser_was_built_with() {
        let object =
            parse_object("claims", br#"{"a":18446744073709551615,"b":1e300,"c":-0}"#).unwrap();
        assert!(object.values().all(|value| matches!(value, Value::Number(_))), "{object:?}");
    }

    #[test]
    fn a_name_twice_is_refused_at_every_depth_and_in_every_spelling() {
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"{"\u00e9":1,"é":1}"#,
            r#"{"":1,"":1}"#,
            r#"{"\ud83d\ude00":1,"😀":1}"#,
            r#"{"x":{"a":1,"a":1}}"#,
            r#"{"x":[[{"a":1,"a":1}]]}"#,
        ] {
            assert!(reason(bad).contains("a name stands twice"), "{bad}");
        }
    }

    #[test]
    fn equal_names_in_different_objects_are_fine() {
        assert!(parse_object("claims", br#"{"a":{"a":1},"b":[{"a":1},{"a":1}],"A":1}"#).is_ok());
    }

    #[test]
    fn sixteen_levels_are_the_limit_for_arrays_and_objects() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            assert!(parse_object("claims", nested(16, open, close).as_bytes()).is_ok());
            assert!(reason(nested(17, open, close)).contains("16 levels"));
            assert!(reason(nested(1000, open, close)).contains("16 levels"));
        }
        assert!(reason("[".repeat(8000)).contains("16 levels"));
    }

    #[test]
    fn what_is_not_one_json_object_is_refused() {
        for bad in [
            "",
            " ",
            "null",
            "1",
            "\"a\"",
            "[]",
            "[{}]",
            "{",
            "{}{}",
            "{} x",
            "{}\0",
            "\u{feff}{}",
            "{\"a\":1,}",
            "{a:1}",
            "{'a':1}",
            "{\"a\":01}",
            "{\"a\":+1}",
            "{\"a\":.5}",
            "{\"a\":1.}",
            "{\"a\":0x1}",
            "{\"a\":NaN}",
            "{\"a\":Infinity}",
            "{\"a\":-Infinity}",
            "{\"a\":1e400}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\\x41\"}",
            "{\"a\" 1}",
            "{\"a\":1 /* no */}",
            "// no\n{}",
            "{1:1}",
            "{\"a\":tru}",
            "\u{a0}{}",
        ] {
            assert!(parse_object("claims", bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_refused() {
        assert!(reason(b"{\"a\":\"\xff\"}").contains("UTF-8"));
        assert!(reason(b"{\"a\":\"\xc0\xaf\"}").contains("UTF-8"), "overlong");
        assert!(reason(b"{\"a\":\"\xed\xa0\x80\"}").contains("UTF-8"), "a surrogate");
        assert!(reason(b"\xff\xfe{\0}\0").contains("UTF-8"), "UTF-16");
    }

    #[test]
    fn a_reason_quotes_nothing_of_the_token() {
        for bad in [
            r#"["s3cr3t"]"#,
            r#""s3cr3t""#,
            r#"{"s3cr3t":1,"s3cr3t":1}"#,
            r#"{"a":"s3cr3t}"#,
            r#"{"a":s3cr3t}"#,
        ] {
            assert!(!reason(bad).contains("s3cr3t"), "{bad}");
        }
    }
}
