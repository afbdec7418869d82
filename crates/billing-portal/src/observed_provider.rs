//! [`Observed`]: reports the outcome of every provider call to [`Readiness`].

use std::sync::Arc;

use async_trait::async_trait;
use billing_domain::ports::{
    BillingProvider, CheckoutProvider, CustomerDirectory, ListedCustomer, ListedSubscription, Page,
    ProviderError, SubscriptionReader,
};
use billing_domain::{
    Capabilities, CheckoutOrder, CheckoutSession, CustomerId, CustomerReading, Deadline,
    NewCustomer, PortalRequest, PortalSession, PriceId, ProviderAccount, ProviderPrice,
    SubscriptionId,
};

use crate::readiness::Readiness;

/// Wraps a port of the provider. An outage shows in `/readyz` as `degraded` and in a metric.
#[derive(Debug)]
pub(crate) struct Observed<T: ?Sized> {
    inner: Arc<T>,
    readiness: Arc<Readiness>,
}

impl<T: ?Sized> Observed<T> {
    pub(crate) const fn new(inner: Arc<T>, readiness: Arc<Readiness>) -> Self {
        Self { inner, readiness }
    }

    fn observe<R>(&self, result: Result<R, ProviderError>) -> Result<R, ProviderError> {
        match &result {
            Err(ProviderError::Unavailable { .. } | ProviderError::Timeout { .. }) => {
                self.readiness.provider_is_down()
            }
            Ok(_)
            | Err(
                ProviderError::CustomerNotFound { .. }
                | ProviderError::SubscriptionNotFound { .. }
                | ProviderError::Refused { .. }
                | ProviderError::Unusable { .. },
            ) => self.readiness.provider_is_up(),
            // The service's own limits are no sign of the provider's state.
            Err(ProviderError::Overloaded { .. }) => {}
        }
        result
    }
}

#[async_trait]
impl BillingProvider for Observed<dyn BillingProvider> {
    fn account(&self) -> &ProviderAccount {
        self.inner.account()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn create_portal_session(
        &self,
        request: &PortalRequest,
    ) -> Result<PortalSession, ProviderError> {
        self.observe(self.inner.create_portal_session(request).await)
    }
}

#[async_trait]
impl CheckoutProvider for Observed<dyn CheckoutProvider> {
    async fn create_customer(&self, order: &NewCustomer) -> Result<CustomerId, ProviderError> {
        self.observe(self.inner.create_customer(order).await)
    }

    async fn create_checkout_session(
        &self,
        order: &CheckoutOrder,
    ) -> Result<CheckoutSession, ProviderError> {
        self.observe(self.inner.create_checkout_session(order).await)
    }

    async fn price(
        &self,
        price: &PriceId,
        deadline: Deadline,
    ) -> Result<Option<ProviderPrice>, ProviderError> {
        self.observe(self.inner.price(price, deadline).await)
    }
}

#[async_trait]
impl SubscriptionReader for Observed<dyn SubscriptionReader> {
    async fn customer(
        &self,
        customer: &CustomerId,
        deadline: Deadline,
    ) -> Result<CustomerReading, ProviderError> {
        self.observe(self.inner.customer(customer, deadline).await)
    }

    async fn customer_of(
        &self,
        subscription: &SubscriptionId,
        deadline: Deadline,
    ) -> Result<Option<CustomerId>, ProviderError> {
        self.observe(self.inner.customer_of(subscription, deadline).await)
    }
}

#[async_trait]
impl CustomerDirectory for Observed<dyn CustomerDirectory> {
    async fn list_customers<'a>(
        &self,
        after: Option<&'a CustomerId>,
        deadline: Deadline,
    ) -> Result<Page<ListedCustomer>, ProviderError> {
        self.observe(self.inner.list_customers(after, deadline).await)
    }

