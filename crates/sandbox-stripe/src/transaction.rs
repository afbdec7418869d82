//! Transactions: pending changes to the state.

mod events;

use std::collections::HashMap;
use std::io;

use crate::model::{
    CheckoutSession, Customer, Delivery, DeliveryState, Invoice, Origin, PaymentMethod,
    PortalConfiguration, Price, Product, Record, Subscription, Timestamp,
};
use crate::state::{Catalog, Change, State, Table};

/// Pending changes. [`Transaction::get`] sees them; the state is unchanged until the end.
#[derive(Debug)]
pub(crate) struct Transaction<'a> {
    state: &'a State,
    now: Timestamp,
    changes: Vec<Change>,
    /// The index of each record's latest change.
    latest: HashMap<(&'static str, String), usize>,
    origin: Origin,
    /// The id of the next delivery.
    next_delivery: u64,
}

/// A kind of record that [`Transaction::get`] can look up.
pub(crate) trait Stored: Record + Sized {
    const KIND: &'static str;
    fn table(state: &State) -> &Table<Self>;
    fn in_change(change: &Change) -> Option<&Self>;
}

macro_rules! stored {
    ($($record:ident in $table:ident),+ $(,)?) => {
        $(impl Stored for $record {
            const KIND: &'static str = stringify!($record);

            fn table(state: &State) -> &Table<Self> {
                &state.$table
            }

            fn in_change(change: &Change) -> Option<&Self> {
                match change {
                    Change::$record(record) => Some(record),
                    _ => None,
                }
            }
        })+

        /// Returns the kind and id of a record that can be looked up.
        fn key(change: &Change) -> Option<(&'static str, String)> {
            match change {
                $(Change::$record(record) => Some(($record::KIND, record.id.clone())),)+
                _ => None,
            }
        }
    };
}

stored! {
    CheckoutSession in checkout_sessions,
    Customer in customers,
    Invoice in invoices,
    PaymentMethod in payment_methods,
    PortalConfiguration in portal_configurations,
    Price in prices,
    Product in products,
    Subscription in subscriptions,
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(state: &'a State, now: Timestamp) -> Self {
        let next_delivery = state.deliveries.next_id();
        Self {
            state,
            now,
            changes: Vec::new(),
            latest: HashMap::new(),
            origin: Origin::default(),
            next_delivery,
        }
    }

    /// Returns the state before this transaction.
    pub(crate) fn state(&self) -> &'a State {
        self.state
    }

    /// Returns the time of this transaction.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Sets the request that causes the changes.
    pub(crate) fn set_origin(&mut self, origin: Origin) {
        self.origin = origin;
    }

    /// Returns the record with this id, including this transaction's changes.
    pub(crate) fn get<T: Stored>(&self, id: &str) -> Option<&T> {
        let made =
            self.latest.get(&(T::KIND, id.to_owned())).and_then(|index| self.changes.get(*index));
        made.and_then(T::in_change).or_else(|| T::table(self.state).get(id))
    }

    /// Returns the customer with this id, unless it was deleted.
    pub(crate) fn live_customer(&self, id: &str) -> Option<&Customer> {
        self.get::<Customer>(id).filter(|customer| !customer.deleted)
    }

    /// Adds a change.
    pub(crate) fn put(&mut self, change: impl Into<Change>) {
        let change = change.into();
        self.latest.extend(key(&change).map(|key| (key, self.changes.len())));
        self.changes.push(change);
    }

    /// Discards all changes.
    pub(crate) fn discard(&mut self) {
        self.changes.clear();
        self.latest.clear();
    }

    /// Creates a delivery of the event to the endpoint and returns its id.
    pub(crate) fn deliver(&mut self, event: &str, endpoint: &str, resent: bool) -> u64 {
        let id = self.next_delivery;
        self.next_delivery += 1;
        self.put(Delivery {
            id,
            created: self.now,
            event: event.to_owned(),
            endpoint: endpoint.to_owned(),
            resent,
            state: DeliveryState::Pending,
            attempts: 0,
            last_status: None,
            last_error: None,
        });
        id
    }

    /// Returns the changes with their events and deliveries to the endpoints that existed before.
    pub(crate) fn finish(mut self) -> io::Result<Vec<Change>> {
        let events = events::of(&self, &self.changes, &self.origin)?;
        for event in events {
            for endpoint in self
                .state
                .webhook_endpoints
                .oldest_first()
                .filter(|endpoint| endpoint.wants(&event.kind))
            {
                self.deliver(&event.id, &endpoint.id, false);
            }
            self.changes.push(event.into());
        }
        Ok(self.changes)
    }
}

impl Catalog for Transaction<'_> {
    fn price(&self, id: &str) -> Option<&Price> {
        self.get(id)
    }

    fn product(&self, id: &str) -> Option<&Product> {
        self.get(id)
    }

    fn base_url(&self) -> &str {
        &self.state.base_url
    }
}
