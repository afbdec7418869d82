//! Implements the three ports.

use std::cmp::Reverse;

use async_trait::async_trait;
use billing_domain::ports::{
    CheckoutProvider, CustomerDirectory, ListedCustomer, ListedSubscription, Page, ProviderError,
    SubscriptionReader,
};
use billing_domain::{
    CheckoutOrder, CheckoutSession, CustomerId, CustomerReading, CustomerState, Deadline,
    NamedOwner, NewCustomer, PriceId, ProviderPrice, SubscriptionId,
};

use super::FakeBillingAccountProvider;
use super::state::{Customer, Session, State};

fn refused(context: &str) -> ProviderError {
    ProviderError::Refused { context: context.to_owned() }
}

#[async_trait]
impl CheckoutProvider for FakeBillingAccountProvider {
    async fn create_customer(&self, order: &NewCustomer) -> Result<CustomerId, ProviderError> {
        let mut state = self.lock();
        state.begin(order.deadline)?;
        match state.customers_by_key.get(&order.key) {
            Some((owner, customer)) if *owner == order.owner => return Ok(customer.clone()),
            Some(_) => return Err(refused("the key was used for another user")),
            None => {}
        }
        let customer = state.add_customer(NamedOwner::User(order.owner.clone()), None);
        state.customers_by_key.insert(order.key.clone(), (order.owner.clone(), customer.clone()));
        Ok(customer)
    }

    async fn create_checkout_session(
        &self,
        order: &CheckoutOrder,
    ) -> Result<CheckoutSession, ProviderError> {
        let mut state = self.lock();
        state.begin(order.deadline)?;
        if state.customer(&order.customer).is_none() {
            return Err(ProviderError::CustomerNotFound {
                context: "the fake has no such customer".to_owned(),
            });
        }
        if let Some(id) = state.sessions_by_key.get(&order.key) {
            let session = state.sessions.iter().find(|session| session.made.id == *id);
            let session = session.filter(|session| is_same(&session.order, order));
            return session
                .map(|session| session.made.clone())
                .ok_or_else(|| refused("the key was used"));
        }
        if !state.prices.get(&order.price).is_some_and(|facts| facts.active) {
            return Err(refused("the price is not active"));
        }
        let number = state.next();
        let made = CheckoutSession {
            id: format!("cs_fake_{number}").parse().expect("a session's id"),
            url: format!("https://checkout.example.com/pay/{number}")
                .parse()
                .expect("a page's URL"),
        };
        state.sessions_by_key.insert(order.key.clone(), made.id.clone());
        state.sessions.push(Session { made: made.clone(), order: order.clone() });
        Ok(made)
    }

    async fn price(
        &self,
        price: &PriceId,
        deadline: Deadline,
    ) -> Result<Option<ProviderPrice>, ProviderError> {
        let mut state = self.lock();
        state.begin(deadline)?;
        Ok(state.prices.get(price).cloned())
    }
}

/// Returns whether both orders have the same parameters.
fn is_same(one: &CheckoutOrder, other: &CheckoutOrder) -> bool {
    let parameters = |order: &CheckoutOrder| {
        (
            order.customer.clone(),
            order.owner.clone(),
            order.price.clone(),
            order.success_url.clone(),
            order.cancel_url.clone(),
        )
    };
    parameters(one) == parameters(other)
}

impl Customer {
    /// Returns the owner in the metadata, or else in the sessions.
    fn named(&self) -> NamedOwner {
        let mut named = self.owner.clone();
        if named == NamedOwner::None {
            for owner in &self.sessions {
                named = match (named, owner) {
                    (NamedOwner::None, owner) => owner.clone(),
                    (named, NamedOwner::None) => named,
                    (named, owner) if named == *owner => named,
                    _ => NamedOwner::Ambiguous,
                };
            }
        }
        named
    }
}

impl State {
    pub(super) fn reading(&self, customer: &CustomerId) -> CustomerReading {
        let Some(owner) = self.customer(customer).map(Customer::named) else {
            return CustomerReading { state: CustomerState::Gone, owner: NamedOwner::None };
        };
        let theirs = self.subscriptions.iter().filter(|held| held.customer == *customer);
        let mut subscriptions: Vec<_> = theirs.map(|held| held.subscription.clone()).collect();
        subscriptions.sort_by_key(|one| (Reverse(one.created), one.id.as_str().to_owned()));
        CustomerReading { state: CustomerState::Present(subscriptions), owner }
    }
}

#[async_trait]
impl SubscriptionReader for FakeBillingAccountProvider {
    async fn customer(
        &self,
        customer: &CustomerId,
        deadline: Deadline,
    ) -> Result<CustomerReading, ProviderError> {
        let mut state = self.lock();
        state.begin(deadline)?;
        Ok(state.reading(customer))
    }

    async fn customer_of(
        &self,
        subscription: &SubscriptionId,
        deadline: Deadline,
    ) -> Result<Option<CustomerId>, ProviderError> {
        let mut state = self.lock();
        state.begin(deadline)?;
        let held = state.subscriptions.iter().find(|held| held.subscription.id == *subscription);
        Ok(held.map(|held| held.customer.clone()))
    }
}

#[async_trait]
impl CustomerDirectory for FakeBillingAccountProvider {
    async fn list_customers<'a>(
        &self,
        after: Option<&'a CustomerId>,
        deadline: Deadline,
    ) -> Result<Page<ListedCustomer>, ProviderError> {
        let mut state = self.lock();
        state.begin(deadline)?;
        // A deleted customer keeps its place in the list.
        let place =
            |id: &CustomerId| state.customers.iter().rposition(|customer| customer.id == *id);
        let end = end(after.map(place), state.customers.len())?;
        let existing = state.customers[..end].iter().rev().filter(|customer| !customer.deleted);
        Ok(page(self.page, existing).map(|customer| ListedCustomer {
            id: customer.id.clone(),
            owner: customer.owner.clone(),
            email: customer.email.clone(),
        }))
    }

    async fn list_subscriptions<'a>(
        &self,
        after: Option<&'a SubscriptionId>,
        deadline: Deadline,
    ) -> Result<Page<ListedSubscription>, ProviderError> {
        let mut state = self.lock();
        state.begin(deadline)?;
        let place = |id: &SubscriptionId| {
            state.subscriptions.iter().rposition(|held| held.subscription.id == *id)
        };
        let end = end(after.map(place), state.subscriptions.len())?;
        Ok(page(self.page, state.subscriptions[..end].iter().rev()).map(Clone::clone))
    }
}

/// Returns the number of entries after this place. Lists start with the newest entry.
fn end(after: Option<Option<usize>>, all: usize) -> Result<usize, ProviderError> {
    match after {
        None => Ok(all),
        Some(Some(place)) => Ok(place),
        Some(None) => Err(refused("the cursor is unknown")),
    }
}

struct Entries<'a, T>(Page<&'a T>);

fn page<'a, T>(entries: usize, mut all: impl Iterator<Item = &'a T>) -> Entries<'a, T> {
    let items: Vec<&T> = all.by_ref().take(entries).collect();
    Entries(Page { items, has_more: all.next().is_some() })
}

impl<T> Entries<'_, T> {
    fn map<U>(self, each: impl Fn(&T) -> U) -> Page<U> {
        Page { items: self.0.items.into_iter().map(each).collect(), has_more: self.0.has_more }
    }
}
