//! A strict JSON reader for request bodies, tokens, key sets and provider responses.
//!
//! [`parse`] reads bytes as one JSON object. It limits nesting and rejects duplicate names and
//! trailing data. [`fit`] deserializes that object and reports the path of the first invalid field.

mod fit;
mod parse;
mod printable;

pub use fit::{Misfit, UnknownFields, fit};
pub use parse::{ParseError, parse};
pub use printable::printable;
pub use serde_json::Value;

/// Members of a JSON object by name. Escapes are decoded: `"a"` and `"\u0061"` are the same name.
pub type Object = serde_json::Map<String, Value>;
