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

/// When the fake's world begins, in Unix seconds.
const BEGINNING: i64 = 1_780_000_000;

/// A provider's customers, prices, subscriptions and checkout, in memory. Two that are told the same are the same: ids, times
/// and events come from counters, and nothing else.
///
/// What changes something gives the events that the provider would post about it. Nobody posts them: a test delivers them, late,
/// twice, in any order or never.
#[derive(Debug)]
pub struct FakeBillingAccountProvider {
    page: usize,
    state: Mutex<State>,
}

impl FakeBillingAccountProvider {
    /// A provider that sells nothing and knows nobody, whose pages have a hundred entries.
    #[must_use]
    pub fn new() -> Self {
        Self { page: 100, state: Mutex::default() }
    }

    /// The same with pages of this many entries, at least one.
    #[must_use]
    pub fn with_pages_of(self, entries: usize) -> Self {
        Self { page: entries.max(1), ..self }
    }

    /// Sells at this price from now on, or no longer, or otherwise.
    pub fn set_price(&self, price: PriceId, facts: ProviderPrice) {
        self.lock().prices.insert(price, facts);
    }

    /// Makes a customer, as somebody else's program or the provider's dashboard does.
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

    /// Says something else about a customer's owner.
    pub fn name_owner(&self, customer: &CustomerId, owner: NamedOwner) -> ProviderEvent {
        let mut state = self.lock();
        state.customer_mut(customer).owner = owner;
        state.event("customer.updated", customer)
    }

    /// Deletes a customer. What it had ends.
    pub fn delete_customer(&self, customer: &CustomerId) -> Vec<ProviderEvent> {
        let mut state = self.lock();
        state.customer_mut(customer).deleted = true;
        let ended = state.end_all_of(customer);
        let mut events: Vec<_> =
            ended.iter().map(|_| state.event("customer.subscription.deleted", customer)).collect();
        events.push(state.event("customer.deleted", customer));
        events
    }

    /// Forgets a customer with all that it had, as if it never was, and posts nothing.
    pub fn lose_customer(&self, customer: &CustomerId) {
        self.lock().lose_customer(customer);
    }

    /// Sells a customer a subscription, which is paid.
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

    /// Completes a checkout session: its user paid.
    pub fn pay(&self, session: &CheckoutSessionId) -> (SubscriptionId, Vec<ProviderEvent>) {
        let mut state = self.lock();
        let order = state.complete(session);
        let subscription = state.subscribe(&order.customer, &order.price);
        let kinds = ["customer.subscription.created", "invoice.paid", "checkout.session.completed"];
        (subscription, kinds.map(|kind| state.event(kind, &order.customer)).into())
    }

    /// Completes a session that was not made here and names this owner.
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

    /// Forgets a subscription, as if it never was, and posts nothing.
    pub fn lose_subscription(&self, subscription: &SubscriptionId) {
        self.lock().subscriptions.retain(|held| held.subscription.id != *subscription);
    }

    /// An event about this, whether or not anything happened: one that names the subscription alone, or nobody.
    pub fn event(&self, kind: &str, subject: EventSubject) -> ProviderEvent {
        self.lock().event_about(kind, subject)
    }

    /// Forgets all idempotency keys, as providers do after a day.
    pub fn forget_keys(&self) {
        self.lock().forget_keys();
    }

    /// Fails the next call so; several are used up in turn.
    pub fn fail_next(&self, error: ProviderError) {
        self.lock().failures.push_back(error);
    }

    /// What a reading of this customer would say now. No call: it is not counted, and does not fail.
    #[must_use]
    pub fn reading(&self, customer: &CustomerId) -> CustomerReading {
        self.lock().reading(customer)
    }

    /// How many calls came so far, failures too.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// How many customers there are, without those that were deleted.
    #[must_use]
    pub fn customer_count(&self) -> usize {
        self.lock().customers.iter().filter(|customer| !customer.deleted).count()
    }

    /// The provider's clock: every change takes it a second further.
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
