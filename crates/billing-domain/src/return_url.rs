//! Return URLs: the only input that could redirect a user to an attacker.

mod authority;
mod error;
mod origin;
mod parse;
mod policy;

pub use error::ReturnUrlError;
pub use origin::{Origin, OriginPattern, OriginPatternError};
pub use parse::ReturnUrl;
pub use policy::{BroadOriginError, ReturnUrlPolicy};
