//! Tests of the current subscription and of the provider calls to read it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use billing_domain::ports::{ProviderError, SubscriptionReader};
use billing_domain::*;
use billing_testkit::samples::provider_event;

use crate::unreliable::UnreliableProvider;
use crate::world::{Shop, order, price, principal, soon, without_permissions};

const MINUTE: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(1);

async fn current(shop: &Shop) -> Option<CurrentSubscription> {
    shop.subscriptions().current(&principal("ann"), soon()).await.unwrap()
}

/// Returns the number of provider calls to read the current subscription.
async fn calls_of_current(shop: &Shop) -> u64 {
    let calls = shop.provider.calls();
    current(shop).await;
    shop.provider.calls() - calls
}

#[tokio::test]
async fn a_reading_has_a_ttl_of_one_minute() {
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
async fn a_customer_with_a_pending_event_is_read_from_the_provider() {
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
async fn a_subscription_is_read_again_after_its_period_or_cancellation() {
    for cancels in [false, true] {
        let shop = Shop::open();
        let (customer, subscription) = shop.subscriber("ann").await;
        let end = shop.now().plus(Duration::from_secs(10));
        let event = shop.provider.change(&subscription, |one| {
            if cancels {
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
async fn during_an_outage_the_last_reading_is_used() {
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
async fn a_user_without_an_account_has_no_subscription_and_costs_no_call() {
    let shop = Shop::open();
    assert_eq!(calls_of_current(&shop).await, 0);
    assert_eq!(current(&shop).await, None);
    let refused = shop.subscriptions().current(&without_permissions("ann"), soon()).await;
    assert!(matches!(refused, Err(CurrentSubscriptionError::PermissionDenied(_))));
}

#[tokio::test]
async fn after_checkout_the_subscription_is_current_before_any_event() {
    let shop = Shop::open();
    let session = shop.checkout().start(&principal("ann"), order(None)).await.unwrap().session;
    assert_eq!((calls_of_current(&shop).await, calls_of_current(&shop).await), (1, 0));
    shop.provider.pay(&session.id);
    shop.advance(Duration::from_secs(1));
    assert_eq!(current(&shop).await.unwrap().plan.unwrap().name, "Starter");
    assert!(shop.linked("ann").await.is_some());
}

/// Returns an outdated reading, because another replica reads in between.
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
async fn a_reading_older_than_a_stored_one_is_not_returned() {
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
async fn an_overtaken_reading_is_not_written() {
    let shop = Shop::open();
    let (customer, subscription) = shop.subscriber("ann").await;
    // Its response is delayed.
    let slow = shop.accounts_over(Arc::new(UnreliableProvider::new(&shop.provider, &[0, 9])));
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
