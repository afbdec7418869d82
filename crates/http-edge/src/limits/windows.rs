//! [`Windows`] counts per key in windows of a minute, in bounded memory.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Length of a window.
pub(super) const WINDOW: Duration = Duration::from_secs(60);

/// Number of shards. Each shard has its own lock.
const SHARDS: usize = 64;

/// Expired windows evicted per new window. More than one, so that they do not accumulate.
const SWEEP: usize = 2;

/// Counters per key. A key's window begins with its first use and lasts a minute. The first use
/// after it begins the next window.
///
/// Keys are stored as 64-bit fingerprints under a random key of this process. A collision among
/// some thousand keys has a probability of 2^-40, attackers cannot search for one, and memory
/// reveals no keys.
///
/// A full shard evicts its oldest window. To evict one window early, an attacker must fill a whole
/// table within the same minute, so no single key can be targeted.
pub(super) struct Windows {
    fingerprints: RandomState,
    shards: Box<[Mutex<Shard>]>,
    /// Maximum windows per shard.
    capacity: usize,
    /// Value of the `limit` label of the metric.
    label: &'static str,
}

/// The result of one use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Usage {
    /// The use was within the limit and is counted.
    pub(super) granted: bool,
    /// Further uses that this window grants.
    pub(super) remaining: u32,
    /// Time until the window ends.
    pub(super) resets_in: Duration,
}

#[derive(Default)]
struct Shard {
    windows: HashMap<u64, Window>,
    /// Start of each window. All windows have the same length, so they also end in this sequence. A
    /// replaced window stays in the queue until it reaches the front.
    started: VecDeque<(Instant, u64)>,
    latest: Option<Instant>,
}

struct Window {
    started: Instant,
    used: u32,
}

impl fmt::Debug for Windows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Windows")
            .field("label", &self.label)
            .field("capacity", &(self.capacity * SHARDS))
            .finish_non_exhaustive()
    }
}

impl Windows {
    /// Creates counters for about `keys` keys a minute.
    pub(super) fn new(label: &'static str, keys: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self {
            fingerprints: RandomState::new(),
            shards,
            capacity: keys.div_ceil(SHARDS).max(1),
            label,
        }
    }

    /// Records one use of the key if the limit allows it.
    pub(super) fn record(
        &self,
        key: &(impl Hash + ?Sized),
        limit: NonZeroU32,
        at: Instant,
    ) -> Usage {
        let fingerprint = self.fingerprints.hash_one(key);
        let (usage, evicted) = {
            // No code panics while it holds the lock, and a shard is valid after each statement.
            let mut shard = self.shard(fingerprint).lock().unwrap_or_else(PoisonError::into_inner);
            shard.record(fingerprint, limit, at, self.capacity)
        };
        if evicted {
            metrics::counter!("limit_windows_forgotten_total", "limit" => self.label).increment(1);
        }
        usage
    }

    fn shard(&self, fingerprint: u64) -> &Mutex<Shard> {
        &self.shards[fingerprint as usize % SHARDS]
    }
}

impl Shard {
    /// Returns the usage and whether an unexpired window of another key was evicted.
    fn record(
        &mut self,
        key: u64,
        limit: NonZeroU32,
        at: Instant,
        capacity: usize,
    ) -> (Usage, bool) {
        // A caller that waited for the lock may bring an earlier moment. Keep the queue sorted.
        let at = self.latest.map_or(at, |latest| latest.max(at));
        self.latest = Some(at);
        if let Some(window) =
            self.windows.get_mut(&key).filter(|window| !has_expired(window.started, at))
        {
            return (window.record(limit, at), false);
        }
        let evicted = self.evict(at, capacity);
        let mut window = Window { started: at, used: 0 };
        let usage = window.record(limit, at);
        self.windows.insert(key, window);
        self.started.push_back((at, key));
        (usage, evicted)
    }

