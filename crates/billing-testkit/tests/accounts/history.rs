//! [`History`]: random changes at the provider, and the state that must result from them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use billing_domain::ports::CustomerRepo;
use billing_domain::*;
use billing_testkit::samples::user;
use proptest::prelude::*;

use crate::world::{Shop, at, order, price, principal};

pub(crate) const USERS: [&str; 3] = ["ann", "bob", "eve"];

/// A change at the provider. Numbers select among existing objects; without one, nothing changes.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    AddCustomer(Option<usize>),
    NameOwner(usize, usize),
    NameInvalidOwner(usize),
    AddPaidSession(usize, usize),
    Subscribe(usize, bool),
    Switch(usize),
    Fail(usize),
    CancelNow(usize),
    CancelWithPeriod(usize),
    CancelAt(usize),
    Resume(usize),
    Delete(usize),
    Start(usize),
    Pay(usize),
}

pub(crate) fn change() -> impl Strategy<Value = Change> {
    let any = || any::<usize>();
    prop_oneof![
        3 => prop::option::weighted(0.7, any()).prop_map(Change::AddCustomer),
        2 => (any(), any()).prop_map(|(customer, user)| Change::NameOwner(customer, user)),
        1 => any().prop_map(Change::NameInvalidOwner),
        2 => (any(), any()).prop_map(|(customer, user)| Change::AddPaidSession(customer, user)),
        4 => (any(), prop::bool::ANY).prop_map(|(customer, yearly)| Change::Subscribe(customer, yearly)),
        1 => any().prop_map(Change::Switch),
        1 => any().prop_map(Change::Fail),
        1 => any().prop_map(Change::CancelNow),
        1 => any().prop_map(Change::CancelWithPeriod),
        1 => any().prop_map(Change::CancelAt),
        1 => any().prop_map(Change::Resume),
        2 => any().prop_map(Change::Delete),
        2 => any().prop_map(Change::Start),
        2 => any().prop_map(Change::Pay),
    ]
}

/// All changes so far.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) customers: BTreeSet<CustomerId>,
    subscriptions: Vec<(CustomerId, SubscriptionId)>,
    sessions: Vec<(CustomerId, CheckoutSessionId)>,
    /// Customers with a posted event.
    with_events: BTreeSet<CustomerId>,
    /// Customers that the provider named as a user's after a purchase.
    accounts: BTreeMap<UserId, BTreeSet<CustomerId>>,
    /// Users with several customers at the same time. Their link depends on the order of events.
    ambiguous: BTreeSet<UserId>,
}

impl History {
    /// Applies a change and returns the events that the provider posts.
    pub(crate) async fn apply(&mut self, shop: &Shop, change: &Change) -> Vec<ProviderEvent> {
        let events = self.change_provider(shop, change).await.unwrap_or_default();
        self.with_events.extend(events.iter().filter_map(|event| match &event.subject {
            EventSubject::Customer(customer) => Some(customer.clone()),
            EventSubject::Subscription(_) | EventSubject::Unrelated => None,
        }));
        self.record_accounts(shop);
        events
    }

    async fn change_provider(
        &mut self,
        shop: &Shop,
        change: &Change,
    ) -> Option<Vec<ProviderEvent>> {
        let provider = &shop.provider;
        let existing: Vec<_> =
            self.customers.iter().filter(|one| exists(shop, one)).cloned().collect();
        let one = |number: &usize| existing.get(number.checked_rem(existing.len())?).cloned();
        let held: Vec<_> =
            self.subscriptions.iter().filter(|(customer, _)| existing.contains(customer)).collect();
        let subscription =
            |number: &usize| held.get(number.checked_rem(held.len())?).map(|(_, id)| id);
        let name = |number: &usize| NamedOwner::User(user(USERS[number % USERS.len()]));
        let changed = |number: &usize, how: &dyn Fn(&mut Subscription)| {
            Some(vec![provider.change(subscription(number)?, |subscription| how(subscription))])
        };
        match change {
            Change::AddCustomer(owner) => {
                let (customer, event) =
                    provider.add_customer(owner.as_ref().map_or(NamedOwner::None, name), None);
                self.customers.insert(customer);
                Some(vec![event])
            }
            Change::NameOwner(customer, owner) => {
                Some(vec![provider.name_owner(&one(customer)?, name(owner))])
            }
            Change::NameInvalidOwner(customer) => {
                Some(vec![provider.name_owner(&one(customer)?, NamedOwner::Ambiguous)])
            }
            Change::AddPaidSession(customer, owner) => {
                Some(vec![provider.add_paid_session(&one(customer)?, name(owner))])
            }
            Change::Subscribe(customer, yearly) => {
                let customer = one(customer)?;
                let cycle = if *yearly { "price_yearly" } else { "price_monthly" };
                let (subscription, events) = provider.subscribe(&customer, &price(cycle));
                self.subscriptions.push((customer, subscription));
                Some(events)
            }
            Change::Switch(number) => {
                changed(number, &|one| one.prices = vec![price("price_yearly")])
            }
            Change::Fail(number) => {
                changed(number, &|one| one.status = SubscriptionStatus::PastDue)
            }
            Change::CancelNow(number) => {
                changed(number, &|one| one.status = SubscriptionStatus::Canceled)
            }
            Change::CancelWithPeriod(number) => {
                changed(number, &|one| one.cancel_at_period_end = true)
            }
            Change::CancelAt(number) => changed(number, &|one| one.cancel_at = one.period_end),
            Change::Resume(number) => changed(number, &|one| {
                (one.cancel_at_period_end, one.cancel_at) = (false, None);
            }),
            Change::Delete(customer) => Some(provider.delete_customer(&one(customer)?)),
            Change::Start(number) => {
                let name = USERS[number % USERS.len()];
                let started = shop.checkout().start(&principal(name), order(None)).await;
                let claimed = shop.claimed(name).await.and_then(|claim| claim.customer);
                let customer = shop.linked(name).await.or(claimed)?;
                self.customers.insert(customer.clone());
                self.sessions.push((customer, started.ok()?.session.id));
                None
            }
            Change::Pay(number) => {
                self.sessions.retain(|(customer, _)| existing.contains(customer));
                let (customer, session) =
                    self.sessions.remove(number.checked_rem(self.sessions.len())?);
                let (subscription, events) = provider.pay(&session);
                self.subscriptions.push((customer, subscription));
                Some(events)
            }
        }
    }

