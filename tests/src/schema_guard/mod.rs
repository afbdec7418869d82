//! The schema guard: checks every recorded exchange with Stripe's API against Stripe's published
//! schema.
//!
//! The guard is stricter than the schema:
//!
//! - A property that the schema does not have is a fault at every level, unless
//!   `data/stripe/newer-than-schema.toml` lists it.
//! - Of several alternatives, the `object` field selects the one that applies.
//! - The object of an event is checked by its own schema. Stripe's schema allows any object there.

mod form;
mod newer;
mod report;
mod subset;
mod translate;
mod validator;

#[cfg(test)]
mod tests;

pub use newer::Newer;
pub use report::Report;
pub use subset::{Operations, Subset};
pub use validator::SchemaValidator;
