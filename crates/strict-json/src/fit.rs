//! [`fit`]: an object as a type, or the path of the first field that does not fit.

use std::collections::btree_map;
use std::fmt::{self, Display};
use std::slice;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Expected, IntoDeserializer, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::{Object, Value, printable};

/// What happens to fields that a type does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownFields {
    /// They are an error: the author meant something that this service would not do.
    Refuse,
    /// They are skipped: the author's format grows.
    Ignore,
}

/// Turns `object` into a `T`.
///
/// An array is taken only where `T` asks for a sequence. Unlike `serde_json`, a struct is never
/// read from an array. A type that takes any value (an untagged or internally tagged enum) takes
/// no array either.
///
/// # Errors
/// See [`Misfit`].
pub fn fit<T: DeserializeOwned>(object: Object, unknown: UnknownFields) -> Result<T, Misfit> {
    T::deserialize(Node { value: &Value::Object(object), unknown })
}

/// What does not fit, and where. `Display` is a sentence for the author of the object. It names
/// fields and quotes no values.
#[derive(Debug)]
pub struct Misfit {
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
        // Bounded: nesting is limited, and each step is cut where it is long.
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
        Self::new(Kind::Refused(printable(&message.to_string())))
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
        Self::new(Kind::Unknown).at(|| printable(field))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Kind::Missing).at(|| field.to_owned())
    }
}

/// Serde's words for what was expected, in JSON's words. Names of our types stay internal.
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

/// A value to deserialize from.
#[derive(Clone, Copy)]
struct Node<'a> {
    value: &'a Value,
    unknown: UnknownFields,
}

impl<'de> Node<'_> {
    fn visit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Unsigned(value) => visitor.visit_u64(*value),
            Value::Signed(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::String(value) => visitor.visit_str(value),
            Value::Object(members) => {
                let (rest, unknown) = (members.iter(), self.unknown);
                visitor.visit_map(Members { rest, unknown, current: None })
            }
            Value::Array(_) => Err(de::Error::invalid_type(Unexpected::Seq, &visitor)),
        }
    }

    fn visit_array<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.value {
            Value::Array(items) => {
                let (rest, unknown) = (items.iter(), self.unknown);
                visitor.visit_seq(Items { rest, unknown, index: 0 })
            }
            _ => self.visit(visitor),
        }
    }
}

impl<'de> de::Deserializer<'de> for Node<'_> {
    type Error = Misfit;

    /// Never offers an array: a type that takes any value would read a struct or an enum from it.
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
        match self.value {
            Value::Null => visitor.visit_none(),
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
        match self.value {
            Value::String(variant) => {
                let variant: StrDeserializer<'_, Misfit> = variant.as_str().into_deserializer();
                variant.deserialize_enum(name, variants, visitor)
            }
            _ => Err(Misfit::new(Kind::Wrong("a string".to_owned()))),
        }
    }

    /// A field that the type does not have.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.unknown {
            UnknownFields::Refuse => Err(Misfit::new(Kind::Unknown)),
            UnknownFields::Ignore => visitor.visit_unit(),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        tuple_struct map struct identifier
    }
}

struct Members<'a> {
    rest: btree_map::Iter<'a, String, Value>,
    unknown: UnknownFields,
    current: Option<(&'a String, &'a Value)>,
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
        seed.deserialize(Node { value, unknown: self.unknown })
            .map_err(|misfit| misfit.at(|| printable(name)))
    }
}

struct Items<'a> {
    rest: slice::Iter<'a, Value>,
    unknown: UnknownFields,
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
        seed.deserialize(Node { value: item, unknown: self.unknown })
            .map(Some)
            .map_err(|misfit| misfit.at(|| format!("[{index}]")))
    }
}

#[cfg(test)]
mod tests;