    async fn list_subscriptions<'a>(
        &self,
        after: Option<&'a SubscriptionId>,
        deadline: Deadline,
    ) -> Result<Page<ListedSubscription>, ProviderError> {
        self.observe(self.inner.list_subscriptions(after, deadline).await)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use api_http::readiness::{ReadinessProbe as _, State};
    use billing_domain::{Mode, ReturnUrl, Timestamp};
    use billing_testkit::{FakeBillingAccountProvider, FakeBillingProvider, FixedClock, samples};
    use http_edge::Drain;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn readiness() -> Arc<Readiness> {
        let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(1)));
        let readiness = Readiness::new(Drain::new(), clock);
        readiness.observe(true, true);
        Arc::new(readiness)
    }

    fn is_down(readiness: &Readiness) -> bool {
        match readiness.state() {
            State::Ready => false,
            State::Degraded(failing) if failing == ["provider"] => true,
            other => panic!("{other:?}"),
        }
    }

    fn unavailable() -> ProviderError {
        ProviderError::Unavailable { context: String::new(), retry_after: SOON }
    }

    fn timeout() -> ProviderError {
        ProviderError::Timeout { context: String::new() }
    }

    #[test]
    fn call_without_a_response_begins_an_outage_and_any_response_ends_it() {
        let readiness = readiness();
        let observed = Observed::new(Arc::new(()), readiness.clone());
        let context = String::new;
        for response in [
            Ok(()),
            Err(ProviderError::CustomerNotFound { context: context() }),
            Err(ProviderError::SubscriptionNotFound { context: context() }),
            Err(ProviderError::Refused { context: context() }),
            Err(ProviderError::Unusable { context: context() }),
        ] {
            let name = format!("{response:?}");
            for error in [unavailable(), timeout()] {
                assert!(observed.observe::<()>(Err(error)).is_err());
                assert!(is_down(&readiness), "{name}");
                readiness.provider_is_up();
            }
            readiness.provider_is_down();
            assert_eq!(format!("{:?}", observed.observe(response)), name);
            assert!(!is_down(&readiness), "{name}");
        }
    }

    #[test]
    fn overload_neither_begins_nor_ends_an_outage() {
        let readiness = readiness();
        let observed = Observed::new(Arc::new(()), readiness.clone());
        let overload = || Err::<(), _>(ProviderError::Overloaded { retry_after: SOON });
        assert!(observed.observe(overload()).is_err());
        assert!(!is_down(&readiness));
        readiness.provider_is_down();
        assert!(observed.observe(overload()).is_err());
        assert!(is_down(&readiness));
    }

    #[tokio::test]
    async fn failed_portal_session_begins_an_outage() {
        let (readiness, account) = (readiness(), samples::account("stripe", Mode::Test));
        let provider = Arc::new(FakeBillingProvider::new(account.clone()));
        provider.fail_next(unavailable());
        let observed = Observed::<dyn BillingProvider>::new(provider, readiness.clone());
        assert_eq!(*observed.account(), account);
        let request = PortalRequest {
            customer: samples::customer("cus_1"),
            return_url: None,
            locale: None,
            flow: None,
            deadline: Deadline::after(SOON),
        };
        assert!(observed.create_portal_session(&request).await.is_err());
        assert!(is_down(&readiness));
    }

    #[tokio::test]
    async fn failed_call_of_any_other_port_begins_an_outage() {
        let (readiness, provider) = (readiness(), Arc::new(FakeBillingAccountProvider::new()));
        let check = |call: &str, failed: bool| {
            assert!(failed && is_down(&readiness), "{call}");
            readiness.provider_is_up();
            provider.fail_next(timeout());
        };
        provider.fail_next(timeout());

        let checkout =
            Observed::<dyn CheckoutProvider>::new(provider.clone(), Arc::clone(&readiness));
        let (owner, customer) = (samples::user("ann"), samples::customer("cus_1"));
        let (key, deadline) = (samples::provider_key("key"), Deadline::after(SOON));
        let order = NewCustomer { owner: owner.clone(), key: key.clone(), deadline };
        check("create_customer", checkout.create_customer(&order).await.is_err());
        let price: PriceId = "price_1".parse().unwrap();
        let url = ReturnUrl::configured("https://app.example.com/").unwrap();
        let order = CheckoutOrder {
            customer: customer.clone(),
            owner,
            price: price.clone(),
            success_url: url.clone(),
            cancel_url: url,
            key,
            deadline,
        };
        check("create_checkout_session", checkout.create_checkout_session(&order).await.is_err());
        check("price", checkout.price(&price, deadline).await.is_err());

        let reader =
            Observed::<dyn SubscriptionReader>::new(provider.clone(), Arc::clone(&readiness));
        check("customer", reader.customer(&customer, deadline).await.is_err());
        let subscription = samples::subscription_id("sub_1");
        check("holder", reader.customer_of(&subscription, deadline).await.is_err());

        let directory =
            Observed::<dyn CustomerDirectory>::new(provider.clone(), Arc::clone(&readiness));
        check("customers", directory.list_customers(None, deadline).await.is_err());
        check("subscriptions", directory.list_subscriptions(None, deadline).await.is_err());
    }
}
