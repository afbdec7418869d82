//! The clock port.

use std::fmt::Debug;

use crate::Timestamp;

/// The source of the current time. The domain reads only this clock, so tests can control it.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Clock: Debug + Send + Sync + 'static {
    /// Returns the current time (UTC).
    fn now(&self) -> Timestamp;
}
