//! All objects in memory, changed by transactions and kept in a journal.

mod change;
mod journal;
mod sessions;
mod store;
mod table;

use crate::model::{Customer, Invoice, PaymentMethod, PortalConfiguration, Price, Product, Subscription};

pub(crate) use self::change::Change;
pub(crate) use self::sessions::Sessions;
pub(crate) use self::store::{Store, Transaction};
pub(crate) use self::table::{Cursor, Table};

/// Everything that the sandbox knows.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) customers: Table<Customer>,
    pub(crate) products: Table<Product>,
    pub(crate) prices: Table<Price>,
    pub(crate) payment_methods: Table<PaymentMethod>,
    pub(crate) subscriptions: Table<Subscription>,
    pub(crate) invoices: Table<Invoice>,
    pub(crate) portal_configurations: Table<PortalConfiguration>,
    pub(crate) portal_sessions: Sessions,
}

impl State {
    /// The customer of this id, unless it was deleted.
    pub(crate) fn live_customer(&self, id: &str) -> Option<&Customer> {
        self.customers.get(id).filter(|customer| !customer.deleted)
    }

    /// The configuration that a session gets which names none.
    pub(crate) fn default_portal_configuration(&self) -> Option<&PortalConfiguration> {
        self.portal_configurations.newest_first().find(|configuration| configuration.is_default)
    }
}
