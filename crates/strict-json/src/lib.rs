//! A strict JSON reader for request bodies, tokens, key sets and provider answers.
//!
//! [`parse`] reads bytes as one JSON object: bounded nesting, every name once, nothing before or
//! after it. [`fit`] turns that object into a type and reports the path of the first field that
//! does not fit.

mod fit;
mod parse;
mod printable;

pub use fit::{Misfit, UnknownFields, fit};
pub use parse::{ParseError, parse};
pub use printable::printable;
pub use serde_json::Value;

/// The members of an object by name. Escapes are resolved: `"a"` and `"\u0061"` are one name.
pub type Object = serde_json::Map<String, Value>;
