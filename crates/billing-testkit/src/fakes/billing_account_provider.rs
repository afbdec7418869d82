//! [`FakeBillingAccountProvider`].

mod events;
mod ports;
mod state;

use std::sync::{Mutex, MutexGuard};

use billing_domain::ports::ProviderError;
use billing_domain::{
    CheckoutSessionId, CustomerId, CustomerReading, EventSubject, NamedOwner, PriceId,
    ProviderEvent, ProviderPrice, Subscription, SubscriptionId, SubscriptionStatus, Timestamp,
};

use state::State;

/// Start of the fake's clock, in Unix seconds.
const START: i64 = 1_780_000_000;

/// A provider's customers, prices, subscriptions and checkout, in memory. It is deterministic: ids,
/// times and events come from counters.
///
/// Functions that change something return the events that the provider would post. The fake posts
/// none: a test delivers them late, twice, in any order or never.
#[derive(Debug)]
pub struct FakeBillingAccountProvider {
    page: usize,
    state: Mutex<State>,
}

impl FakeBillingAccountProvider {
    /// Creates a provider without prices and customers. Its pages have a hundred entries.
    #[must_use]
    pub fn new() -> Self {
        Self { page: 100, state: Mutex::default() }
    }

    /// Sets the page size, at least one.
    #[must_use]
    pub fn with_pages_of(self, entries: usize) -> Self {
        Self { page: entries.max(1), ..self }
    }

    /// Adds or changes a price.
    pub fn set_price(&self, price: PriceId, facts: ProviderPrice) {
        self.lock().prices.insert(price, facts);
    }

    /// Adds a customer, as another program or the provider's dashboard would.
    pub fn add_customer(
        &self,
        owner: NamedOwner,
        email: Option<&str>,
    ) -> (CustomerId, ProviderEvent) {
        let mut state = self.lock();
        let customer = state.add_customer(owner, email);
        let event = state.event("customer.created", &customer);
        (customer, event)
    }

    /// Changes a customer's owner.
    pub fn name_owner(&self, customer: &CustomerId, owner: NamedOwner) -> ProviderEvent {
        let mut state = self.lock();
        state.customer_mut(customer).owner = owner;
        state.event("customer.updated", customer)
    }

    /// Deletes a customer and ends its subscriptions.
    pub fn delete_customer(&self, customer: &CustomerId) -> Vec<ProviderEvent> {
        let mut state = self.lock();
        state.customer_mut(customer).deleted = true;
        let ended = state.end_all_of(customer);
        let mut events: Vec<_> =
            ended.iter().map(|_| state.event("customer.subscription.deleted", customer)).collect();
        events.push(state.event("customer.deleted", customer));
        events
    }

    /// Removes a customer and all its data without an event.
    pub fn lose_customer(&self, customer: &CustomerId) {
        self.lock().lose_customer(customer);
    }

    /// Adds a paid subscription.
    pub fn subscribe(
        &self,
        customer: &CustomerId,
        price: &PriceId,
    ) -> (SubscriptionId, Vec<ProviderEvent>) {
        let mut state = self.lock();
        let subscription = state.subscribe(customer, price);
        let kinds = ["customer.subscription.created", "invoice.paid"];
        (subscription, kinds.map(|kind| state.event(kind, customer)).into())
    }

    /// Completes a checkout session, as a payment would.
    pub fn pay(&self, session: &CheckoutSessionId) -> (SubscriptionId, Vec<ProviderEvent>) {
        let mut state = self.lock();
        let order = state.complete(session);
        let subscription = state.subscribe(&order.customer, &order.price);
        let kinds = ["customer.subscription.created", "invoice.paid", "checkout.session.completed"];
        (subscription, kinds.map(|kind| state.event(kind, &order.customer)).into())
    }

    /// Adds a completed session with this owner that another program created.
    pub fn add_paid_session(&self, customer: &CustomerId, owner: NamedOwner) -> ProviderEvent {
        let mut state = self.lock();
        state.customer_mut(customer).sessions.push(owner);
        state.event("checkout.session.completed", customer)
    }

    /// Changes a subscription.
    pub fn change(
        &self,
        subscription: &SubscriptionId,
        change: impl FnOnce(&mut Subscription),
    ) -> ProviderEvent {
        let mut state = self.lock();
        let held = state.subscription_mut(subscription);
        change(&mut held.subscription);
        let holder = held.customer.clone();
        state.event("customer.subscription.updated", &holder)
    }

    /// Ends a subscription.
    pub fn cancel(&self, subscription: &SubscriptionId) -> ProviderEvent {
        self.change(subscription, |subscription| subscription.status = SubscriptionStatus::Canceled)
    }

    /// Removes a subscription without an event.
    pub fn lose_subscription(&self, subscription: &SubscriptionId) {
        self.lock().subscriptions.retain(|held| held.subscription.id != *subscription);
    }

    /// Returns an event about any subject, without a change.
    pub fn event(&self, kind: &str, subject: EventSubject) -> ProviderEvent {
        self.lock().event_about(kind, subject)
    }

    /// Removes all idempotency keys, as providers do after a day.
    pub fn forget_keys(&self) {
        self.lock().forget_keys();
    }

    /// Makes the next call fail with this error. Several errors are used in turn.
    pub fn fail_next(&self, error: ProviderError) {
        self.lock().failures.push_back(error);
    }

    /// Returns the current reading of a customer. It neither counts as a call nor fails.
    #[must_use]
    pub fn reading(&self, customer: &CustomerId) -> CustomerReading {
        self.lock().reading(customer)
    }

    /// Returns the number of calls, including failed ones.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// Returns the number of customers, without deleted ones.
    #[must_use]
    pub fn customer_count(&self) -> usize {
        self.lock().customers.iter().filter(|customer| !customer.deleted).count()
    }

    /// Returns the provider's time. Every change advances it by one second.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.lock().now()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Default for FakeBillingAccountProvider {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
