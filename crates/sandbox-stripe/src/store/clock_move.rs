//! Moves the clock forward on request, and applies everything due on the way at its own time.

use std::io;

use super::Store;
use crate::model::Timestamp;
use crate::state::{Change, State};

/// Maximum step: two years, with a leap day.
const MAX_STEP_SECONDS: i64 = 731 * 24 * 60 * 60;

/// The latest time, the beginning of 2100. The calendar ends much later.
const END: Timestamp = 4_102_444_800;

/// The requested movement of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClockMove {
    /// By this number of seconds.
    By(i64),
    /// To this time.
    To(Timestamp),
}

/// The reason why the clock cannot move.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClockError {
    #[error("the clock only moves forward; the time is {0}")]
    Backward(Timestamp),
    #[error("the clock moves by at most two years ({MAX_STEP_SECONDS} seconds) per request")]
    TooFar,
    #[error("the clock ends with the year 2099")]
    End,
    #[error(transparent)]
    Failed(#[from] io::Error),
}

impl Store {
    /// Moves the clock and applies everything that is due. Returns the time and the seconds by
    /// which it is ahead of the system clock.
    pub(crate) fn advance(&self, clock_move: ClockMove) -> Result<(Timestamp, i64), ClockError> {
        let now = self.now();
        let target = match clock_move {
            ClockMove::By(seconds) => now.saturating_add(seconds),
            ClockMove::To(time) => time,
        };
        if target < now {
            return Err(ClockError::Backward(now));
        }
        if target - now > MAX_STEP_SECONDS {
            return Err(ClockError::TooFar);
        }
        if target >= END {
            return Err(ClockError::End);
        }
        // Stop at each due time, so that everything happens at its own time and as often as due.
        while let Some(stop) = self.read(State::next_due).filter(|stop| *stop <= target) {
            self.advance_to(stop)?;
            if self.read(State::next_due).is_some_and(|next| next <= stop) {
                tracing::error!("moving the clock stopped: due work makes no progress");
                break;
            }
        }
        self.advance_to(target)?;
        // Apply everything that is due now before returning.
        self.read(|_| ());
        Ok((self.now(), self.offset()))
    }

    fn advance_to(&self, time: Timestamp) -> io::Result<()> {
        self.transact(|transaction| {
            let offset = transaction.state().clock_offset;
            let ahead = time.saturating_sub(self.now()).max(0);
            if ahead > 0 {
                transaction.put(Change::ClockOffset(offset.saturating_add(ahead)));
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::clock::Clock;

    #[derive(Debug)]
    struct MovableClock(AtomicI64);

    impl Clock for MovableClock {
        fn now(&self) -> i64 {
            self.0.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn clock_moves_forward_in_bounded_steps_and_then_keeps_running() {
        let clock = Arc::new(MovableClock(AtomicI64::new(1_800_000_000)));
        let store = Store::open(None, clock.clone(), "".into()).expect("opened");
        assert_eq!(store.advance(ClockMove::By(60)).expect("moved"), (1_800_000_060, 60));
        clock.0.fetch_add(5, Ordering::SeqCst);
        assert_eq!(store.now(), 1_800_000_065);
        assert_eq!(
            store.advance(ClockMove::To(1_800_000_065)).expect("not moved"),
            (1_800_000_065, 60)
        );
        assert_eq!(
            store.advance(ClockMove::To(1_800_000_100)).expect("moved"),
            (1_800_000_100, 95)
        );
        assert!(matches!(
            store.advance(ClockMove::To(1_800_000_099)),
            Err(ClockError::Backward(1_800_000_100))
        ));
        assert!(matches!(store.advance(ClockMove::By(-1)), Err(ClockError::Backward(_))));
        assert!(matches!(
            store.advance(ClockMove::By(MAX_STEP_SECONDS + 1)),
            Err(ClockError::TooFar)
        ));
        assert!(matches!(store.advance(ClockMove::By(i64::MAX)), Err(ClockError::TooFar)));
        clock.0.store(END - 1_000, Ordering::SeqCst);
        assert!(matches!(store.advance(ClockMove::To(END)), Err(ClockError::End)));
    }
}
