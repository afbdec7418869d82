//! What every [`SubscriptionReader`](billing_domain::ports::SubscriptionReader) promises.

#![expect(missing_docs, reason = "the cases' names are the promises")]

use billing_domain::ports::ProviderError;
use billing_domain::{
    BillingCycle, CustomerId, CustomerReading, CustomerState, NamedOwner, Subscription,
    SubscriptionStatus,
};

use crate::billing_account_world::{BillingAccountWorld, End, passed, soon};
use crate::samples::{customer, user};

/// Runs every case, each in a fresh world: `subscription_reader_contract!(make)`, where `make` is an async function that gives
/// a pair of a `Box<dyn BillingAccountWorld>` and what must outlive it.
#[macro_export]
macro_rules! subscription_reader_contract {
    ($make:path) => {
        $crate::contract_tests!(
            subscription_reader_contract,
            $make,
            [
                a_customer_without_subscriptions_is_present,
                a_customer_who_never_was_is_gone,
                a_deleted_customer_is_gone_with_its_subscriptions,
                no_customer_has_an_id_that_leads_elsewhere,
                a_subscription_says_what_was_bought_and_until_when,
                a_yearly_subscription_is_one,
                all_subscriptions_are_there_newest_first_ended_ones_too,
                more_than_a_page_of_subscriptions_is_read,
                a_subscription_that_ends_with_its_period_says_so,
                a_reading_is_of_now,
                the_subscriptions_of_others_are_not_read,
                who_is_not_named_is_nobody,
                who_can_be_no_user_is_not_guessed,
                a_subscription_has_a_holder,
                a_subscription_that_never_was_has_none,
                a_deadline_that_has_passed_is_a_timeout_without_a_call,
            ]
        );
    };
}

async fn read(world: &dyn BillingAccountWorld, customer: &CustomerId) -> CustomerReading {
    world.reader().customer(customer, soon()).await.unwrap()
}

async fn subscriptions(
    world: &dyn BillingAccountWorld,
    customer: &CustomerId,
) -> Vec<Subscription> {
    match read(world, customer).await.state {
        CustomerState::Present(subscriptions) => subscriptions,
        CustomerState::Gone => panic!("{customer} is gone"),
    }
}

/// A customer with a subscription at the price that is paid by the month, and the subscription as it is read.
async fn subscribed(world: &dyn BillingAccountWorld) -> (CustomerId, Subscription) {
    let customer = world.add_customer(Some("ann"), None).await;
    let id = world.subscribe(&customer, &world.prices().monthly.0).await;
    let mut all = subscriptions(world, &customer).await;
    assert_eq!(all.len(), 1);
    let subscription = all.remove(0);
    assert_eq!(subscription.id, id);
    (customer, subscription)
}

pub async fn a_customer_without_subscriptions_is_present(world: &dyn BillingAccountWorld) {
    let customer = world.add_customer(Some("ann"), None).await;
    let expected = CustomerReading {
        state: CustomerState::Present(vec![]),
        owner: NamedOwner::User(user("ann")),
    };
    assert_eq!(read(world, &customer).await, expected);
}

pub async fn a_customer_who_never_was_is_gone(world: &dyn BillingAccountWorld) {
    assert_eq!(read(world, &customer("cus_NeverHeardOf01")).await.state, CustomerState::Gone);
}

pub async fn a_deleted_customer_is_gone_with_its_subscriptions(world: &dyn BillingAccountWorld) {
    let (customer, _) = subscribed(world).await;
    world.delete_customer(&customer).await;
    assert_eq!(read(world, &customer).await.state, CustomerState::Gone);
}

pub async fn no_customer_has_an_id_that_leads_elsewhere(world: &dyn BillingAccountWorld) {
    let (known, _) = subscribed(world).await;
    let ids = [
        ".",
        "..",
        "../prices",
        "%2e%2e",
        &format!("{known}/"),
        &format!("{known}?x=y"),
        &format!("x/../{known}"),
        "a&b=c#d",
    ];
    for id in ids {
        assert_eq!(read(world, &customer(id)).await.state, CustomerState::Gone, "{id}");
    }
}

pub async fn a_subscription_says_what_was_bought_and_until_when(world: &dyn BillingAccountWorld) {
    let (_, subscription) = subscribed(world).await;
    assert_eq!(subscription.status, SubscriptionStatus::Active);
    assert_eq!(subscription.prices, [world.prices().monthly.0]);
    assert_eq!(subscription.cycle, Some(BillingCycle::Monthly));
    assert!(!subscription.cancel_at_period_end && subscription.cancel_at.is_none());
    let (start, end) = (subscription.period_start.unwrap(), subscription.period_end.unwrap());
    let days = (end.as_seconds() - start.as_seconds()) / (24 * 3600);
    assert!((27..=32).contains(&days), "{days} days");
}

