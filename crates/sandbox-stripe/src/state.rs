//! All objects in memory, changed by applying changes.

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

/// Everything that the sandbox knows.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Where browsers reach the sandbox, without a slash at the end.
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
    /// How many seconds the sandbox's time is ahead of its clock's.
    pub(crate) clock_offset: i64,
    /// Which subscriptions time will change, and when.
    due: BTreeSet<(Timestamp, String)>,
    /// Which checkout sessions are open, and when they expire.
    expiring: BTreeSet<(Timestamp, String)>,
    /// Which checkout session the page with this secret pays for.
    checkouts: HashMap<String, String>,
    /// Which invoice the hosted page with this secret shows.
    hosted: HashMap<String, String>,
    /// Which price has this lookup key.
    looked_up: HashMap<String, String>,
}

/// What objects that refer to others need of them.
pub(crate) trait Catalog {
    fn price(&self, id: &str) -> Option<&Price>;
    fn product(&self, id: &str) -> Option<&Product>;
    /// Where browsers reach the sandbox, without a slash at the end.
    fn base_url(&self) -> &str;
}

impl State {
    /// An empty state of a sandbox at this address.
    pub(crate) fn new(base_url: Arc<str>) -> Self {
        Self { base_url, ..Self::default() }
    }

    /// The customer of this id, unless it was deleted.
    pub(crate) fn live_customer(&self, id: &str) -> Option<&Customer> {
        self.customers.get(id).filter(|customer| !customer.deleted)
    }

    /// Whether a payment of the customer failed and was not made good.
    pub(crate) fn is_delinquent(&self, customer: &str) -> bool {
        self.invoices.of(customer).any(Invoice::is_overdue)
    }

    /// The configuration that a session gets which names none.
    pub(crate) fn default_portal_configuration(&self) -> Option<&PortalConfiguration> {
        self.portal_configurations.newest_first().find(|configuration| configuration.is_default)
    }

    /// The invoice whose hosted page has this secret in its address.
    pub(crate) fn invoice_by_hosted_token(&self, token: &str) -> Option<&Invoice> {
        self.invoices.get(self.hosted.get(token)?)
    }

    /// The checkout session whose page has this secret in its address.
    pub(crate) fn checkout_by_token(&self, token: &str) -> Option<&CheckoutSession> {
        self.checkout_sessions.get(self.checkouts.get(token)?)
    }

    /// The price that has this lookup key.
    pub(crate) fn price_by_lookup_key(&self, key: &str) -> Option<&Price> {
        self.prices.get(self.looked_up.get(key)?)
    }

    /// When time will change something next.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().into_iter().chain(self.expiring.first()).map(|(at, _)| *at).min()
    }

    /// The subscriptions that time has caught up with.
    pub(crate) fn due(&self, now: Timestamp) -> impl Iterator<Item = &Subscription> {
        self.due
            .iter()
            .take_while(move |(at, _)| *at <= now)
            .filter_map(|(_, id)| self.subscriptions.get(id))
    }

    /// The checkout sessions whose time is over, and that are open nevertheless.
    pub(crate) fn expiring(&self, now: Timestamp) -> impl Iterator<Item = &CheckoutSession> {
        self.expiring
            .iter()
            .take_while(move |(at, _)| *at <= now)
            .filter_map(|(_, id)| self.checkout_sessions.get(id))
    }

    /// Whether time has come to change something.
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
