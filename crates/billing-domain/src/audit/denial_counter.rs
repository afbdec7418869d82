//! [`DenialCounter`]: counts denied attempts, in bounded room, until they are written down.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::{ApiKeyId, Denials, Timestamp};

/// Counts denied attempts per cause, source and key id. However many there are, it stays bounded: once its room is taken,
/// further ones are counted per cause and source, and beyond twice the room per cause alone.
#[derive(Debug)]
pub struct DenialCounter {
    room: usize,
    counts: Mutex<HashMap<Denied, u64>>,
}

/// What was denied: one kind of attempt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Denied {
    cause: String,
    source: Option<String>,
    key: Option<ApiKeyId>,
}

impl DenialCounter {
    /// Room for so many kinds of attempts between two [`drain`](Self::drain)s.
    #[must_use]
    pub fn new(room: usize) -> Self {
        Self { room, counts: Mutex::new(HashMap::new()) }
    }

    /// Counts one attempt that was denied because of `cause`, an error code.
    pub fn count(&self, cause: &str, source: Option<&str>, key: Option<&ApiKeyId>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut denied = Denied {
            cause: cause.to_owned(),
            source: source.map(str::to_owned),
            key: key.cloned(),
        };
        // Keys are the caller's to make up, so they give way first; then sources do.
        if counts.len() >= self.room && !counts.contains_key(&denied) {
            denied.key = None;
        }
        if counts.len() >= 2 * self.room && !counts.contains_key(&denied) {
            denied.source = None;
        }
        *counts.entry(denied).or_default() += 1;
    }

    /// Takes back what could not be written. Beyond twice the room, only the cause is kept.
    pub fn restore(&self, denials: Vec<Denials>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for row in denials {
            let mut denied = Denied { cause: row.cause, source: row.source, key: row.key };
            if counts.len() >= 2 * self.room && !counts.contains_key(&denied) {
                denied = Denied { source: None, key: None, ..denied };
            }
            *counts.entry(denied).or_default() += row.count;
        }
    }

    /// Everything counted since the last call, as of `at`; the counter is empty afterwards.
    pub fn drain(&self, at: Timestamp) -> Vec<Denials> {
        let counts =
            std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        let row =
            |(Denied { cause, source, key }, count)| Denials { at, cause, source, key, count };
        counts.into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_from_everywhere_takes_no_more_than_twice_the_room() {
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
    fn made_up_keys_of_one_source_do_not_hide_the_others() {
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
    fn what_could_not_be_written_down_is_counted_on() {
        let counter = DenialCounter::new(10);
        counter.count("invalid_token", Some("192.0.2.1"), None);
        let rows = counter.drain(Timestamp::from_millis(0));
        counter.count("invalid_token", Some("192.0.2.1"), None);
        counter.restore(rows);
        let rows = counter.drain(Timestamp::from_millis(1));
        assert_eq!(rows.iter().map(|row| row.count).collect::<Vec<_>>(), [2]);
    }
}
