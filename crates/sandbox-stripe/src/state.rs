//! All objects in memory. They change only by applying changes.

mod change;
mod deliveries;
mod sessions;
mod table;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::{
    CheckoutSession, Customer, Event, Invoice, PaymentMethod, PortalConfiguration, Price, Product,
    Subscription, Timestamp, WebhookEndpoint,
};

pub(crate) use self::change::Change;
pub(crate) use self::deliveries::Deliveries;
pub(crate) use self::sessions::Sessions;
pub(crate) use self::table::{Cursor, Table};

/// The sandbox's state.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The sandbox's public URL, without a trailing slash.
    pub(crate) base_url: Arc<str>,
    pub(crate) customers: Table<Customer>,
    pub(crate) products: Table<Product>,
    pub(crate) prices: Table<Price>,
    pub(crate) payment_methods: Table<PaymentMethod>,
    pub(crate) subscriptions: Table<Subscription>,
    pub(crate) invoices: Table<Invoice>,
    pub(crate) checkout_sessions: Table<CheckoutSession>,
    pub(crate) portal_configurations: Table<PortalConfiguration>,
    pub(crate) portal_sessions: Sessions,
    pub(crate) events: Table<Event>,
    pub(crate) webhook_endpoints: Table<WebhookEndpoint>,
    pub(crate) deliveries: Deliveries,
    /// Seconds by which the sandbox's time is ahead of its clock.
    pub(crate) clock_offset: i64,
    /// Subscriptions by the next time at which the clock changes them.
    due: BTreeSet<(Timestamp, String)>,
    /// Open checkout sessions by expiry.
    expiring: BTreeSet<(Timestamp, String)>,
    /// Checkout session ids by the secret in the page's URL.
    checkouts: HashMap<String, String>,
    /// Invoice ids by the secret in the page's URL.
    hosted: HashMap<String, String>,
    /// Price ids by lookup key.
    looked_up: HashMap<String, String>,
}

/// Looks up the objects that other objects refer to.
pub(crate) trait Catalog {
    fn price(&self, id: &str) -> Option<&Price>;
    fn product(&self, id: &str) -> Option<&Product>;
    /// Returns the sandbox's public URL, without a trailing slash.
    fn base_url(&self) -> &str;
}

impl State {
    /// Creates an empty state.
    pub(crate) fn new(base_url: Arc<str>) -> Self {
        Self { base_url, ..Self::default() }
    }

    /// Returns the customer with this id, unless it was deleted.
    pub(crate) fn live_customer(&self, id: &str) -> Option<&Customer> {
        self.customers.get(id).filter(|customer| !customer.deleted)
    }

    /// Returns whether the customer has an open invoice with a failed payment.
    pub(crate) fn is_delinquent(&self, customer: &str) -> bool {
        self.invoices.of(customer).any(Invoice::is_overdue)
    }

    /// Returns the configuration for sessions that specify none.
    pub(crate) fn default_portal_configuration(&self) -> Option<&PortalConfiguration> {
        self.portal_configurations.newest_first().find(|configuration| configuration.is_default)
    }

    /// Returns the invoice with this secret in its URL.
    pub(crate) fn invoice_by_hosted_token(&self, token: &str) -> Option<&Invoice> {
        self.invoices.get(self.hosted.get(token)?)
    }

    /// Returns the checkout session with this secret in its URL.
    pub(crate) fn checkout_by_token(&self, token: &str) -> Option<&CheckoutSession> {
        self.checkout_sessions.get(self.checkouts.get(token)?)
    }

    /// Returns the price with this lookup key.
    pub(crate) fn price_by_lookup_key(&self, key: &str) -> Option<&Price> {
        self.prices.get(self.looked_up.get(key)?)
    }

    /// Returns the next time at which the clock changes something.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().into_iter().chain(self.expiring.first()).map(|(at, _)| *at).min()
    }

    /// Returns the subscriptions that are due.
    pub(crate) fn due(&self, now: Timestamp) -> impl Iterator<Item = &Subscription> {
        self.due
            .iter()
            .take_while(move |(at, _)| *at <= now)
            .filter_map(|(_, id)| self.subscriptions.get(id))
    }

    /// Returns the open checkout sessions that have expired.
    pub(crate) fn expiring(&self, now: Timestamp) -> impl Iterator<Item = &CheckoutSession> {
        self.expiring
            .iter()
            .take_while(move |(at, _)| *at <= now)
            .filter_map(|(_, id)| self.checkout_sessions.get(id))
    }

    /// Returns whether any subscription or checkout session is due.
    pub(crate) fn is_behind(&self, now: Timestamp) -> bool {
        self.due(now).next().is_some() || self.expiring(now).next().is_some()
    }
}

impl Catalog for State {
    fn price(&self, id: &str) -> Option<&Price> {
        self.prices.get(id)
    }

    fn product(&self, id: &str) -> Option<&Product> {
        self.products.get(id)
    }

    fn base_url(&self) -> &str {
        &self.base_url
    }
}
