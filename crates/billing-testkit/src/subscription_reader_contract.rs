//! Contract of every [`SubscriptionReader`](billing_domain::ports::SubscriptionReader).

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use billing_domain::ports::ProviderError;
use billing_domain::{
    BillingCycle, CustomerId, CustomerReading, CustomerState, NamedOwner, Subscription,
    SubscriptionStatus,
};

use crate::billing_account_world::{BillingAccountWorld, End, passed, soon};
use crate::samples::{customer, user};

/// Runs every case in a new world: `subscription_reader_contract!(make)`. `make` is an async
/// function that returns a `Box<dyn BillingAccountWorld>` and the resources to keep alive.
#[macro_export]
macro_rules! subscription_reader_contract {
    ($make:path) => {
        $crate::contract_tests!(
            subscription_reader_contract,
            $make,
            [
                a_customer_without_subscriptions_is_present,
                an_unknown_customer_is_gone,
                a_deleted_customer_is_gone_with_its_subscriptions,
                an_id_with_url_syntax_is_gone,
                a_subscription_has_status_price_cycle_and_period,
                a_yearly_subscription_has_the_yearly_cycle,
                all_subscriptions_are_read_newest_first_including_ended_ones,
                more_than_a_page_of_subscriptions_is_read,
                a_subscription_that_ends_with_its_period_is_cancelling,
                a_reading_has_the_current_state,
                subscriptions_of_other_customers_are_not_read,
                a_customer_without_owner_metadata_has_no_owner,
                an_invalid_owner_is_ambiguous,
                customer_of_returns_the_subscription_s_customer,
                customer_of_returns_none_for_an_unknown_subscription,
                a_passed_deadline_is_a_timeout_without_a_call,
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

/// Adds a customer with a monthly subscription; returns the customer and the read subscription.
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

pub async fn an_unknown_customer_is_gone(world: &dyn BillingAccountWorld) {
    assert_eq!(read(world, &customer("cus_Unknown01")).await.state, CustomerState::Gone);
}

pub async fn a_deleted_customer_is_gone_with_its_subscriptions(world: &dyn BillingAccountWorld) {
    let (customer, _) = subscribed(world).await;
    world.delete_customer(&customer).await;
    assert_eq!(read(world, &customer).await.state, CustomerState::Gone);
}

pub async fn an_id_with_url_syntax_is_gone(world: &dyn BillingAccountWorld) {
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

pub async fn a_subscription_has_status_price_cycle_and_period(world: &dyn BillingAccountWorld) {
    let (_, subscription) = subscribed(world).await;
    assert_eq!(subscription.status, SubscriptionStatus::Active);
    assert_eq!(subscription.prices, [world.prices().monthly.0]);
    assert_eq!(subscription.cycle, Some(BillingCycle::Monthly));
    assert!(!subscription.cancel_at_period_end && subscription.cancel_at.is_none());
    let (start, end) = (subscription.period_start.unwrap(), subscription.period_end.unwrap());
    let days = (end.as_seconds() - start.as_seconds()) / (24 * 3600);
    assert!((27..=32).contains(&days), "{days} days");
}

pub async fn a_yearly_subscription_has_the_yearly_cycle(world: &dyn BillingAccountWorld) {
    let customer = world.add_customer(None, None).await;
    world.subscribe(&customer, &world.prices().yearly.0).await;
    assert_eq!(subscriptions(world, &customer).await[0].cycle, Some(BillingCycle::Yearly));
}

pub async fn all_subscriptions_are_read_newest_first_including_ended_ones(
    world: &dyn BillingAccountWorld,
) {
    let (customer, first) = subscribed(world).await;
    world.cancel(&first.id, End::Now).await;
    let second = world.subscribe(&customer, &world.prices().yearly.0).await;
    let all = subscriptions(world, &customer).await;
    let statuses: Vec<_> = all.iter().map(|one| (one.id.clone(), one.status)).collect();
    let mut expected =
        vec![(first.id, SubscriptionStatus::Canceled), (second, SubscriptionStatus::Active)];
    // Subscriptions created within one second are sorted by id.
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

pub async fn a_subscription_that_ends_with_its_period_is_cancelling(
    world: &dyn BillingAccountWorld,
) {
    let (customer, subscription) = subscribed(world).await;
    world.cancel(&subscription.id, End::WithThePeriod).await;
    let read = subscriptions(world, &customer).await.remove(0);
    assert!(read.is_cancelling() && read.status == SubscriptionStatus::Active, "{read:?}");
}

pub async fn a_reading_has_the_current_state(world: &dyn BillingAccountWorld) {
    let (customer, subscription) = subscribed(world).await;
    world.cancel(&subscription.id, End::Now).await;
    assert_eq!(subscriptions(world, &customer).await[0].status, SubscriptionStatus::Canceled);
}

pub async fn subscriptions_of_other_customers_are_not_read(world: &dyn BillingAccountWorld) {
    subscribed(world).await;
    let other = world.add_customer(Some("bob"), None).await;
    assert_eq!(subscriptions(world, &other).await, []);
}

pub async fn a_customer_without_owner_metadata_has_no_owner(world: &dyn BillingAccountWorld) {
    let customer = world.add_customer(None, Some("ann@example.com")).await;
    assert_eq!(read(world, &customer).await.owner, NamedOwner::None);
}

pub async fn an_invalid_owner_is_ambiguous(world: &dyn BillingAccountWorld) {
    let customer = world.add_customer(Some(&"x".repeat(256)), None).await;
    assert_eq!(read(world, &customer).await.owner, NamedOwner::Ambiguous);
}

pub async fn customer_of_returns_the_subscription_s_customer(world: &dyn BillingAccountWorld) {
    let (customer, subscription) = subscribed(world).await;
    assert_eq!(
        world.reader().customer_of(&subscription.id, soon()).await.unwrap(),
        Some(customer.clone())
    );
    world.cancel(&subscription.id, End::Now).await;
    assert_eq!(world.reader().customer_of(&subscription.id, soon()).await.unwrap(), Some(customer));
}

pub async fn customer_of_returns_none_for_an_unknown_subscription(world: &dyn BillingAccountWorld) {
    let unknown = "sub_Unknown01".parse().unwrap();
    assert_eq!(world.reader().customer_of(&unknown, soon()).await.unwrap(), None);
}

pub async fn a_passed_deadline_is_a_timeout_without_a_call(world: &dyn BillingAccountWorld) {
    let reader = world.reader();
    let customer = reader.customer(&customer("cus_1"), passed()).await.unwrap_err();
    let holder = reader.customer_of(&"sub_1".parse().unwrap(), passed()).await.unwrap_err();
    for error in [customer, holder] {
        assert!(matches!(error, ProviderError::Timeout { .. }), "{error:?}");
    }
    assert!(!world.was_called().await);
}
