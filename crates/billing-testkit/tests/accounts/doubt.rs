//! What becomes of a customer whom the provider did not know when it was asked for something else.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use billing_domain::ports::{ProviderError, SubscriptionReader};
use billing_domain::*;
use billing_testkit::{FakeBillingAccountProvider, FakeBillingProvider};

use crate::world::{Shop, at, principal, soon};

#[tokio::test]
async fn whom_the_portal_finds_gone_nobody_is_told_of_any_more() {
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
        shop.stores.customers(),
        Arc::new(FakeBillingProvider::new(at())),
        shop.stores.audit(),
        Arc::clone(&shop.clock) as _,
        policy.unwrap(),
    );
    let portal = portal.with_accounts(accounts.clone());
    let request = OpenPortal {
        return_url: None,
        locale: None,
        flow: None,
        deadline: soon(),
        origin: RequestOrigin::default(),
    };
    let calls = shop.provider.calls();
    let refused = portal.open(&principal("ann"), request).await;
    assert!(matches!(refused, Err(PortalError::NoBillingAccount { .. })), "{refused:?}");
    assert_eq!(shop.provider.calls(), calls, "the portal's answer waits for no reading");
    // No event has come, and a minute has not passed: the reading would count as fresh.
    assert_eq!(accounts.state(&customer, soon()).await.unwrap(), CustomerState::Gone);
    let calls = shop.provider.calls();
    assert_eq!(accounts.state(&customer, soon()).await.unwrap(), CustomerState::Gone);
    assert_eq!(shop.provider.calls(), calls, "a doubt that is settled costs nothing");
}

/// Deletes the customer, and lets somebody notice, while its last answer is on the way.
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
            self.accounts.get().unwrap().doubt(customer);
        }
        reading
    }

    async fn holder(
        &self,
        subscription: &SubscriptionId,
        deadline: Deadline,
    ) -> Result<Option<CustomerId>, ProviderError> {
        self.provider.holder(subscription, deadline).await
    }
}

#[tokio::test]
async fn a_doubt_outlives_an_answer_that_was_on_the_way() {
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
