//! [`parse`] reads an [`Object`] from bytes, more strictly than `serde_json::Value`.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::Entry;

use crate::{Object, Value};

/// Why [`parse`] rejected its input. `Display` shows positions and never quotes the input.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// The bytes start with U+FEFF.
    #[error("a byte order mark before the object")]
    ByteOrderMark,
    /// The bytes are not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
    /// The bytes are valid JSON of another type.
    #[error("not a JSON object")]
    NotAnObject,
    /// An object repeats a name. RFC 8259, section 4, leaves its meaning undefined.
    #[error("{at}")]
    DuplicateName {
        /// The raw name. Escape it with [`printable`](crate::printable) before you show it.
        name: String,
        /// The message with its position.
        at: serde_json::Error,
    },
    /// The bytes are not valid JSON, are nested too deep, or continue after the object.
    #[error(transparent)]
    Syntax(serde_json::Error),
}

/// Reads `bytes` as one JSON object with at most `max_levels` levels of objects and arrays. The
/// outermost object is the first level.
///
/// # Errors
/// See [`ParseError`].
pub fn parse(bytes: &[u8], max_levels: usize) -> Result<Object, ParseError> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(ParseError::ByteOrderMark);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| ParseError::NotUtf8)?;
    let mut json = serde_json::Deserializer::from_str(text);
    let duplicate = Cell::new(None);
    let level = Level { max: max_levels, left: max_levels, duplicate: &duplicate };
    match level.deserialize(&mut json).and_then(|value| json.end().map(|()| value)) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ParseError::NotAnObject),
        Err(error) => Err(match duplicate.take() {
            Some(name) => ParseError::DuplicateName { name, at: error },
            None => ParseError::Syntax(error),
        }),
    }
}

/// Reads one value with at most `left` nested levels.
#[derive(Clone, Copy)]
struct Level<'a> {
    max: usize,
    left: usize,
    /// Receives the duplicate name, because parser errors carry text only.
    duplicate: &'a Cell<Option<String>>,
}

impl Level<'_> {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        match self.left.checked_sub(1) {
            Some(left) => Ok(Self { left, ..self }),
            None => Err(E::custom(format_args!("more than {} levels", self.max))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = array.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut members = Object::new();
        // The parser has already decoded the escapes of the name.
        while let Some(name) = object.next_key::<String>()? {
            match members.entry(name) {
                Entry::Vacant(vacant) => {
                    vacant.insert(object.next_value_seed(inner)?);
                }
                Entry::Occupied(occupied) => {
                    self.duplicate.set(Some(occupied.key().clone()));
                    return Err(de::Error::custom("a name appears twice"));
                }
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests;