    fn record_accounts(&mut self, shop: &Shop) {
        for customer in &self.customers {
            if let Some(owner) = bought_by(shop, customer) {
                self.accounts.entry(owner).or_default().insert(customer.clone());
            }
        }
        for (owner, accounts) in &self.accounts {
            if accounts.iter().filter(|customer| exists(shop, customer)).count() > 1 {
                self.ambiguous.insert(owner.clone());
            }
        }
    }

    /// Checks the state after all events were delivered.
    pub(crate) async fn check_after_events(&self, shop: &Shop) {
        for customer in &self.with_events {
            assert!(shop.mirrored(customer).await.is_some(), "{customer} is not in the mirror");
        }
        self.check(shop, &self.ambiguous).await;
    }

    /// Checks the state after a reconciliation.
    pub(crate) async fn check_after_reconciling(&self, shop: &Shop) {
        for customer in self.customers.iter().filter(|customer| bought_by(shop, customer).is_some())
        {
            assert!(shop.mirrored(customer).await.is_some(), "{customer} is not in the mirror");
        }
        self.check(shop, &BTreeSet::new()).await;
    }

    async fn check(&self, shop: &Shop, ambiguous: &BTreeSet<UserId>) {
        for customer in &self.customers {
            if let Some(mirrored) = shop.mirrored(customer).await {
                assert_eq!(mirrored.state, shop.provider.reading(customer).state, "{customer}");
            }
            if !exists(shop, customer) {
                assert_eq!(
                    shop.stores.customers().owners(&at(), customer).await.unwrap(),
                    [],
                    "{customer} is gone"
                );
            }
        }
        for name in USERS {
            let owner = user(name);
            let linked = shop.linked(name).await;
            let possible = self
                .accounts
                .get(&owner)
                .into_iter()
                .flatten()
                .filter(|customer| exists(shop, customer));
            let possible: BTreeSet<_> = possible.cloned().collect();
            assert!(
                linked.iter().all(|linked| possible.contains(linked)),
                "{name}: {linked:?} of {possible:?}"
            );
            let has_account =
                possible.iter().any(|one| bought_by(shop, one).as_ref() == Some(&owner));
            assert!(
                linked.is_some() || !has_account || ambiguous.contains(&owner),
                "{name}: none of {possible:?}"
            );
            if let Some(claimed) = shop.claimed(name).await.and_then(|claim| claim.customer)
                && shop.mirrored(&claimed).await.is_some()
            {
                assert!(exists(shop, &claimed), "{name} claims {claimed}, which is deleted");
            }
        }
    }
}

fn exists(shop: &Shop, customer: &CustomerId) -> bool {
    shop.provider.reading(customer).state != CustomerState::Gone
}

/// Returns the owner of a customer with a purchase, according to the provider.
fn bought_by(shop: &Shop, customer: &CustomerId) -> Option<UserId> {
    let reading = shop.provider.reading(customer);
    let attempts = [SubscriptionStatus::Incomplete, SubscriptionStatus::IncompleteExpired];
    let CustomerState::Present(subscriptions) = reading.state else { return None };
    let NamedOwner::User(owner) = reading.owner else { return None };
    subscriptions.iter().any(|one| !attempts.contains(&one.status)).then_some(owner)
}

/// Longer than the maximum backoff and a lease.
pub(crate) const LONG: Duration = Duration::from_secs(660);
