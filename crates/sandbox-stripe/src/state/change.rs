//! The changes that a transaction makes: what the journal holds, and all that ever alters the state.

use serde::{Deserialize, Serialize};

use super::State;
use crate::model::{
    Customer, Invoice, PaymentMethod, PortalConfiguration, PortalSession, Price, Product, Subscription,
};

/// One change; a record replaces the one of the same id.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    Customer(Box<Customer>),
    Product(Box<Product>),
    Price(Box<Price>),
    PaymentMethod(Box<PaymentMethod>),
    Subscription(Box<Subscription>),
    Invoice(Box<Invoice>),
    PortalConfiguration(Box<PortalConfiguration>),
    PortalConfigurationGone(String),
    PortalSession(Box<PortalSession>),
}

impl State {
    /// Makes the change.
    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Customer(record) => self.customers.put(*record),
            Change::Product(record) => self.products.put(*record),
            Change::Price(record) => self.prices.put(*record),
            Change::PaymentMethod(record) => self.payment_methods.put(*record),
            Change::Subscription(record) => self.subscriptions.put(*record),
            Change::Invoice(record) => self.invoices.put(*record),
            Change::PortalConfiguration(record) => self.portal_configurations.put(*record),
            Change::PortalConfigurationGone(id) => self.portal_configurations.remove(&id),
            Change::PortalSession(record) => self.portal_sessions.put(*record),
        }
    }

    /// The changes that make this state from nothing, oldest first: what a compacted journal holds.
    pub(super) fn as_changes(&self) -> impl Iterator<Item = Change> {
        fn rows<T: Clone + 'static>(
            table: &super::Table<T>,
            wrap: impl Fn(Box<T>) -> Change,
        ) -> impl Iterator<Item = Change> {
            table.oldest_first().cloned().map(move |record| wrap(Box::new(record)))
        }
        rows(&self.customers, Change::Customer)
            .chain(rows(&self.products, Change::Product))
            .chain(rows(&self.prices, Change::Price))
            .chain(rows(&self.payment_methods, Change::PaymentMethod))
            .chain(rows(&self.subscriptions, Change::Subscription))
            .chain(rows(&self.invoices, Change::Invoice))
            .chain(rows(&self.portal_configurations, Change::PortalConfiguration))
            .chain(self.portal_sessions.iter().cloned().map(|session| Change::PortalSession(Box::new(session))))
    }

    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        self.customers.len()
            + self.products.len()
            + self.prices.len()
            + self.payment_methods.len()
            + self.subscriptions.len()
            + self.invoices.len()
            + self.portal_configurations.len()
            + self.portal_sessions.len()
    }
}

macro_rules! change_from {
    ($($record:ident),+) => {
        $(impl From<$record> for Change {
            fn from(record: $record) -> Self {
                Self::$record(Box::new(record))
            }
        })+
    };
}

change_from!(Customer, Product, Price, PaymentMethod, Subscription, Invoice, PortalConfiguration, PortalSession);
