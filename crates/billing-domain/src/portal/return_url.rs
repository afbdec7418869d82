//! Where the portal's "return" link leads: the one input that could send a user to an attacker.

mod origin;
mod parse;
mod policy;

pub use origin::{Origin, OriginPattern, OriginPatternError};
pub use parse::{ReturnUrl, ReturnUrlError};
pub use policy::{ReturnUrlPolicy, TooBroad};
