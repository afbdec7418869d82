//! All pending deliveries and the most recent finished ones.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::model::Delivery;

/// Maximum finished deliveries to keep.
const MAX_FINISHED: usize = 1_000;

/// Deliveries by id.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    rows: BTreeMap<u64, Delivery>,
    /// Finished deliveries, in the order in which they finished.
    finished: VecDeque<u64>,
    /// The number of pending deliveries per event.
    pending: HashMap<String, u32>,
    next: u64,
}

impl Deliveries {
    pub(crate) fn get(&self, id: u64) -> Option<&Delivery> {
        self.rows.get(&id)
    }

    /// Returns the id of the next delivery.
    pub(crate) fn next_id(&self) -> u64 {
        self.next
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn oldest_first(&self) -> impl DoubleEndedIterator<Item = &Delivery> {
        self.rows.values()
    }

    /// Returns the deliveries from this id on.
    pub(crate) fn since(&self, id: u64) -> impl Iterator<Item = &Delivery> {
        self.rows.range(id..).map(|(_, delivery)| delivery)
    }

    /// Returns the number of pending deliveries of the event.
    pub(crate) fn pending_of(&self, event: &str) -> u32 {
        self.pending.get(event).copied().unwrap_or(0)
    }

    /// Returns the number of pending deliveries.
    pub(crate) fn pending(&self) -> usize {
        self.rows.len() - self.finished.len()
    }

    pub(crate) fn put(&mut self, delivery: Delivery) {
        let was_pending = self.rows.get(&delivery.id).map(Delivery::is_pending);
        let id = delivery.id;
        let is_pending = delivery.is_pending();
        if is_pending && was_pending != Some(true) {
            *self.pending.entry(delivery.event.clone()).or_default() += 1;
        }
        if !is_pending && was_pending == Some(true) {
            self.decrement_pending(&delivery.event);
        }
        if !is_pending && was_pending != Some(false) {
            self.finished.push_back(id);
        }
        if is_pending && was_pending == Some(false) {
            self.finished.retain(|finished| *finished != id);
        }
        self.next = self.next.max(id.saturating_add(1));
        self.rows.insert(id, delivery);
        while self.finished.len() > MAX_FINISHED
            && let Some(oldest) = self.finished.pop_front()
        {
            self.rows.remove(&oldest);
        }
    }

    fn decrement_pending(&mut self, event: &str) {
        if let Some(count) = self.pending.get_mut(event) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.pending.remove(event);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DeliveryState::{self, Delivered, Pending};

    fn delivery(id: u64, state: DeliveryState) -> Delivery {
        Delivery {
            id,
            created: 0,
            event: format!("evt_{}", id % 2),
            endpoint: "we_1".to_owned(),
            resent: false,
            state,
            attempts: 0,
            last_status: None,
            last_error: None,
        }
    }

    #[test]
    fn pending_deliveries_are_counted_and_finished_ones_are_kept_up_to_the_limit() {
        let mut deliveries = Deliveries::default();
        deliveries.put(delivery(0, Pending));
        for id in 1..=1_500 {
            deliveries.put(delivery(id, Pending));
            deliveries.put(delivery(id, Delivered));
        }
        assert_eq!(
            (deliveries.pending(), deliveries.pending_of("evt_0"), deliveries.pending_of("evt_1")),
            (1, 1, 0)
        );
        assert_eq!((deliveries.len(), deliveries.next_id()), (MAX_FINISHED + 1, 1_501));
        assert!(
            deliveries.get(0).is_some()
                && deliveries.get(500).is_none()
                && deliveries.get(501).is_some()
        );
        // A delivery with the double fault finishes twice.
        deliveries.put(delivery(1_500, Delivered));
        assert_eq!((deliveries.pending(), deliveries.len()), (1, MAX_FINISHED + 1));
        assert_eq!(deliveries.since(1_500).count(), 1);
    }
}
