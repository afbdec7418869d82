//! A map with room for so many entries, which forgets first what nobody asked for lately.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::mem;

/// Two generations: what is used moves to the younger one; when that is full, the older one is forgotten at once. So every
/// operation costs the same however full it is.
pub(crate) struct BoundedMap<K, V> {
    half: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V> BoundedMap<K, V> {
    /// A map of at most so many entries, and at least two.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { half: (capacity / 2).max(1), young: HashMap::new(), old: HashMap::new() }
    }

    pub(crate) fn get<Q>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if !self.young.contains_key(key) {
            let (key, value) = self.old.remove_entry(key)?;
            self.insert(key, value);
        }
        self.young.get(key)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.old.remove(&key);
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    pub(crate) fn remove<Q>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.young.remove(key);
        self.old.remove(key);
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.young.values().chain(self.old.values())
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

/// How much is in it, and none of it: this ends up in the `Debug` of whole services.
impl<K, V> fmt::Debug for BoundedMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.young.len() + self.old.len();
        f.debug_struct("BoundedMap").field("entries", &entries).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_used_stays_and_what_is_not_goes() {
        let mut map = BoundedMap::new(10);
        map.insert("used", 0);
        map.insert("unused", 0);
        for n in 0..1_000 {
            map.insert(Box::leak(n.to_string().into_boxed_str()), n);
            assert_eq!(map.get("used"), Some(&0), "{n}");
        }
        assert_eq!(map.get("unused"), None);
    }

    #[test]
    fn removed_entries_are_gone_from_both_generations() {
        let mut map = BoundedMap::new(4);
        (0..4).for_each(|n| map.insert(n, n));
        (0..4).for_each(|n| map.remove(&n));
        assert_eq!(map.len(), 0);
    }

    #[test]
    fn the_values_are_those_of_both_generations() {
        let mut map = BoundedMap::new(4);
        (0..4).for_each(|n| map.insert(n, n));
        let mut values: Vec<_> = map.values().copied().collect();
        values.sort_unstable();
        assert_eq!(values, [0, 1, 2, 3]);
    }

    proptest! {
        #[test]
        fn it_never_holds_more_than_its_room_nor_anything_but_the_last_value(
            capacity in 2_usize..20,
            steps in proptest::collection::vec((0_u8..40, any::<bool>()), 0..300),
        ) {
            let (mut map, mut truth) = (BoundedMap::new(capacity), HashMap::new());
            for (n, (key, write)) in steps.into_iter().enumerate() {
                if write {
                    map.insert(key, n);
                    truth.insert(key, n);
                    prop_assert_eq!(map.get(&key), Some(&n));
                } else if let Some(found) = map.get(&key) {
                    prop_assert_eq!(Some(found), truth.get(&key));
                }
                prop_assert!(map.len() <= capacity);
            }
        }
    }
}
