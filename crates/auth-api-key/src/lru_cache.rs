//! [`LruCache`]: a bounded cache that a new key always enters.

use std::fmt;
use std::hash::Hash;
use std::ops::Deref;

use moka::future::Cache;
use moka::policy::EvictionPolicy;

/// Entries. More keys in use at once cost more reads and argon2 runs, nothing else.
const ROOM: u64 = 10_000;

/// Forgets what was not used lately. Moka's default policy would refuse a key that was seen less often than those in a full
/// cache: each of its requests would cost a read and an argon2 run.
///
/// There is no TTL, and what has changed is not invalidated: a key that is forgotten has to pass the bulkhead for unknown
/// keys again, which a flood of made-up ids may have filled. Ages are kept in the values, by the clock port.
pub(crate) struct LruCache<K, V>(Cache<K, V>);

impl<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static> LruCache<K, V> {
    pub(crate) fn new() -> Self {
        let lru = EvictionPolicy::lru();
        Self(Cache::builder().max_capacity(ROOM).eviction_policy(lru).build())
    }
}

impl<K, V> Deref for LruCache<K, V> {
    type Target = Cache<K, V>;

    fn deref(&self) -> &Cache<K, V> {
        &self.0
    }
}

/// Shows no entry: this is part of the `Debug` of whole services.
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
    async fn what_is_used_stays_and_what_is_not_goes() {
        let cache = LruCache::new();
        cache.insert("used".to_owned(), 0).await;
        cache.insert("unused".to_owned(), 0).await;
        for n in 0..3 * ROOM {
            cache.insert(n.to_string(), n).await;
            if n % 100 == 0 {
                assert_eq!(cache.get("used").await, Some(0), "{n}");
            }
        }
        assert_eq!(cache.get("unused").await, None);
        cache.run_pending_tasks().await;
        assert!(cache.entry_count() <= ROOM);
    }

    #[tokio::test]
    async fn a_new_key_enters_a_cache_full_of_popular_ones() {
        let cache = LruCache::new();
        for round in 0..20 {
            for n in 0..ROOM {
                cache.entry(n).or_insert(round).await;
            }
        }
        cache.insert(ROOM, 0).await;
        for n in 0..ROOM / 2 {
            cache.entry(n).or_insert(0).await;
        }
        cache.run_pending_tasks().await;
        assert_eq!(cache.get(&ROOM).await, Some(0));
    }

    proptest! {
        #[test]
        fn it_has_nothing_but_the_last_value(steps in proptest::collection::vec((0_u8..40, 0_u8..3), 0..300)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (cache, mut truth) = (LruCache::new(), HashMap::new());
                for (n, (key, what)) in steps.into_iter().enumerate() {
                    match what {
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
