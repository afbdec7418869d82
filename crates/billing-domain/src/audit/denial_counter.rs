//! [`DenialCounter`]: counts denied attempts in bounded memory until they are stored.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::{ApiKeyId, Denials, Timestamp};

/// Counts denied attempts per cause, source and key id, in bounded memory.
///
/// With `capacity` or more entries, it counts new attempts per cause and source; with twice as
/// many, per cause.
#[derive(Debug)]
pub struct DenialCounter {
    capacity: usize,
    counts: Mutex<HashMap<DenialKind, u64>>,
}

/// The properties that denied attempts are counted by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct DenialKind {
    cause: String,
    source: Option<String>,
    key: Option<ApiKeyId>,
}

impl DenialCounter {
    /// Creates a counter with this capacity between two calls of [`drain`](Self::drain).
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity, counts: Mutex::new(HashMap::new()) }
    }

    /// Counts a denied attempt. `cause` is an error code.
    pub fn count(&self, cause: &str, source: Option<&str>, key: Option<&ApiKeyId>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kind = DenialKind {
            cause: cause.to_owned(),
            source: source.map(str::to_owned),
            key: key.cloned(),
        };
        // Callers can invent key ids, so these are dropped first, and sources second.
        if counts.len() >= self.capacity && !counts.contains_key(&kind) {
            kind.key = None;
        }
        if counts.len() >= 2 * self.capacity && !counts.contains_key(&kind) {
            kind.source = None;
        }
        *counts.entry(kind).or_default() += 1;
    }

    /// Adds counts back that could not be stored. With twice `capacity` entries, it keeps only the
    /// causes.
    pub fn restore(&self, denials: Vec<Denials>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for row in denials {
            let mut kind = DenialKind { cause: row.cause, source: row.source, key: row.key };
            if counts.len() >= 2 * self.capacity && !counts.contains_key(&kind) {
                kind = DenialKind { source: None, key: None, ..kind };
            }
            *counts.entry(kind).or_default() += row.count;
        }
    }

    /// Removes and returns all counts since the last call, with the time `at`.
    pub fn drain(&self, at: Timestamp) -> Vec<Denials> {
        let counts =
            std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        let row =
            |(DenialKind { cause, source, key }, count)| Denials { at, cause, source, key, count };
        counts.into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_sources_use_at_most_twice_the_capacity() {
        let counter = DenialCounter::new(10);
        for n in 0..1000 {
            counter.count("invalid_token", Some(&format!("192.0.2.{n}")), None);
        }
        let rows = counter.drain(Timestamp::from_millis(0));
        assert_eq!(rows.len(), 21);
        assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), 1000);
        assert_eq!(rows.iter().find(|row| row.source.is_none()).map(|row| row.count), Some(980));
        assert!(counter.drain(Timestamp::from_millis(0)).is_empty());
    }

    #[test]
    fn invented_keys_of_one_source_do_not_hide_other_sources() {
        let counter = DenialCounter::new(10);
        for n in 0..1000 {
            let key = format!("MadeUpKey{n:04}").parse().unwrap();
            counter.count("invalid_api_key", Some("192.0.2.1"), Some(&key));
        }
        counter.count("invalid_token", Some("198.51.100.7"), None);
        let rows = counter.drain(Timestamp::from_millis(0));
        assert!(rows.iter().any(|row| row.source.as_deref() == Some("198.51.100.7")));
    }

    #[test]
    fn restored_counts_are_added_to_new_counts() {
        let counter = DenialCounter::new(10);
        counter.count("invalid_token", Some("192.0.2.1"), None);
        let rows = counter.drain(Timestamp::from_millis(0));
        counter.count("invalid_token", Some("192.0.2.1"), None);
        counter.restore(rows);
        let rows = counter.drain(Timestamp::from_millis(1));
        assert_eq!(rows.iter().map(|row| row.count).collect::<Vec<_>>(), [2]);
    }
}
