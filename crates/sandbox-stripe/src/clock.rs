//! The clock, replaceable in tests.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// The source of the sandbox's time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns seconds since the Unix epoch, the unit of every time in Stripe's API.
    fn now(&self) -> i64;
}

/// The system clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |elapsed| i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
    }
}
