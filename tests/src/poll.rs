//! Waiting for a fact, with a generous deadline: the only place that sleeps.

use std::time::{Duration, Instant};

/// How long a fact may take on a busy machine before a test gives up.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Asks again and again until there is an answer.
///
/// # Panics
/// When [`TIMEOUT`] is over; the message says what was waited for.
pub fn until<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    within(TIMEOUT, &mut probe).unwrap_or_else(|| panic!("waited {TIMEOUT:?} in vain for: {what}"))
}

/// Asks again and again until there is an answer or the time is over.
pub fn within<T>(time: Duration, probe: impl FnMut() -> Option<T>) -> Option<T> {
    at_interval(Duration::from_millis(10), time, probe)
}

/// The same with this pause between, where asking is work for those who are asked.
pub fn at_interval<T>(
    pause: Duration,
    time: Duration,
    mut probe: impl FnMut() -> Option<T>,
) -> Option<T> {
    let deadline = Instant::now() + time;
    loop {
        if let Some(found) = probe() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(pause);
    }
}

/// Waits for a moment, for those who send at a pace.
pub fn sleep_until(due: Instant) {
    std::thread::sleep(due.saturating_duration_since(Instant::now()));
}
