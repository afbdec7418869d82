//! [`LruCache`]: a bounded cache that admits every new entry.

use std::fmt;
use std::hash::Hash;
use std::ops::Deref;

use moka::future::Cache;
use moka::policy::EvictionPolicy;

/// Maximum entries. More keys in use cost additional reads and argon2 runs.
const CAPACITY: u64 = 10_000;

/// Evicts the least recently used entry. Moka's default policy would not admit a key that is
/// requested less often than those in a full cache: each of its requests would cost a read and an
/// argon2 run.
///
/// Entries have no TTL, and changed entries are not invalidated. An evicted key would have to pass
/// the bulkhead for unknown keys, which a flood of made-up ids may have filled. The values contain
/// their age, by the clock port.
pub(crate) struct LruCache<K, V>(Cache<K, V>);

impl<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static> LruCache<K, V> {
    pub(crate) fn new() -> Self {
        let lru = EvictionPolicy::lru();
        Self(Cache::builder().max_capacity(CAPACITY).eviction_policy(lru).build())
    }
}

impl<K, V> Deref for LruCache<K, V> {
    type Target = Cache<K, V>;

    fn deref(&self) -> &Cache<K, V> {
        &self.0
    }
}

/// Omits the entries, because the `Debug` output of whole services includes this.
impl<K, V> fmt::Debug for LruCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LruCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::collections::HashMap;

    use super::*;

    #[tokio::test]
    async fn a_full_cache_keeps_used_entries_and_evicts_unused_ones() {
        let cache = LruCache::new();
        cache.insert("used".to_owned(), 0).await;
        cache.insert("unused".to_owned(), 0).await;
        for n in 0..3 * CAPACITY {
            cache.insert(n.to_string(), n).await;
            if n % 100 == 0 {
                assert_eq!(cache.get("used").await, Some(0), "{n}");
            }
        }
        assert_eq!(cache.get("unused").await, None);
        cache.run_pending_tasks().await;
        assert!(cache.entry_count() <= CAPACITY);
    }

    #[tokio::test]
    async fn a_full_cache_of_popular_keys_admits_a_new_key() {
        let cache = LruCache::new();
        for round in 0..20 {
            for n in 0..CAPACITY {
                cache.entry(n).or_insert(round).await;
            }
        }
        cache.insert(CAPACITY, 0).await;
        for n in 0..CAPACITY / 2 {
            cache.entry(n).or_insert(0).await;
        }
        cache.run_pending_tasks().await;
        assert_eq!(cache.get(&CAPACITY).await, Some(0));
    }

    proptest! {
        #[test]
        fn get_returns_the_last_value_or_nothing(
            steps in proptest::collection::vec((0_u8..40, 0_u8..3), 0..300),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let cache = LruCache::new();
                let mut truth = HashMap::new();
                for (n, (key, action)) in steps.into_iter().enumerate() {
                    match action {
                        0 => {
                            cache.insert(key, n).await;
                            truth.insert(key, n);
                        }
                        1 => {
                            cache.invalidate(&key).await;
                            truth.remove(&key);
                        }
                        _ => prop_assert_eq!(cache.get(&key).await, truth.get(&key).copied()),
                    }
                }
                Ok(())
            })?;
        }
    }
}
