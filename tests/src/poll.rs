//! Polling with a generous timeout. No other code of the tests sleeps.

use std::time::{Duration, Instant};

/// Timeout of a condition. It is generous for busy machines.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// Polls until the probe returns a value.
///
/// # Panics
/// When [`TIMEOUT`] is over. The message names the condition.
pub fn until<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    within(TIMEOUT, &mut probe)
        .unwrap_or_else(|| panic!("timed out after {TIMEOUT:?} waiting for: {what}"))
}

/// Polls until the probe returns a value or the time is over.
pub fn within<T>(time: Duration, probe: impl FnMut() -> Option<T>) -> Option<T> {
    at_interval(Duration::from_millis(10), time, probe)
}

/// Polls at this interval, for probes that cause load.
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

/// Sleeps until a point in time, for senders with a fixed rate.
pub fn sleep_until(due: Instant) {
    std::thread::sleep(due.saturating_duration_since(Instant::now()));
}
