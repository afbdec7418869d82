//! The clock port.

use std::fmt::Debug;

use crate::Timestamp;

/// Tells the time of day. Logic never reads a clock of its own, so that tests can stop it.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Clock: Debug + Send + Sync + 'static {
    /// The present moment, UTC.
    fn now(&self) -> Timestamp;
}
