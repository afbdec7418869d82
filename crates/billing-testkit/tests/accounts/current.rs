//! What users are told about their subscription, and when the provider is asked for it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use billing_domain::ports::{ProviderError, SubscriptionReader};
use billing_domain::*;
use billing_testkit::samples::provider_event;

use crate::unsteady::Unsteady;
use crate::world::{Shop, order, price, principal, soon, without_permissions};

const MINUTE: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(1);

async fn current(shop: &Shop) -> Option<CurrentSubscription> {
    shop.subscriptions().current(&principal("ann"), soon()).await.unwrap()
}

/// How often the provider was asked for what a user is told.
async fn calls_of_current(shop: &Shop) -> u64 {
    let calls = shop.provider.calls();
    current(shop).await;
    shop.provider.calls() - calls
}

#[tokio::test]
async fn a_reading_is_fresh_for_a_minute() {
    let shop = Shop::open();
    let (_, subscription) = shop.subscriber("ann").await;
    shop.provider.cancel(&subscription);
    shop.advance(MINUTE - MOMENT);
    assert_eq!(calls_of_current(&shop).await, 0);
    assert!(current(&shop).await.is_some());
    shop.advance(MOMENT);
    assert_eq!(current(&shop).await, None);
    assert_eq!(calls_of_current(&shop).await, 0);
}

#[tokio::test]
async fn what_an_event_tells_of_is_read_before_the_event_is_applied() {
    let shop = Shop::open();
    let (customer, subscription) = shop.subscriber("ann").await;
    let event = shop.provider.change(&subscription, |one| one.prices = vec![price("price_yearly")]);
    shop.deliver(&provider_event("evt_other", &"cus_other".parse().unwrap(), shop.now())).await;
    assert_eq!(calls_of_current(&shop).await, 0);
    shop.deliver(&event).await;
    assert_eq!(current(&shop).await.unwrap().cycle, Some(BillingCycle::Yearly));
    let about = EventSubject::Subscription(subscription);
    shop.work().await;
    shop.deliver(&shop.provider.event("invoice.paid", about)).await;
    assert_eq!(calls_of_current(&shop).await, 1);
    shop.work().await;
    assert_eq!(calls_of_current(&shop).await, 0);
    assert!(shop.mirrored(&customer).await.is_some());
}

#[tokio::test]
async fn after_the_end_of_a_period_and_of_a_subscription_it_is_read_again() {
    for at_a_moment in [false, true] {
        let shop = Shop::open();
        let (customer, subscription) = shop.subscriber("ann").await;
        let end = shop.now().plus(Duration::from_secs(10));
        let event = shop.provider.change(&subscription, |one| {
            if at_a_moment {
                one.cancel_at = Some(end);
            } else {
                one.period_end = Some(end);
            }
        });
        shop.deliver_all(vec![event]).await;
        shop.clock.set(Timestamp::from_millis(end.as_millis() - 1));
        assert_eq!(calls_of_current(&shop).await, 0);
        shop.clock.set(end);
        shop.provider.cancel(&subscription);
        assert_eq!(current(&shop).await, None);
        assert_eq!(calls_of_current(&shop).await, 0);
        assert_eq!(shop.mirrored(&customer).await.unwrap().read_at, end);
    }
}

#[tokio::test]
async fn while_the_provider_is_out_what_it_said_last_counts() {
    let shop = Shop::open();
    shop.subscriber("ann").await;
    let known = current(&shop).await;
    shop.advance(MINUTE);
    shop.provider.fail_next(ProviderError::Timeout { context: "out".to_owned() });
    assert_eq!(current(&shop).await, known);
    shop.provider.fail_next(ProviderError::Refused { context: "another key".to_owned() });
    let refused = shop.subscriptions().current(&principal("ann"), soon()).await;
    assert!(matches!(
        refused,
        Err(CurrentSubscriptionError::Provider(ProviderError::Refused { .. }))
    ));
}

#[tokio::test]
async fn who_has_no_account_is_told_so_without_a_call() {
    let shop = Shop::open();
    assert_eq!(calls_of_current(&shop).await, 0);
    assert_eq!(current(&shop).await, None);
    let refused = shop.subscriptions().current(&without_permissions("ann"), soon()).await;
    assert!(matches!(refused, Err(CurrentSubscriptionError::PermissionDenied(_))));
}

#[tokio::test]
async fn who_comes_from_the_checkout_is_subscribed_before_any_event_says_so() {
    let shop = Shop::open();
    let session = shop.checkout().start(&principal("ann"), order(None)).await.unwrap().session;
    assert_eq!((calls_of_current(&shop).await, calls_of_current(&shop).await), (1, 0));
    shop.provider.pay(&session.id);
    shop.advance(Duration::from_secs(1));
    assert_eq!(current(&shop).await.unwrap().plan.unwrap().name, "Starter");
    assert!(shop.linked("ann").await.is_some());
}

/// Answers once what was so before, and lets another replica read meanwhile.
#[derive(Debug)]
struct Overtaken {
    provider: Arc<dyn SubscriptionReader>,
    by: BillingAccounts,
    fails: bool,
}

#[async_trait]
impl SubscriptionReader for Overtaken {
    async fn customer(
        &self,
        customer: &CustomerId,
        deadline: Deadline,
    ) -> Result<CustomerReading, ProviderError> {
        let reading = self.provider.customer(customer, deadline).await;
        self.by.refresh(customer, None, deadline).await.unwrap();
        if self.fails { Err(ProviderError::Timeout { context: "out".to_owned() }) } else { reading }
    }

    async fn customer_of(
        &self,
        _: &SubscriptionId,
        _: Deadline,
    ) -> Result<Option<CustomerId>, ProviderError> {
        Ok(None)
    }
}

#[tokio::test]
async fn nobody_is_told_what_was_so_before_another_reading() {
    for fails in [false, true] {
        let shop = Shop::open();
        let (customer, subscription) = shop.subscriber("ann").await;
        shop.provider.cancel(&subscription);
        shop.advance(MINUTE);
        let overtaken =
            Overtaken { provider: Arc::clone(&shop.provider) as _, by: shop.accounts(), fails };
        let state = shop.accounts_over(Arc::new(overtaken)).state(&customer, soon()).await.unwrap();
        assert_eq!(state, shop.provider.reading(&customer).state);
        assert_eq!(shop.mirrored(&customer).await.unwrap().state, state);
    }
}

#[tokio::test]
async fn a_reading_that_was_overtaken_is_not_written() {
    let shop = Shop::open();
    let (customer, subscription) = shop.subscriber("ann").await;
    // Its answer is long under way.
    let slow = shop.accounts_over(Arc::new(Unsteady::new(&shop.provider, &[0, 9])));
    let overtake = async {
        tokio::task::yield_now().await;
        shop.provider.cancel(&subscription);
        shop.accounts().refresh(&customer, None, soon()).await.unwrap()
    };
    let (late, early) = tokio::join!(slow.refresh(&customer, None, soon()), overtake);
    assert_eq!(late.unwrap().now.version, early.now.version + 1);
    assert_eq!(
        shop.mirrored(&customer).await.unwrap().state,
        shop.provider.reading(&customer).state
    );
}
