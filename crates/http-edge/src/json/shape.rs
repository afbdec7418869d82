//! A JSON tree as the type that a route asks for, with the path of whatever does not fit.

use std::collections::btree_map;
use std::fmt::{self, Display};
use std::slice;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Expected, IntoDeserializer, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::harmless;
use super::tree::Json;

/// Makes a `T` of `json`, or says in a sentence what does not fit.
pub(super) fn fit<T: DeserializeOwned>(json: &Json) -> Result<T, String> {
    T::deserialize(Node(json)).map_err(|misfit| misfit.to_string())
}

/// What does not fit, and where.
#[derive(Debug)]
struct Misfit {
    /// Innermost step first.
    path: Vec<String>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Unknown,
    Missing,
    Wrong(String),
    Refused(String),
}

impl Misfit {
    fn at(mut self, step: impl FnOnce() -> String) -> Self {
        self.path.push(step());
        self
    }

    fn new(kind: Kind) -> Self {
        Self { path: Vec::new(), kind }
    }
}

impl Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A body has at most 16 levels, and a step is cut where it is long: so is the whole.
        let mut path =
            self.path.iter().rev().fold(String::new(), |path, step| match step.starts_with('[') {
                true => path + step,
                false if path.is_empty() => step.clone(),
                false => path + "." + step,
            });
        path =
            if path.is_empty() { "The body".to_owned() } else { format!("The field \"{path}\"") };
        match &self.kind {
            Kind::Unknown => write!(f, "{path} is unknown: remove it or correct its name."),
            Kind::Missing => write!(f, "{path} is missing: add it."),
            Kind::Wrong(expected) => write!(f, "{path} must be {expected}."),
            Kind::Refused(reason) => write!(f, "{path} is refused: {reason}."),
        }
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(Kind::Refused(harmless(&message.to_string())))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Kind::Wrong(in_json(&expected.to_string())))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Kind::Wrong(in_json(&expected.to_string())))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::new(Kind::Wrong(in_json(&expected.to_string())))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Kind::Wrong(format!("one of {}", expected.join(", "))))
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::new(Kind::Unknown).at(|| harmless(field))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Kind::Missing).at(|| field.to_owned())
    }
}

/// Rust's words for what was expected, in JSON's words: names of our types are nobody's business.
fn in_json(expected: &str) -> String {
    let words = match expected {
        "a map" => "an object",
        "a sequence" => "an array",
        "unit" => "null",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" | "isize" => {
            "a whole number in range"
        }
        "f32" | "f64" => "a number",
        _ if expected.starts_with("struct ") => "an object",
        _ if expected.starts_with("a ") || expected.starts_with("an ") => expected,
        _ => "of another type",
    };
    words.to_owned()
}

#[derive(Clone, Copy)]
struct Node<'a>(&'a Json);

impl<'de> Node<'_> {
    fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Json::Null => visitor.visit_unit(),
            Json::Bool(value) => visitor.visit_bool(*value),
            Json::Unsigned(value) => visitor.visit_u64(*value),
            Json::Signed(value) => visitor.visit_i64(*value),
            Json::Float(value) => visitor.visit_f64(*value),
            Json::Text(value) => visitor.visit_str(value),
            Json::Object(members) => {
                visitor.visit_map(Members { rest: members.iter(), current: None })
            }
            Json::Array(_) => Err(de::Error::invalid_type(Unexpected::Seq, &visitor)),
        }
    }

    fn visit_array<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Json::Array(items) => visitor.visit_seq(Items { rest: items.iter(), index: 0 }),
            _ => self.visit(visitor),
        }
    }
}

impl<'de> de::Deserializer<'de> for Node<'_> {
    type Error = Misfit;

    /// Never shows an array: what takes any value would take it for a struct or an enum.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.visit(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.visit_array(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.visit_array(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Json::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.0 {
            Json::Text(variant) => {
                let variant: StrDeserializer<'_, Misfit> = variant.as_str().into_deserializer();
                variant.deserialize_enum(name, variants, visitor)
            }
            _ => Err(Misfit::new(Kind::Wrong("a string".to_owned()))),
        }
    }

    /// A field that the type does not have: it would be ignored, which is what strictness is against.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Misfit> {
        Err(Misfit::new(Kind::Unknown))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        tuple_struct map struct identifier
    }
}

struct Members<'a> {
    rest: btree_map::Iter<'a, String, Json>,
    current: Option<(&'a String, &'a Json)>,
}

