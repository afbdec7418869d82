//! Limits per minute: requests of a principal, and failed authentications of a source.

mod decision_slot;
mod failures;
mod rate;
mod windows;

pub(crate) use decision_slot::DecisionSlot;
pub use failures::{FailedAttempt, FailureLimiter};
pub use rate::{Decision, Moment, RateLimiter};
