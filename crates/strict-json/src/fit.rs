//! [`fit`] deserializes an object and reports the path of the first invalid field.

use std::fmt::{self, Display};

use serde::de::value::{MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{self, DeserializeOwned, Expected, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use serde_path_to_error::{Path, Segment};

use crate::{Object, Value, printable};

/// How [`fit`] treats fields that the type does not declare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownFields {
    /// Returns an error. The client may expect an effect that this service does not have.
    Refuse,
    /// Skips them. The sender may add fields to its format.
    Ignore,
}

/// A field that does not match its type, with its path. `Display` is a sentence for the sender.
/// It names fields and never quotes values.
#[derive(Debug)]
pub struct Misfit(serde_path_to_error::Error<Reason>);

/// Deserializes `object` into a `T`.
///
/// Arrays are accepted only where `T` is a sequence. Unlike in `serde_json`, no struct and no
/// untagged or internally tagged enum is read from an array.
///
/// # Errors
/// See [`Misfit`].
pub fn fit<T: DeserializeOwned>(object: Object, unknown: UnknownFields) -> Result<T, Misfit> {
    let value = Value::Object(object);
    serde_path_to_error::deserialize(Node { value: &value, unknown }).map_err(Misfit)
}

/// Why a value does not match its type.
#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("is unknown: remove it or correct its name.")]
    Unknown(Option<String>),
    #[error("is missing: add it.")]
    Missing(&'static str),
    #[error("must be {0}.")]
    Wrong(String),
    #[error("is invalid: {0}.")]
    Refused(String),
}

impl Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.0.inner();
        let mut path = format_path(self.0.path());
        match reason {
            Reason::Missing(field) => push(&mut path, field),
            // The path already ends with an unknown field, except inside an enum.
            Reason::Unknown(Some(field)) if !path.ends_with(field.as_str()) => {
                push(&mut path, field);
            }
            _ => {}
        }
        match path.as_str() {
            "" => write!(f, "The body {reason}"),
            path => write!(f, "The field \"{path}\" {reason}"),
        }
    }
}

impl std::error::Error for Misfit {}

/// Formats the path with truncated segments. Limited nesting bounds the total length.
fn format_path(path: &Path) -> String {
    let mut format_path = String::new();
    for segment in path {
        match segment {
            Segment::Map { key } => push(&mut format_path, &printable(key)),
            Segment::Seq { index } => format_path.push_str(&format!("[{index}]")),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    format_path
}

fn push(path: &mut String, field: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(field);
}

impl de::Error for Reason {
    fn custom<T: Display>(message: T) -> Self {
        Self::Refused(printable(&message.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Wrong(json_type(&expected.to_string()))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Wrong(json_type(&expected.to_string()))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::Wrong(json_type(&expected.to_string()))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::Wrong(format!("one of {}", expected.join(", ")))
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::Unknown(Some(printable(field)))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

/// Translates serde's type description into JSON terms. Rust type names stay internal.
fn json_type(expected: &str) -> String {
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

/// A JSON value as a deserializer.
#[derive(Clone, Copy)]
struct Node<'a> {
    value: &'a Value,
    unknown: UnknownFields,
}

impl<'a> Node<'a> {
    const fn inner(self, value: &'a Value) -> Self {
        Self { value, ..self }
    }

    fn visit_array<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reason> {
        match self.value {
            Value::Array(items) => {
                visitor.visit_seq(SeqDeserializer::new(items.iter().map(|item| self.inner(item))))
            }
            _ => de::Deserializer::deserialize_any(self, visitor),
        }
    }
}

impl<'de> IntoDeserializer<'de, Reason> for Node<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> de::Deserializer<'de> for Node<'_> {
    type Error = Reason;

    /// Rejects arrays: an untagged type could otherwise read a struct or an enum from one.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reason> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (_, Some(number)) => visitor.visit_i64(number),
                _ => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_str(text),
            Value::Object(members) => {
                let members =
                    members.iter().map(|(name, value)| (name.as_str(), self.inner(value)));
                visitor.visit_map(MapDeserializer::new(members))
            }
            Value::Array(_) => Err(de::Error::invalid_type(Unexpected::Seq, &visitor)),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reason> {
        self.visit_array(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Reason> {
        self.visit_array(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reason> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Reason> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Reason> {
        match self.value {
            Value::String(variant) => {
                let variant: StrDeserializer<'_, Reason> = variant.as_str().into_deserializer();
                variant.deserialize_enum(name, variants, visitor)
            }
            _ => Err(Reason::Wrong("a string".to_owned())),
        }
    }

    /// Handles a field that the type does not declare.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Reason> {
        match self.unknown {
            UnknownFields::Refuse => Err(Reason::Unknown(None)),
            UnknownFields::Ignore => visitor.visit_unit(),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        tuple_struct map struct identifier
    }
}

#[cfg(test)]
mod tests;
