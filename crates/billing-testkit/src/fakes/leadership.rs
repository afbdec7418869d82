//! [`InMemoryLeadership`].

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Mutex;

use async_trait::async_trait;
use billing_domain::Timestamp;
use billing_domain::ports::{Leadership, RepoError};

use super::Reachability;

/// An in-memory store of duties.
#[derive(Debug, Default)]
pub struct InMemoryLeadership {
    duties: Mutex<BTreeMap<String, (String, Timestamp)>>,
    reachability: Reachability,
}

impl InMemoryLeadership {
    /// Creates an empty store controlled by this switch.
    #[must_use]
    pub fn with(reachability: Reachability) -> Self {
        Self { reachability, ..Self::default() }
    }
}

#[async_trait]
impl Leadership for InMemoryLeadership {
    async fn acquire(
        &self,
        duty: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, RepoError> {
        self.reachability.check()?;
        let lease = (holder.to_owned(), until);
        match self.duties.lock().unwrap().entry(duty.to_owned()) {
            Entry::Vacant(vacant) => {
                vacant.insert(lease);
                Ok(true)
            }
            Entry::Occupied(mut occupied) => {
                let (last, end) = occupied.get();
                let is_free = *last == holder || *end <= now;
                if is_free {
                    occupied.insert(lease);
                }
                Ok(is_free)
            }
        }
    }
}
