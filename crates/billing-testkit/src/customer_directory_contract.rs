//! What every [`CustomerDirectory`](billing_domain::ports::CustomerDirectory) promises.

#![expect(missing_docs, reason = "the cases' names are the promises")]

use std::collections::BTreeSet;

use billing_domain::ports::{ListedCustomer, ListedSubscription, ProviderError};
use billing_domain::{CustomerId, CustomerState, NamedOwner};

use crate::billing_account_world::{BillingAccountWorld, End, passed, soon};
use crate::samples::user;

/// Runs every case, each in a fresh world: `customer_directory_contract!(make)`, where `make` is an async function that gives a
/// pair of a `Box<dyn BillingAccountWorld>` and what must outlive it.
#[macro_export]
macro_rules! customer_directory_contract {
    ($make:path) => {
        $crate::contract_tests!(
            customer_directory_contract,
            $make,
            [
                every_customer_is_listed_once_over_all_pages,
                deleted_customers_are_not_listed,
                a_customer_is_listed_with_owner_and_address,
                every_subscription_is_listed_once_over_all_pages,
                a_subscription_is_listed_as_it_is_read,
                a_deadline_that_has_passed_is_a_timeout_without_a_call,
            ]
        );
    };
}

/// More than the largest page that a provider is known to give.
const MANY: usize = 205;

async fn customers(world: &dyn BillingAccountWorld) -> Vec<ListedCustomer> {
    let mut all: Vec<ListedCustomer> = Vec::new();
    loop {
        let after = all.last().map(|listed| listed.id.clone());
        let page = world.directory().list_customers(after.as_ref(), soon()).await.unwrap();
        all.extend(page.items);
        if !page.has_more {
            return all;
        }
    }
}

async fn subscriptions(world: &dyn BillingAccountWorld) -> Vec<ListedSubscription> {
    let mut all: Vec<ListedSubscription> = Vec::new();
    loop {
        let after = all.last().map(|listed| listed.subscription.id.clone());
        let page = world.directory().list_subscriptions(after.as_ref(), soon()).await.unwrap();
        all.extend(page.items);
        if !page.has_more {
            return all;
        }
    }
}

async fn listed(world: &dyn BillingAccountWorld, customer: &CustomerId) -> Option<ListedCustomer> {
    customers(world).await.into_iter().find(|listed| listed.id == *customer)
}

pub async fn every_customer_is_listed_once_over_all_pages(world: &dyn BillingAccountWorld) {
    let mut made = BTreeSet::new();
    for _ in 0..MANY {
        made.insert(world.add_customer(None, None).await);
    }
    let all = customers(world).await;
    let ids: BTreeSet<CustomerId> = all.iter().map(|listed| listed.id.clone()).collect();
    assert_eq!(ids.len(), all.len());
    assert!(ids.is_superset(&made));
}

pub async fn deleted_customers_are_not_listed(world: &dyn BillingAccountWorld) {
    let (kept, deleted) =
        (world.add_customer(None, None).await, world.add_customer(None, None).await);
    world.delete_customer(&deleted).await;
    assert!(listed(world, &kept).await.is_some());
    assert_eq!(listed(world, &deleted).await, None);
}

pub async fn a_customer_is_listed_with_owner_and_address(world: &dyn BillingAccountWorld) {
    let too_long = "x".repeat(256);
    for (owner, email, named) in [
        (Some("ann"), Some("ann@example.com"), NamedOwner::User(user("ann"))),
        (None, None, NamedOwner::None),
        (Some(too_long.as_str()), None, NamedOwner::Ambiguous),
    ] {
        let id = world.add_customer(owner, email).await;
        let expected =
            ListedCustomer { id: id.clone(), owner: named, email: email.map(str::to_owned) };
        assert_eq!(listed(world, &id).await, Some(expected));
    }
}

pub async fn every_subscription_is_listed_once_over_all_pages(world: &dyn BillingAccountWorld) {
    let customer = world.add_customer(None, None).await;
    let mut made = BTreeSet::new();
    for n in 0..MANY {
        let id = world.subscribe(&customer, &world.prices().monthly.0).await;
        if n % 50 == 0 {
            world.cancel(&id, End::Now).await;
        }
        made.insert(id.as_str().to_owned());
    }
    let all = subscriptions(world).await;
    let ids: BTreeSet<String> =
        all.iter().map(|listed| listed.subscription.id.as_str().to_owned()).collect();
    assert_eq!(ids.len(), all.len());
    assert!(ids.is_superset(&made));
}

pub async fn a_subscription_is_listed_as_it_is_read(world: &dyn BillingAccountWorld) {
    let customer = world.add_customer(Some("ann"), None).await;
    let id = world.subscribe(&customer, &world.prices().yearly.0).await;
    let listed =
        subscriptions(world).await.into_iter().find(|listed| listed.subscription.id == id).unwrap();
    assert_eq!(listed.customer, customer);
    let read = world.reader().customer(&customer, soon()).await.unwrap();
    assert_eq!(read.state, CustomerState::Present(vec![listed.subscription]));
}

pub async fn a_deadline_that_has_passed_is_a_timeout_without_a_call(
    world: &dyn BillingAccountWorld,
) {
    let customers = world.directory().list_customers(None, passed()).await.unwrap_err();
    let subscriptions = world.directory().list_subscriptions(None, passed()).await.unwrap_err();
    for error in [customers, subscriptions] {
        assert!(matches!(error, ProviderError::Timeout { .. }), "{error:?}");
    }
    assert!(!world.was_called().await);
}
