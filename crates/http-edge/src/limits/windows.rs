//! Counts per key in windows of a minute, in bounded memory.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a window lasts.
pub(super) const WINDOW: Duration = Duration::from_secs(60);

/// Independent parts, each with a lock of its own.
const SHARDS: usize = 64;

/// How many windows that are over leave for one that begins: more than one, so that they do not pile up.
const SWEEP: usize = 2;

/// A count per key. A key's window begins with its first turn and lasts a minute; the first turn after it begins the next.
///
/// Keys are kept as fingerprints under a key of this process, 64 bits each: no two of some thousand keys share one but by
/// a chance in 2^40, nobody outside can look for such a pair, and what was counted cannot be read from memory.
///
/// A shard that is full gives up its oldest window, the one that would end first. So nobody can be singled out: to
/// have one window forgotten early, a whole table of others must begin within the same minute.
pub(super) struct Windows {
    fingerprints: RandomState,
    shards: Box<[Mutex<Shard>]>,
    /// Most windows in one shard.
    room: usize,
    /// What is limited, for the metric.
    what: &'static str,
}

/// What came of one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// It was within the limit, and is counted.
    pub(super) granted: bool,
    /// Further turns that would be granted in this window.
    pub(super) left: u32,
    /// Until the window is over and all turns are back.
    pub(super) rest: Duration,
}

#[derive(Default)]
struct Shard {
    windows: HashMap<u64, Window>,
    /// When each window began. As all of them last alike, they also end in this order. A window that a later one of its
    /// key has replaced stays listed until it reaches the front.
    begun: VecDeque<(Instant, u64)>,
    latest: Option<Instant>,
}

struct Window {
    begun: Instant,
    taken: u32,
}

impl fmt::Debug for Windows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Windows")
            .field("what", &self.what)
            .field("room", &(self.room * SHARDS))
            .finish_non_exhaustive()
    }
}

impl Windows {
    /// Room for about this many keys a minute.
    pub(super) fn new(what: &'static str, keys: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { fingerprints: RandomState::new(), shards, room: keys.div_ceil(SHARDS).max(1), what }
    }

    /// Takes one of the key's turns, if one is left.
    pub(super) fn take(&self, key: &(impl Hash + ?Sized), limit: NonZeroU32, at: Instant) -> Turn {
        let fingerprint = self.fingerprints.hash_one(key);
        let (turn, forgotten) = {
            // No code panics while it holds the lock, and a shard is valid after each statement.
            let mut shard = self.shard(fingerprint).lock().unwrap_or_else(PoisonError::into_inner);
            shard.take(fingerprint, limit, at, self.room)
        };
        if forgotten {
            metrics::counter!("limit_windows_forgotten_total", "limit" => self.what).increment(1);
        }
        turn
    }

    fn shard(&self, fingerprint: u64) -> &Mutex<Shard> {
        &self.shards[fingerprint as usize % SHARDS]
    }
}

impl Shard {
    /// The turn, and whether another key's window had to be forgotten for it.
    fn take(&mut self, key: u64, limit: NonZeroU32, at: Instant, room: usize) -> (Turn, bool) {
        // Whoever waited for the lock brings an earlier moment than who had it; the order of windows must not suffer.
        let at = self.latest.map_or(at, |latest| latest.max(at));
        self.latest = Some(at);
        if let Some(window) = self.windows.get_mut(&key).filter(|window| !is_over(window.begun, at))
        {
            return (window.take(limit, at), false);
        }
        let forgotten = self.make_room(at, room);
        let mut window = Window { begun: at, taken: 0 };
        let turn = window.take(limit, at);
        self.windows.insert(key, window);
        self.begun.push_back((at, key));
        (turn, forgotten)
    }

