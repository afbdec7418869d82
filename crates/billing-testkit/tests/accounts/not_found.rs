//! Tests of customers that the provider reported as not found in another call.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use billing_domain::ports::{ProviderError, SubscriptionReader};
use billing_domain::*;
use billing_testkit::{FakeBillingAccountProvider, FakeBillingProvider};

use crate::world::{Shop, at, principal, soon};

#[tokio::test]
async fn a_customer_reported_as_not_found_is_read_again_by_every_replica() {
    let shop = Shop::open();
    let (customer, _) = shop.subscriber("ann").await;
    let _lost = shop.provider.delete_customer(&customer);
    let accounts = shop.accounts();
    let policy = ReturnUrlPolicy::new(
        ReturnUrl::configured("https://app.example.com/").unwrap(),
        vec![],
        Mode::Test,
    );
    let portal = PortalService::new(
        accounts.clone(),
        Arc::new(FakeBillingProvider::new(at())),
        shop.stores.audit(),
        Arc::clone(&shop.clock) as _,
        policy.unwrap(),
    );
    let request = OpenPortal {
        return_url: None,
        locale: None,
        flow: None,
        deadline: soon(),
        origin: RequestOrigin::default(),
    };
    let calls = shop.provider.calls();
    for _ in 0..3 {
        let refused = portal.open(&principal("ann"), request.clone()).await;
        assert!(matches!(refused, Err(PortalError::NoBillingAccount { .. })), "{refused:?}");
    }
    assert_eq!(shop.provider.calls(), calls, "the portal's response does not wait for a reading");
    assert_eq!(pending(&shop).await, 1, "reports about one version create one event");
    // The provider sent no event, and the TTL is not over: without the report, the reading would be
    // fresh.
    let other_replica = shop.accounts();
    assert_eq!(other_replica.state(&customer, soon()).await.unwrap(), CustomerState::Gone);
    assert_eq!(shop.work().await, [ProcessingOutcome::Applied]);
    let calls = shop.provider.calls();
    assert_eq!(accounts.state(&customer, soon()).await.unwrap(), CustomerState::Gone);
    assert_eq!(shop.provider.calls(), calls, "an applied report costs no call");
    accounts.report_not_found(&customer).await.unwrap();
    assert_eq!(pending(&shop).await, 1, "a later report creates another event");
}

async fn pending(shop: &Shop) -> usize {
    let is_pending = |event: &InboxEvent| matches!(event.state, InboxState::Pending(_));
    shop.inbox().await.into_iter().filter(is_pending).count()
}

/// Deletes and reports the customer while a response is in transit.
#[derive(Debug, Default)]
struct Overtaken {
    provider: Arc<FakeBillingAccountProvider>,
    accounts: OnceLock<BillingAccounts>,
}

#[async_trait]
impl SubscriptionReader for Overtaken {
    async fn customer(
        &self,
        customer: &CustomerId,
        deadline: Deadline,
    ) -> Result<CustomerReading, ProviderError> {
        let reading = self.provider.customer(customer, deadline).await;
        if reading.as_ref().is_ok_and(|reading| reading.state != CustomerState::Gone) {
            let _lost = self.provider.delete_customer(customer);
            self.accounts.get().unwrap().report_not_found(customer).await.unwrap();
        }
        reading
    }

    async fn customer_of(
        &self,
        subscription: &SubscriptionId,
        deadline: Deadline,
    ) -> Result<Option<CustomerId>, ProviderError> {
        self.provider.customer_of(subscription, deadline).await
    }
}

#[tokio::test]
async fn a_report_survives_a_response_in_transit() {
    let shop = Shop::open();
    let (customer, _) = shop.subscriber("ann").await;
    let reader =
        Arc::new(Overtaken { provider: Arc::clone(&shop.provider), ..Overtaken::default() });
    let accounts = shop.accounts_over(Arc::clone(&reader) as _);
    reader.accounts.set(accounts.clone()).unwrap();
    let refreshed = accounts.refresh(&customer, None, soon()).await.unwrap();
    assert_ne!(refreshed.now.state, CustomerState::Gone);
    assert_eq!(accounts.state(&customer, soon()).await.unwrap(), CustomerState::Gone);
}
