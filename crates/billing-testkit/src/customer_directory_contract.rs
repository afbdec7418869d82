//! Contract of every [`CustomerDirectory`](billing_domain::ports::CustomerDirectory).

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use std::collections::BTreeSet;

use billing_domain::ports::{ListedCustomer, ListedSubscription, ProviderError};
use billing_domain::{CustomerId, CustomerState, NamedOwner};

use crate::billing_account_world::{BillingAccountWorld, End, passed, soon};
use crate::samples::user;

/// Runs every case in a new world: `customer_directory_contract!(make)`. `make` is an async
/// function that returns a `Box<dyn BillingAccountWorld>` and the resources to keep alive.
#[macro_export]
macro_rules! customer_directory_contract {
    ($make:path) => {
        $crate::contract_tests!(
            customer_directory_contract,
            $make,
            [
                all_pages_list_every_customer_once,
                deleted_customers_are_not_listed,
                a_customer_is_listed_with_owner_and_email,
                all_pages_list_every_subscription_once,
                a_listed_subscription_equals_the_read_one,
                a_passed_deadline_is_a_timeout_without_a_call,
            ]
        );
    };
}

/// More than two of the largest known pages of a provider.
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

pub async fn all_pages_list_every_customer_once(world: &dyn BillingAccountWorld) {
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

pub async fn a_customer_is_listed_with_owner_and_email(world: &dyn BillingAccountWorld) {
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

pub async fn all_pages_list_every_subscription_once(world: &dyn BillingAccountWorld) {
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

pub async fn a_listed_subscription_equals_the_read_one(world: &dyn BillingAccountWorld) {
    let customer = world.add_customer(Some("ann"), None).await;
    let id = world.subscribe(&customer, &world.prices().yearly.0).await;
    let listed =
        subscriptions(world).await.into_iter().find(|listed| listed.subscription.id == id).unwrap();
    assert_eq!(listed.customer, customer);
    let read = world.reader().customer(&customer, soon()).await.unwrap();
    assert_eq!(read.state, CustomerState::Present(vec![listed.subscription]));
}

pub async fn a_passed_deadline_is_a_timeout_without_a_call(world: &dyn BillingAccountWorld) {
    let customers = world.directory().list_customers(None, passed()).await.unwrap_err();
    let subscriptions = world.directory().list_subscriptions(None, passed()).await.unwrap_err();
    for error in [customers, subscriptions] {
        assert!(matches!(error, ProviderError::Timeout { .. }), "{error:?}");
    }
    assert!(!world.was_called().await);
}
