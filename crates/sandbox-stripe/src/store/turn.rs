//! Time moved forward on demand: everything that it does happens on the way, in its order and at its own hour.

use std::io;

use super::Store;
use crate::model::Timestamp;
use crate::state::{Change, State};

/// The furthest that time moves at once: two years, with a leap day.
const LONGEST_SECONDS: i64 = 731 * 24 * 60 * 60;

/// Time ends here, at the beginning of 2100: far from where the calendar does.
const END: Timestamp = 4_102_444_800;

/// How far time is to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// By so many seconds.
    By(i64),
    /// To this time.
    To(Timestamp),
}

/// Why time cannot move so.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoTurn {
    #[error("time only moves forward; it is {0} now")]
    Backward(Timestamp),
    #[error(
        "time moves by two years at most ({LONGEST_SECONDS} seconds); move it again from there"
    )]
    TooFar,
    #[error("time ends with the year 2099")]
    End,
    #[error(transparent)]
    Failed(#[from] io::Error),
}

impl Store {
    /// Moves the time; once this is done, all that time does until then has happened. Gives the time
    /// and by how many seconds it is ahead of the clock.
    pub(crate) fn turn(&self, turn: Turn) -> Result<(Timestamp, i64), NoTurn> {
        let now = self.now();
        let target = match turn {
            Turn::By(seconds) => now.saturating_add(seconds),
            Turn::To(time) => time,
        };
        if target < now {
            return Err(NoTurn::Backward(now));
        }
        if target - now > LONGEST_SECONDS {
            return Err(NoTurn::TooFar);
        }
        if target >= END {
            return Err(NoTurn::End);
        }
        // Time stops wherever something happens, so that it happens then, and as often as it is to.
        while let Some(stop) = self.read(State::next_due).filter(|stop| *stop <= target) {
            self.turn_to(stop)?;
            if self.read(State::next_due).is_some_and(|next| next <= stop) {
                tracing::error!("time stands still: what is due does not happen");
                break;
            }
        }
        self.turn_to(target)?;
        // What is due by now happens before anybody is told the time.
        self.read(|_| ());
        Ok((self.now(), self.offset()))
    }

    fn turn_to(&self, time: Timestamp) -> io::Result<()> {
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
    struct TurnedClock(AtomicI64);

    impl Clock for TurnedClock {
        fn now(&self) -> i64 {
            self.0.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn time_moves_forward_by_bounded_steps_and_goes_on_from_there() {
        let clock = Arc::new(TurnedClock(AtomicI64::new(1_800_000_000)));
        let store = Store::open(None, clock.clone(), "".into()).expect("opened");
        assert_eq!(store.turn(Turn::By(60)).expect("turned"), (1_800_000_060, 60));
        clock.0.fetch_add(5, Ordering::SeqCst);
        assert_eq!(store.now(), 1_800_000_065);
        assert_eq!(store.turn(Turn::To(1_800_000_065)).expect("not turned"), (1_800_000_065, 60));
        assert_eq!(store.turn(Turn::To(1_800_000_100)).expect("turned"), (1_800_000_100, 95));
        assert!(matches!(
            store.turn(Turn::To(1_800_000_099)),
            Err(NoTurn::Backward(1_800_000_100))
        ));
        assert!(matches!(store.turn(Turn::By(-1)), Err(NoTurn::Backward(_))));
        assert!(matches!(store.turn(Turn::By(LONGEST_SECONDS + 1)), Err(NoTurn::TooFar)));
        assert!(matches!(store.turn(Turn::By(i64::MAX)), Err(NoTurn::TooFar)));
        clock.0.store(END - 1_000, Ordering::SeqCst);
        assert!(matches!(store.turn(Turn::To(END)), Err(NoTurn::End)));
    }
}