    /// Evicts expired windows, or the oldest window if the shard is full and none has expired.
    /// Returns whether it evicted an unexpired window.
    ///
    /// The queue never exceeds `capacity`. Replaced windows have expired, so while one is queued,
    /// the front has expired as well and is evicted.
    fn evict(&mut self, at: Instant, capacity: usize) -> bool {
        for _ in 0..SWEEP {
            let Some(&(started, key)) = self.started.front() else { break };
            let expired = has_expired(started, at);
            if !expired && self.started.len() < capacity {
                break;
            }
            self.started.pop_front();
            if self.windows.get(&key).is_some_and(|window| window.started == started) {
                self.windows.remove(&key);
            }
            if !expired {
                return true;
            }
        }
        false
    }
}

impl Window {
    fn record(&mut self, limit: NonZeroU32, at: Instant) -> Usage {
        let granted = self.used < limit.get();
        self.used += u32::from(granted);
        let remaining = limit.get().saturating_sub(self.used);
        Usage {
            granted,
            remaining,
            resets_in: WINDOW.saturating_sub(at.saturating_duration_since(self.started)),
        }
    }
}

fn has_expired(started: Instant, at: Instant) -> bool {
    at.saturating_duration_since(started) >= WINDOW
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
        /// Returns the windows kept, the longest queue of a shard, and the bytes allocated.
        fn size(&self) -> (usize, usize, usize) {
            let mut size = (0, 0, 0);
            for shard in &self.shards {
                let shard = shard.lock().unwrap();
                size.0 += shard.windows.len();
                size.1 = size.1.max(shard.started.len());
                // A hash table adds one byte per slot and keeps an eighth of the slots free.
                size.2 += shard.windows.capacity() * 8 / 7 * (size_of::<(u64, Window)>() + 1)
                    + shard.started.capacity() * size_of::<(Instant, u64)>();
            }
            size
        }
    }

    #[test]
    fn q1_window_starts_at_first_use_and_lasts_a_minute() {
        let (windows, start) = (Windows::new("test", 100), Instant::now());
        let record =
            |millis| windows.record("key", limit(2), start + Duration::from_millis(millis));
        let usage = |granted, remaining, resets_in| Usage {
            granted,
            remaining,
            resets_in: Duration::from_millis(resets_in),
        };
        assert_eq!(record(0), usage(true, 1, MINUTE));
        assert_eq!(record(10_000), usage(true, 0, 50_000));
        assert_eq!(record(10_001), usage(false, 0, 49_999));
        assert_eq!(record(59_999), usage(false, 0, 1));
        assert_eq!(record(60_000), usage(true, 1, MINUTE));
        assert_eq!(record(300_000), usage(true, 1, MINUTE));
    }

    #[test]
    fn q1_earlier_timestamps_do_not_reorder_windows() {
        let (windows, start) = (Windows::new("test", 100), Instant::now());
        windows.record("key", limit(2), start + WINDOW);
        let late = windows.record("key", limit(2), start);
        assert_eq!(late, Usage { granted: true, remaining: 0, resets_in: WINDOW });

        let mut shard = Shard::default();
        shard.record(1, limit(2), start + WINDOW, 100);
        shard.record(2, limit(2), start, 100);
        assert_eq!(shard.started, [(start + WINDOW, 1), (start + WINDOW, 2)]);
    }

    #[test]
    fn q1_a_million_keys_use_bounded_memory_and_the_oldest_are_evicted() {
        let (windows, start) = (Windows::new("test", 100_000), Instant::now());
        let mut most = 0;
        for key in 0..1_000_000_u64 {
            // All uses are within one minute, so no window expires.
            assert!(
                windows.record(&key, limit(5), start + Duration::from_micros(key * 50)).granted
            );
            if key % 50_000 == 0 {
                most = most.max(windows.size().2);
            }
        }
        let (kept, listed, bytes) = windows.size();
        assert!(
            kept <= windows.capacity * SHARDS && listed <= windows.capacity,
            "{kept} windows, {listed} listed"
        );
        assert!(most.max(bytes) < 12 << 20, "{bytes} bytes, {most} at most");
        // The latest windows are kept, the earliest are evicted.
        let end = start + Duration::from_secs(50);
        assert_eq!(windows.record(&999_999_u64, limit(5), end).remaining, 3);
        assert_eq!(windows.record(&0_u64, limit(5), end).remaining, 4);
    }

    #[test]
    fn q1_window_survives_a_flood_below_capacity() {
        let (windows, start) = (Windows::new("test", 10_000), Instant::now());
        let first = windows.record("victim", limit(1), start);
        assert!(first.granted);
        for key in 0..8_000_u32 {
            windows.record(&key, limit(1), start + Duration::from_millis(u64::from(key)));
        }
        assert!(!windows.record("victim", limit(1), start + Duration::from_secs(59)).granted);
    }

    #[test]
    fn q1_expired_windows_are_evicted_first() {
        let (windows, start) = (Windows::new("test", SHARDS), Instant::now());
        for minute in 0..50 {
            for key in 0..10_u32 {
                let usage = windows.record(&key, limit(3), start + WINDOW * minute);
                assert!(usage.granted);
            }
            assert!(windows.size().1 <= windows.capacity);
        }
    }

    #[test]
    fn q1_expired_windows_leave_twice_as_fast_as_new_ones_arrive() {
        let (mut shard, start) = (Shard::default(), Instant::now());
        (0..1_000).for_each(|key| _ = shard.record(key, limit(1), start, 1_000));
        (1_000..1_500).for_each(|key| _ = shard.record(key, limit(1), start + WINDOW, 1_000));
        assert_eq!((shard.windows.len(), shard.started.len()), (500, 500));
    }

    #[test]
    fn q1_concurrent_uses_are_granted_up_to_the_limit() {
        let (windows, start, granted) =
            (Windows::new("test", 100), Instant::now(), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for thread in 0..10_u64 {
                let (windows, granted) = (&windows, &granted);
                scope.spawn(move || {
                    for step in 0..1_000 {
                        let at = start + Duration::from_millis(step * 10 + thread);
                        granted.fetch_add(
                            u32::from(windows.record("key", limit(1_000), at).granted),
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
        fn q1_windows_match_a_reference_model(
            uses in proptest::collection::vec((0..12_u64, prop_oneof![0..2_000_u64, 0..70_000_u64]), 1..300),
            most in 1..5_u32,
        ) {
            let (mut shard, start) = (Shard::default(), Instant::now());
            let mut grants: HashMap<u64, Vec<u64>> = HashMap::new();
            let mut now = 0;
            for (key, pause) in uses {
                now += pause;
                let (usage, evicted) = shard.record(key, limit(most), start + Duration::from_millis(now), 12);
                prop_assert!(!evicted, "the capacity was sufficient");
                let window = grants.entry(key).or_default();
                if window.first().is_some_and(|first| first + MINUTE <= now) {
                    window.clear();
                }
                let granted = window.len() < most as usize;
                if granted {
                    window.push(now);
                }
                let expected = Usage {
                    granted,
                    remaining: most - window.len() as u32,
                    resets_in: Duration::from_millis(window[0] + MINUTE - now),
                };
                prop_assert_eq!(usage, expected);
            }
        }

        #[test]
        fn q1_no_sequence_of_uses_exceeds_the_capacity(
            uses in proptest::collection::vec((0..200_u64, 0..5_000_u64), 1..600),
            capacity in 1..100_usize,
        ) {
            let (mut shard, start) = (Shard::default(), Instant::now());
            let mut now = 0;
            for (key, pause) in uses {
                now += pause;
                shard.record(key, limit(3), start + Duration::from_millis(now), capacity);
                prop_assert!(shard.windows.len() <= shard.started.len() && shard.started.len() <= capacity);
                prop_assert!(shard.windows.contains_key(&key));
                prop_assert!(shard.started.iter().is_sorted_by_key(|(started, _)| started));
            }
        }
    }
}