pub async fn a_yearly_subscription_is_one(world: &dyn BillingAccountWorld) {
    let customer = world.add_customer(None, None).await;
    world.subscribe(&customer, &world.prices().yearly.0).await;
    assert_eq!(subscriptions(world, &customer).await[0].cycle, Some(BillingCycle::Yearly));
}

pub async fn all_subscriptions_are_there_newest_first_ended_ones_too(
    world: &dyn BillingAccountWorld,
) {
    let (customer, first) = subscribed(world).await;
    world.cancel(&first.id, End::Now).await;
    let second = world.subscribe(&customer, &world.prices().yearly.0).await;
    let all = subscriptions(world, &customer).await;
    let statuses: Vec<_> = all.iter().map(|one| (one.id.clone(), one.status)).collect();
    let mut expected =
        vec![(first.id, SubscriptionStatus::Canceled), (second, SubscriptionStatus::Active)];
    // Those made in one second go by their ids.
    expected.sort_by_key(|(id, _)| {
        let made = all.iter().find(|one| one.id == *id).map(|one| one.created);
        (std::cmp::Reverse(made), id.as_str().to_owned())
    });
    assert_eq!(statuses, expected);
}

pub async fn more_than_a_page_of_subscriptions_is_read(world: &dyn BillingAccountWorld) {
    let customer = world.add_customer(None, None).await;
    for _ in 0..101 {
        world.subscribe(&customer, &world.prices().monthly.0).await;
    }
    assert_eq!(subscriptions(world, &customer).await.len(), 101);
}

pub async fn a_subscription_that_ends_with_its_period_says_so(world: &dyn BillingAccountWorld) {
    let (customer, subscription) = subscribed(world).await;
    world.cancel(&subscription.id, End::WithThePeriod).await;
    let read = subscriptions(world, &customer).await.remove(0);
    assert!(read.is_cancelling() && read.status == SubscriptionStatus::Active, "{read:?}");
}

pub async fn a_reading_is_of_now(world: &dyn BillingAccountWorld) {
    let (customer, subscription) = subscribed(world).await;
    world.cancel(&subscription.id, End::Now).await;
    assert_eq!(subscriptions(world, &customer).await[0].status, SubscriptionStatus::Canceled);
}

pub async fn the_subscriptions_of_others_are_not_read(world: &dyn BillingAccountWorld) {
    subscribed(world).await;
    let other = world.add_customer(Some("bob"), None).await;
    assert_eq!(subscriptions(world, &other).await, []);
}

pub async fn who_is_not_named_is_nobody(world: &dyn BillingAccountWorld) {
    let customer = world.add_customer(None, Some("ann@example.com")).await;
    assert_eq!(read(world, &customer).await.owner, NamedOwner::None);
}

pub async fn who_can_be_no_user_is_not_guessed(world: &dyn BillingAccountWorld) {
    let customer = world.add_customer(Some(&"x".repeat(256)), None).await;
    assert_eq!(read(world, &customer).await.owner, NamedOwner::Ambiguous);
}

pub async fn a_subscription_has_a_holder(world: &dyn BillingAccountWorld) {
    let (customer, subscription) = subscribed(world).await;
    assert_eq!(
        world.reader().customer_of(&subscription.id, soon()).await.unwrap(),
        Some(customer.clone())
    );
    world.cancel(&subscription.id, End::Now).await;
    assert_eq!(world.reader().customer_of(&subscription.id, soon()).await.unwrap(), Some(customer));
}

pub async fn a_subscription_that_never_was_has_none(world: &dyn BillingAccountWorld) {
    let unknown = "sub_NeverHeardOf01".parse().unwrap();
    assert_eq!(world.reader().customer_of(&unknown, soon()).await.unwrap(), None);
}

pub async fn a_deadline_that_has_passed_is_a_timeout_without_a_call(
    world: &dyn BillingAccountWorld,
) {
    let reader = world.reader();
    let customer = reader.customer(&customer("cus_1"), passed()).await.unwrap_err();
    let holder = reader.customer_of(&"sub_1".parse().unwrap(), passed()).await.unwrap_err();
    for error in [customer, holder] {
        assert!(matches!(error, ProviderError::Timeout { .. }), "{error:?}");
    }
    assert!(!world.was_called().await);
}
