//! The system's clock.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use billing_domain::Timestamp;
use billing_domain::ports::Clock;

/// Reads the system's clock. Times before 1970 become 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(0).plus(since)
    }
}

/// Returns the clock of the process.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}
