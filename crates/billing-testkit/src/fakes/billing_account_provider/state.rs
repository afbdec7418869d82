//! The fake's state.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use billing_domain::ports::{ListedSubscription, ProviderError};
use billing_domain::{
    BillingCycle, CheckoutOrder, CheckoutSession, CheckoutSessionId, CustomerId, Deadline,
    NamedOwner, PriceId, ProviderKey, ProviderPrice, Subscription, SubscriptionId,
    SubscriptionStatus, Timestamp, UserId,
};

use super::START;

#[derive(Debug, Default)]
pub(super) struct State {
    /// Number of changes. Ids and times derive from it.
    pub(super) changes: u32,
    pub(super) calls: u64,
    pub(super) failures: VecDeque<ProviderError>,
    pub(super) prices: BTreeMap<PriceId, ProviderPrice>,
    /// In the order of creation, like subscriptions and sessions.
    pub(super) customers: Vec<Customer>,
    pub(super) subscriptions: Vec<ListedSubscription>,
    pub(super) sessions: Vec<Session>,
    /// The owner and customer created with each key.
    pub(super) customers_by_key: HashMap<ProviderKey, (UserId, CustomerId)>,
    pub(super) sessions_by_key: HashMap<ProviderKey, CheckoutSessionId>,
}

#[derive(Debug)]
pub(super) struct Customer {
    pub(super) id: CustomerId,
    /// The owner in the metadata.
    pub(super) owner: NamedOwner,
    pub(super) email: Option<String>,
    /// The owners in the completed sessions.
    pub(super) sessions: Vec<NamedOwner>,
    pub(super) deleted: bool,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) made: CheckoutSession,
    pub(super) order: CheckoutOrder,
}

impl State {
    /// Counts a call. Returns the next configured failure, or a timeout after the deadline.
    pub(super) fn begin(&mut self, deadline: Deadline) -> Result<(), ProviderError> {
        if deadline.remaining(Instant::now()).is_zero() {
            return Err(ProviderError::Timeout { context: "the deadline has passed".to_owned() });
        }
        self.calls += 1;
        self.failures.pop_front().map_or(Ok(()), Err)
    }

    /// Returns a new number and advances the clock.
    pub(super) fn next(&mut self) -> u32 {
        self.changes += 1;
        self.changes
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_seconds(START + i64::from(self.changes))
    }

    pub(super) fn customer(&self, id: &CustomerId) -> Option<&Customer> {
        self.customers.iter().find(|customer| customer.id == *id && !customer.deleted)
    }

    pub(super) fn customer_mut(&mut self, id: &CustomerId) -> &mut Customer {
        let found =
            self.customers.iter_mut().find(|customer| customer.id == *id && !customer.deleted);
        found.unwrap_or_else(|| panic!("{id} does not exist"))
    }

    pub(super) fn subscription_mut(&mut self, id: &SubscriptionId) -> &mut ListedSubscription {
        let found = self.subscriptions.iter_mut().find(|held| held.subscription.id == *id);
        found.unwrap_or_else(|| panic!("{id} does not exist"))
    }

    pub(super) fn add_customer(&mut self, owner: NamedOwner, email: Option<&str>) -> CustomerId {
        let id: CustomerId = format!("cus_fake_{}", self.next()).parse().expect("a customer id");
        let email = email.map(str::to_owned);
        self.customers.push(Customer {
            id: id.clone(),
            owner,
            email,
            sessions: Vec::new(),
            deleted: false,
        });
        id
    }

    pub(super) fn lose_customer(&mut self, id: &CustomerId) {
        self.customers.retain(|customer| customer.id != *id);
        self.subscriptions.retain(|held| held.customer != *id);
        self.sessions.retain(|session| session.order.customer != *id);
    }

    pub(super) fn end_all_of(&mut self, customer: &CustomerId) -> Vec<SubscriptionId> {
        let theirs = self.subscriptions.iter_mut().filter(|held| held.customer == *customer);
        let running =
            theirs.filter(|held| held.subscription.status != SubscriptionStatus::Canceled);
        running
            .map(|held| {
                held.subscription.status = SubscriptionStatus::Canceled;
                held.subscription.id.clone()
            })
            .collect()
    }

    pub(super) fn subscribe(&mut self, customer: &CustomerId, price: &PriceId) -> SubscriptionId {
        assert!(self.customer(customer).is_some(), "{customer} does not exist");
        let cycle = self.prices.get(price).and_then(|facts| facts.cycle);
        let id: SubscriptionId =
            format!("sub_fake_{}", self.next()).parse().expect("a subscription id");
        let now = self.now();
        let days = if cycle == Some(BillingCycle::Yearly) { 365 } else { 30 };
        let subscription = Subscription {
            id: id.clone(),
            status: SubscriptionStatus::Active,
            prices: vec![price.clone()],
            cycle,
            created: now,
            period_start: Some(now),
            period_end: Some(now.plus(Duration::from_secs(days * 24 * 3600))),
            cancel_at_period_end: false,
            cancel_at: None,
        };
        self.subscriptions.push(ListedSubscription { customer: customer.clone(), subscription });
        id
    }

    /// Completes a session.
    pub(super) fn complete(&mut self, id: &CheckoutSessionId) -> CheckoutOrder {
        let at = self.sessions.iter().position(|session| session.made.id == *id);
        let at = at.unwrap_or_else(|| panic!("{id} is not open"));
        let order = self.sessions.remove(at).order;
        self.customer_mut(&order.customer).sessions.push(NamedOwner::User(order.owner.clone()));
        order
    }

    pub(super) fn forget_keys(&mut self) {
        self.customers_by_key.clear();
        self.sessions_by_key.clear();
    }
}
