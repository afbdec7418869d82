//! Holds every recorded exchange with Stripe's API against Stripe's published schema: what `schema-guard` does.
//!
//! It is stricter than the schema: a property that the schema does not know is a fault at every level, unless
//! `data/stripe/newer-than-schema.toml` lists it; which of several alternatives an object has to fit is decided by what its
//! `object` says it is; and what an event is about has to fit its own schema, where Stripe's says "any object".

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
