//! JSON text as a tree, more strictly than `serde_json::Value`: no name twice, limited depth.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::harmless;

/// Most levels of objects and arrays; the outermost object is the first.
const MAX_DEPTH: usize = 16;

/// Any JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
    Array(Vec<Self>),
    Object(BTreeMap<String, Self>),
}

/// Parses one JSON object, or says in a sentence what is wrong.
pub(super) fn parse(text: &[u8]) -> Result<Json, String> {
    if text.starts_with(b"\xef\xbb\xbf") {
        return Err("Send the body without a byte order mark.".to_owned());
    }
    let mut json = serde_json::Deserializer::from_slice(text);
    let tree = Levels(MAX_DEPTH).deserialize(&mut json).and_then(|tree| json.end().map(|()| tree));
    match tree {
        Ok(object @ Json::Object(_)) => Ok(object),
        Ok(_) => Err("Send the body as one JSON object.".to_owned()),
        Err(error) => Err(format!("Send the body as valid JSON: {error}.")),
    }
}

/// So many levels may still be opened.
#[derive(Clone, Copy)]
struct Levels(usize);

impl Levels {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        let left = self.0.checked_sub(1);
        left.map(Self).ok_or_else(|| E::custom(format_args!("more than {MAX_DEPTH} levels")))
    }
}

impl<'de> DeserializeSeed<'de> for Levels {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Json, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Levels {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Signed(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Json, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = array.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        let inner = self.deeper()?;
        let mut members = BTreeMap::new();
        // Names are compared after their escapes are resolved.
        while let Some(name) = object.next_key::<String>()? {
            match members.entry(name) {
                Entry::Vacant(vacant) => {
                    vacant.insert(object.next_value_seed(inner)?);
                }
                Entry::Occupied(twice) => {
                    return Err(de::Error::custom(format_args!(
                        "the name \"{}\" stands twice",
                        harmless(twice.key())
                    )));
                }
            }
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(levels: usize, open: &str, close: &str) -> String {
        format!("{{\"a\":{}{}}}", open.repeat(levels - 1), close.repeat(levels - 1))
    }

    #[test]
    fn sixteen_levels_are_allowed_and_seventeen_are_not() {
        assert!(parse(nested(16, "[", "]").as_bytes()).is_ok());
        assert!(parse(nested(17, "[", "]").as_bytes()).unwrap_err().contains("16 levels"));
        let objects =
            |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        assert!(parse(objects(16).as_bytes()).is_ok());
        assert!(parse(objects(17).as_bytes()).is_err());
        assert!(parse(objects(100_000).as_bytes()).is_err());
    }

    #[test]
    fn a_name_stands_once_on_every_level_however_it_is_escaped() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"b":[{"a":1,"c":2,"a":3}]}"#,
            "{\"\u{1F600}\":1,\"\\ud83d\\ude00\":2}",
        ] {
            assert!(parse(text.as_bytes()).unwrap_err().contains("twice"), "{text}");
        }
        assert!(parse(br#"{"a":{"a":1},"b":{"a":1}}"#).is_ok());
    }

    #[test]
    fn what_is_not_exactly_one_json_object_is_refused() {
        let cases: [&[u8]; 22] = [
            b"",
            b" ",
            b"[]",
            b"null",
            b"\"a\"",
            b"1",
            b"{}{}",
            b"{} x",
            b"{",
            b"{\"a\":}",
            b"{\"a\":1,}",
            b"{'a':1}",
            b"{\"a\":NaN}",
            b"{\"a\":Infinity}",
            b"{\"a\":1e999}",
            b"{\"a\":01}",
            b"{\"a\":\"\xff\"}",
            b"{\"\xc0\xaf\":1}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"\\udc00\":1}",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\n\"}",
        ];
        for text in cases {
            assert!(parse(text).is_err(), "{:?}", String::from_utf8_lossy(text));
        }
        assert_eq!(parse(b" \t\r\n{} \n").unwrap(), Json::Object(BTreeMap::new()));
    }
}