    /// Lets windows go that are over, and the oldest one if none is and there is no room.
    ///
    /// The list never outgrows `room`: replaced windows are over, so that as long as one is listed the front is over, too,
    /// and leaves.
    fn make_room(&mut self, at: Instant, room: usize) -> bool {
        for _ in 0..SWEEP {
            let Some(&(begun, key)) = self.begun.front() else { break };
            let over = is_over(begun, at);
            if !over && self.begun.len() < room {
                break;
            }
            self.begun.pop_front();
            if self.windows.get(&key).is_some_and(|window| window.begun == begun) {
                self.windows.remove(&key);
            }
            if !over {
                return true;
            }
        }
        false
    }
}

impl Window {
    fn take(&mut self, limit: NonZeroU32, at: Instant) -> Turn {
        let granted = self.taken < limit.get();
        self.taken += u32::from(granted);
        let left = limit.get().saturating_sub(self.taken);
        Turn {
            granted,
            left,
            rest: WINDOW.saturating_sub(at.saturating_duration_since(self.begun)),
        }
    }
}

fn is_over(begun: Instant, at: Instant) -> bool {
    at.saturating_duration_since(begun) >= WINDOW
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use proptest::prelude::*;

    use super::*;

    const MINUTE: u64 = 60_000;

    fn limit(limit: u32) -> NonZeroU32 {
        NonZeroU32::new(limit).unwrap()
    }

    impl Windows {
        /// Windows that are kept, the most that any shard lists, and bytes that all of it may take.
        fn size(&self) -> (usize, usize, usize) {
            let mut size = (0, 0, 0);
            for shard in &self.shards {
                let shard = shard.lock().unwrap();
                size.0 += shard.windows.len();
                size.1 = size.1.max(shard.begun.len());
                // A table takes one byte a slot beside the slots, of which it leaves an eighth free.
                size.2 += shard.windows.capacity() * 8 / 7 * (size_of::<(u64, Window)>() + 1)
                    + shard.begun.capacity() * size_of::<(Instant, u64)>();
            }
            size
        }
    }

    #[test]
    fn q1_a_window_begins_with_the_first_turn_and_ends_a_minute_later() {
        let (windows, start) = (Windows::new("test", 100), Instant::now());
        let take = |millis| windows.take("key", limit(2), start + Duration::from_millis(millis));
        let turn = |granted, left, rest| Turn { granted, left, rest: Duration::from_millis(rest) };
        assert_eq!(take(0), turn(true, 1, MINUTE));
        assert_eq!(take(10_000), turn(true, 0, 50_000));
        assert_eq!(take(10_001), turn(false, 0, 49_999));
        assert_eq!(take(59_999), turn(false, 0, 1));
        assert_eq!(take(60_000), turn(true, 1, MINUTE));
        assert_eq!(take(300_000), turn(true, 1, MINUTE));
    }

    #[test]
    fn q1_a_moment_from_before_the_lock_changes_nothing() {
        let (windows, start) = (Windows::new("test", 100), Instant::now());
        windows.take("key", limit(2), start + WINDOW);
        let late = windows.take("key", limit(2), start);
        assert_eq!(late, Turn { granted: true, left: 0, rest: WINDOW });

        let mut shard = Shard::default();
        shard.take(1, limit(2), start + WINDOW, 100);
        shard.take(2, limit(2), start, 100);
        assert_eq!(shard.begun, [(start + WINDOW, 1), (start + WINDOW, 2)]);
    }

    #[test]
    fn q1_a_million_keys_take_bounded_memory_and_leave_in_order() {
        let (windows, start) = (Windows::new("test", 100_000), Instant::now());
        let mut most = 0;
        for key in 0..1_000_000_u64 {
            // All of them within one minute: nothing is over before the end.
            assert!(windows.take(&key, limit(5), start + Duration::from_micros(key * 50)).granted);
            if key % 50_000 == 0 {
                most = most.max(windows.size().2);
            }
        }
        let (kept, listed, bytes) = windows.size();
        assert!(
            kept <= windows.room * SHARDS && listed <= windows.room,
            "{kept} windows, {listed} listed"
        );
        assert!(most.max(bytes) < 12 << 20, "{bytes} bytes, {most} at most");
        // The latest are still known, the earliest are forgotten.
        let end = start + Duration::from_secs(50);
        assert_eq!(windows.take(&999_999_u64, limit(5), end).left, 3);
        assert_eq!(windows.take(&0_u64, limit(5), end).left, 4);
    }

    #[test]
    fn q1_a_window_outlives_a_flood_that_does_not_fill_the_table() {
        let (windows, start) = (Windows::new("test", 10_000), Instant::now());
        let first = windows.take("victim", limit(1), start);
        assert!(first.granted);
        for key in 0..8_000_u32 {
            windows.take(&key, limit(1), start + Duration::from_millis(u64::from(key)));
        }
        assert!(!windows.take("victim", limit(1), start + Duration::from_secs(59)).granted);
    }

    #[test]
    fn q1_what_is_over_makes_room_before_anything_else() {
        let (windows, start) = (Windows::new("test", SHARDS), Instant::now());
        for minute in 0..50 {
            for key in 0..10_u32 {
                let turn = windows.take(&key, limit(3), start + WINDOW * minute);
                assert!(turn.granted);
            }
            assert!(windows.size().1 <= windows.room);
        }
    }

    #[test]
    fn q1_a_flood_that_is_over_leaves_twice_as_fast_as_others_come() {
        let (mut shard, start) = (Shard::default(), Instant::now());
        (0..1_000).for_each(|key| _ = shard.take(key, limit(1), start, 1_000));
        (1_000..1_500).for_each(|key| _ = shard.take(key, limit(1), start + WINDOW, 1_000));
        assert_eq!((shard.windows.len(), shard.begun.len()), (500, 500));
    }

    #[test]
    fn q1_of_many_at_once_exactly_the_limit_passes() {
        let (windows, start, granted) =
            (Windows::new("test", 100), Instant::now(), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for thread in 0..10_u64 {
                let (windows, granted) = (&windows, &granted);
                scope.spawn(move || {
                    for turn in 0..1_000 {
                        let at = start + Duration::from_millis(turn * 10 + thread);
                        granted.fetch_add(
                            u32::from(windows.take("key", limit(1_000), at).granted),
                            Ordering::Relaxed,
                        );
                    }
                });
            }
        });
        assert_eq!(granted.into_inner(), 1_000);
    }

    proptest! {
        #[test]
        fn q1_windows_are_what_a_list_of_grants_says(
            turns in proptest::collection::vec((0..12_u64, prop_oneof![0..2_000_u64, 0..70_000_u64]), 1..300),
            most in 1..5_u32,
        ) {
            let (mut shard, start) = (Shard::default(), Instant::now());
            let mut grants: HashMap<u64, Vec<u64>> = HashMap::new();
            let mut now = 0;
            for (key, pause) in turns {
                now += pause;
                let (turn, forgotten) = shard.take(key, limit(most), start + Duration::from_millis(now), 12);
                prop_assert!(!forgotten, "there was room for all");
                let window = grants.entry(key).or_default();
                if window.first().is_some_and(|first| first + MINUTE <= now) {
                    window.clear();
                }
                let granted = window.len() < most as usize;
                if granted {
                    window.push(now);
                }
                let expected = Turn {
                    granted,
                    left: most - window.len() as u32,
                    rest: Duration::from_millis(window[0] + MINUTE - now),
                };
                prop_assert_eq!(turn, expected);
            }
        }

        #[test]
        fn q1_no_sequence_of_turns_outgrows_the_room(
            turns in proptest::collection::vec((0..200_u64, 0..5_000_u64), 1..600),
            room in 1..100_usize,
        ) {
            let (mut shard, start) = (Shard::default(), Instant::now());
            let mut now = 0;
            for (key, pause) in turns {
                now += pause;
                shard.take(key, limit(3), start + Duration::from_millis(now), room);
                prop_assert!(shard.windows.len() <= shard.begun.len() && shard.begun.len() <= room);
                prop_assert!(shard.windows.contains_key(&key));
                prop_assert!(shard.begun.iter().is_sorted_by_key(|(begun, _)| begun));
            }
        }
    }
}
