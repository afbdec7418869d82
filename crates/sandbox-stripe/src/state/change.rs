//! The changes of a transaction. The journal stores them, and only they modify the state.

use serde::{Deserialize, Serialize};

use super::State;
use crate::model::{
    CheckoutSession, CheckoutStatus, Customer, Delivery, Event, Invoice, PaymentMethod,
    PortalConfiguration, PortalSession, Price, Product, Subscription, WebhookEndpoint,
};

/// Maximum events without pending deliveries. (Stripe keeps events for 30 days:
/// <https://docs.stripe.com/api/events>.)
const MAX_EVENTS: usize = 10_000;

/// A change. A record replaces the record with the same id.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    Customer(Box<Customer>),
    Product(Box<Product>),
    ProductGone(String),
    Price(Box<Price>),
    PaymentMethod(Box<PaymentMethod>),
    Subscription(Box<Subscription>),
    Invoice(Box<Invoice>),
    CheckoutSession(Box<CheckoutSession>),
    PortalConfiguration(Box<PortalConfiguration>),
    PortalConfigurationGone(String),
    PortalSession(Box<PortalSession>),
    Event(Box<Event>),
    WebhookEndpoint(Box<WebhookEndpoint>),
    WebhookEndpointGone(String),
    Delivery(Box<Delivery>),
    /// Seconds by which the sandbox's time is ahead of its clock.
    ClockOffset(i64),
}

impl State {
    /// Applies the change.
    pub(crate) fn apply(&mut self, change: Change) {
        match change {
            Change::Customer(record) => self.customers.put(*record),
            Change::Product(record) => self.products.put(*record),
            Change::ProductGone(id) => self.products.remove(&id),
            Change::Price(record) => self.put_price(*record),
            Change::PaymentMethod(record) => self.payment_methods.put(*record),
            Change::Subscription(record) => self.put_subscription(*record),
            Change::Invoice(record) => {
                if let Some(token) = &record.hosted_token {
                    self.hosted.insert(token.reveal().to_owned(), record.id.clone());
                }
                self.invoices.put(*record);
            }
            Change::CheckoutSession(record) => self.put_checkout_session(*record),
            Change::PortalConfiguration(record) => self.portal_configurations.put(*record),
            Change::PortalConfigurationGone(id) => self.portal_configurations.remove(&id),
            Change::PortalSession(record) => self.portal_sessions.put(*record),
            Change::Event(record) => {
                self.events.put(*record);
                while self.events.len() > MAX_EVENTS {
                    let is_done = |event: &&Event| self.deliveries.pending_of(&event.id) == 0;
                    let oldest =
                        self.events.oldest_first().find(is_done).map(|event| event.id.clone());
                    let Some(oldest) = oldest else { break };
                    self.events.remove(&oldest);
                }
            }
            Change::WebhookEndpoint(record) => self.webhook_endpoints.put(*record),
            Change::WebhookEndpointGone(id) => self.webhook_endpoints.remove(&id),
            Change::Delivery(record) => self.deliveries.put(*record),
            Change::ClockOffset(seconds) => self.clock_offset = seconds,
        }
    }

    fn put_price(&mut self, record: Price) {
        if let Some(before) =
            self.prices.get(&record.id).and_then(|before| before.lookup_key.as_ref())
        {
            self.looked_up.remove(before);
        }
        if let Some(key) = &record.lookup_key {
            self.looked_up.insert(key.clone(), record.id.clone());
        }
        self.prices.put(record);
    }

    fn put_subscription(&mut self, record: Subscription) {
        let due = |subscription: &Subscription| {
            subscription.due_at().map(|at| (at, subscription.id.clone()))
        };
        if let Some(before) = self.subscriptions.get(&record.id).and_then(due) {
            self.due.remove(&before);
        }
        self.due.extend(due(&record));
        self.subscriptions.put(record);
    }

    fn put_checkout_session(&mut self, record: CheckoutSession) {
        self.expiring.remove(&(record.expires_at, record.id.clone()));
        if record.status == CheckoutStatus::Open {
            self.expiring.insert((record.expires_at, record.id.clone()));
        }
        self.checkouts.insert(record.token.reveal().to_owned(), record.id.clone());
        self.checkout_sessions.put(record);
    }

    /// Returns the changes that recreate this state, oldest first, for compacting the journal.
    pub(crate) fn as_changes(&self) -> impl Iterator<Item = Change> {
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
            .chain(rows(&self.checkout_sessions, Change::CheckoutSession))
            .chain(rows(&self.portal_configurations, Change::PortalConfiguration))
            .chain(
                self.portal_sessions
                    .iter()
                    .cloned()
                    .map(|session| Change::PortalSession(Box::new(session))),
            )
            .chain(rows(&self.webhook_endpoints, Change::WebhookEndpoint))
            // Deliveries precede events, so that events with pending deliveries are kept.
            .chain(
                self.deliveries
                    .oldest_first()
                    .cloned()
                    .map(|delivery| Change::Delivery(Box::new(delivery))),
            )
            .chain(rows(&self.events, Change::Event))
            .chain((self.clock_offset != 0).then_some(Change::ClockOffset(self.clock_offset)))
    }

    /// Returns the number of records.
    pub(crate) fn len(&self) -> usize {
        self.customers.len()
            + self.products.len()
            + self.prices.len()
            + self.payment_methods.len()
            + self.subscriptions.len()
            + self.invoices.len()
            + self.checkout_sessions.len()
            + self.portal_configurations.len()
            + self.portal_sessions.len()
            + self.events.len()
            + self.webhook_endpoints.len()
            + self.deliveries.len()
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

change_from!(
    CheckoutSession,
    Customer,
    Delivery,
    Event,
    Invoice,
    PaymentMethod,
    PortalConfiguration,
    PortalSession,
    Price,
    Product,
    Subscription,
    WebhookEndpoint
);