impl<'de> de::MapAccess<'de> for Members<'_> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Misfit> {
        self.current = self.rest.next();
        let Some((name, _)) = self.current else { return Ok(None) };
        let name: StrDeserializer<'_, Misfit> = name.as_str().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        // Serde asks for a value only after a name.
        let Some((name, value)) = self.current.take() else {
            return Err(de::Error::custom("a value without a name"));
        };
        seed.deserialize(Node(value)).map_err(|misfit| misfit.at(|| harmless(name)))
    }
}

struct Items<'a> {
    rest: slice::Iter<'a, Json>,
    index: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Misfit> {
        let Some(item) = self.rest.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        seed.deserialize(Node(item)).map(Some).map_err(|misfit| misfit.at(|| format!("[{index}]")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::super::tree;
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Order {
        return_url: Option<String>,
        count: u8,
        flow: Option<Flow>,
        tags: Vec<String>,
        size: Option<Size>,
        limits: BTreeMap<String, u32>,
        pair: Option<(bool, f64)>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Flow {
        kind: String,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Size {
        Small,
        Large,
    }

    #[derive(Debug, Deserialize)]
    struct Tagged {
        #[serde(rename = "choice")]
        _choice: Choice,
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "type")]
    enum Choice {
        #[serde(rename = "a")]
        A,
    }

    fn order(text: &str) -> Result<Order, String> {
        fit(&tree::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn a_fitting_body_is_taken_whole() {
        let text = r#"{"returnUrl":"u","count":3,"flow":{"kind":"k"},"tags":["a"],"size":"large","limits":{"x":1},"pair":[true,1.5]}"#;
        let expected = Order {
            return_url: Some("u".to_owned()),
            count: 3,
            flow: Some(Flow { kind: "k".to_owned() }),
            tags: vec!["a".to_owned()],
            size: Some(Size::Large),
            limits: BTreeMap::from([("x".to_owned(), 1)]),
            pair: Some((true, 1.5)),
        };
        assert_eq!(order(text), Ok(expected));
        assert_eq!(order("{}"), Ok(Order::default()));
        assert_eq!(order(r#"{"returnUrl":null,"flow":null}"#), Ok(Order::default()));
        assert_eq!(order(r#"{"size":"small"}"#).unwrap().size, Some(Size::Small));
    }

    #[test]
    fn what_does_not_fit_is_named_by_its_path() {
        for (text, detail) in [
            (
                r#"{"return_url":"u"}"#,
                r#"The field "return_url" is unknown: remove it or correct its name."#,
            ),
            (
                r#"{"flow":{"kind":"k","x":[1]}}"#,
                r#"The field "flow.x" is unknown: remove it or correct its name."#,
            ),
            (r#"{"flow":{}}"#, r#"The field "flow.kind" is missing: add it."#),
            (r#"{"flow":["k"]}"#, r#"The field "flow" must be an object."#),
            (r#"{"flow":"k"}"#, r#"The field "flow" must be an object."#),
            (r#"{"flow":{"kind":1}}"#, r#"The field "flow.kind" must be a string."#),
            (r#"{"count":256}"#, r#"The field "count" must be a whole number in range."#),
            (r#"{"count":-1}"#, r#"The field "count" must be a whole number in range."#),
            (r#"{"count":null}"#, r#"The field "count" must be a whole number in range."#),
            (r#"{"tags":["a",2]}"#, r#"The field "tags[1]" must be a string."#),
            (r#"{"tags":{}}"#, r#"The field "tags" must be an array."#),
            (r#"{"size":"huge"}"#, r#"The field "size" must be one of small, large."#),
            (r#"{"size":{"small":null}}"#, r#"The field "size" must be a string."#),
            (r#"{"limits":{"a":"b"}}"#, r#"The field "limits.a" must be a whole number in range."#),
            (r#"{"returnUrl":["u"]}"#, r#"The field "returnUrl" must be a string."#),
        ] {
            assert_eq!(order(text).unwrap_err(), detail, "{text}");
        }
    }

    #[test]
    fn an_array_is_no_tagged_enum() {
        assert!(fit::<Tagged>(&tree::parse(br#"{"choice":["a"]}"#).unwrap()).is_err());
        assert!(fit::<Tagged>(&tree::parse(br#"{"choice":{"type":"a"}}"#).unwrap()).is_ok());
    }

    #[test]
    fn names_in_answers_are_short_and_hold_no_control_characters() {
        let detail = order(&format!(r#"{{"\u0007\n{}":1}}"#, "x".repeat(10_000))).unwrap_err();
        assert!(detail.len() < 200, "{detail}");
        assert!(!detail.chars().any(char::is_control) && detail.contains("\\u{7}\\n"), "{detail}");
    }
}
