//! [`FixedClock`]: a clock that only tests move.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use billing_domain::Timestamp;
use billing_domain::ports::Clock;

/// A clock that shows one moment until a test moves it. Clones of its `Arc` share the time.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// Creates a clock that shows `moment`.
    #[must_use]
    pub fn at(moment: Timestamp) -> Self {
        Self(AtomicI64::new(moment.as_millis()))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let step = i64::try_from(by.as_millis()).expect("a step of less than 292 million years");
        self.0.fetch_add(step, Ordering::SeqCst);
    }

    /// Sets the clock to `moment`, forward or back.
    pub fn set(&self, moment: Timestamp) {
        self.0.store(moment.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_moves_only_on_request() {
        let clock = FixedClock::at(Timestamp::from_seconds(10));
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_millis(1500));
        assert_eq!(clock.now(), Timestamp::from_millis(11_500));
        clock.set(Timestamp::from_seconds(-1));
        assert_eq!(clock.now(), Timestamp::from_seconds(-1));
    }
}
