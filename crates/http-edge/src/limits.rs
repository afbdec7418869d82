//! Limits per minute: how often a principal may ask, and how often a source may fail.

mod announce;
mod failures;
mod rate;
mod windows;

pub(crate) use announce::Announced;
pub use failures::{FailedAttempt, FailureLimiter};
pub use rate::{Decision, Moment, RateLimiter};
