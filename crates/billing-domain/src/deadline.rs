//! The deadline of a request, shared by all its steps.

use std::time::{Duration, Instant};

/// The time by which the request must be complete, retries included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// Creates a deadline at this instant.
    #[must_use]
    pub const fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// Creates a deadline after this duration. For work outside of requests.
    #[must_use]
    pub fn after(budget: Duration) -> Self {
        Self(Instant::now() + budget)
    }

    /// Returns the instant.
    #[must_use]
    pub const fn instant(self) -> Instant {
        self.0
    }

    /// Returns the remaining time at `now`; zero after the deadline.
    #[must_use]
    pub fn remaining(self, now: Instant) -> Duration {
        self.0.saturating_duration_since(now)
    }
}
