//! Where the portal's "return" link leads: the one input that could send a user to an attacker.

mod authority;
mod error;
mod origin;
mod parse;
mod policy;

pub use error::ReturnUrlError;
pub use origin::{Origin, OriginPattern, OriginPatternError};
pub use parse::ReturnUrl;
pub use policy::{BroadOriginError, ReturnUrlPolicy};
