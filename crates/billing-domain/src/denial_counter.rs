//! [`DenialCounter`]: counts denied attempts, in bounded room, until they are written down.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::{ApiKeyId, Denials, Timestamp};

/// Counts denied attempts per cause, source and key id. However many sources and keys there are, it holds no more than its
/// room; beyond it attempts are counted per cause alone.
#[derive(Debug)]
pub struct DenialCounter {
    room: usize,
    counts: Mutex<HashMap<Denied, u64>>,
}

/// What was denied: one kind of attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Denied {
    cause: &'static str,
    source: Option<String>,
    key: Option<ApiKeyId>,
}

impl DenialCounter {
    /// Room for so many kinds of attempts between two [`take`](Self::take)s.
    #[must_use]
    pub fn new(room: usize) -> Self {
        Self { room, counts: Mutex::new(HashMap::new()) }
    }

    /// Counts one attempt that was denied because of `cause`, an error code.
    pub fn count(&self, cause: &'static str, source: Option<&str>, key: Option<&ApiKeyId>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut denied = Denied { cause, source: source.map(str::to_owned), key: key.cloned() };
        if counts.len() >= self.room && !counts.contains_key(&denied) {
            denied = Denied { cause, source: None, key: None };
        }
        *counts.entry(denied).or_default() += 1;
    }

    /// Everything counted since the last call, as of `at`; the counter is empty afterwards.
    pub fn take(&self, at: Timestamp) -> Vec<Denials> {
        let counts = std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        let row = |(Denied { cause, source, key }, count)| Denials { at, cause: cause.to_owned(), source, key, count };
        counts.into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_from_everywhere_takes_no_more_than_the_room() {
        let counter = DenialCounter::new(10);
        for n in 0..1000 {
            counter.count("invalid_token", Some(&format!("192.0.2.{n}")), None);
        }
        let rows = counter.take(Timestamp::from_millis(0));
        assert_eq!(rows.len(), 11);
        assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), 1000);
        assert_eq!(rows.iter().find(|row| row.source.is_none()).map(|row| row.count), Some(990));
        assert!(counter.take(Timestamp::from_millis(0)).is_empty());
    }
}
