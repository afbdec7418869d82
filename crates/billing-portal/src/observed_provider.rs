//! [`Observed`]: reports the outcome of every provider call to [`Readiness`].

use std::sync::Arc;

use async_trait::async_trait;
use billing_domain::ports::{
    BillingProvider, CheckoutProvider, CustomerDirectory, ListedCustomer, ListedSubscription, Page,
    ProviderError, SubscriptionReader,
};
use billing_domain::{
    Capabilities, CheckoutOrder, CheckoutSession, CustomerId, CustomerOrder, CustomerReading,
    Deadline, PortalRequest, PortalSession, PriceFacts, PriceId, ProviderAccount, SubscriptionId,
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
            // Our own limits say nothing about the provider.
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
    async fn create_customer(&self, order: &CustomerOrder) -> Result<CustomerId, ProviderError> {
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
    ) -> Result<Option<PriceFacts>, ProviderError> {
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

    async fn holder(
        &self,
        subscription: &SubscriptionId,
        deadline: Deadline,
    ) -> Result<Option<CustomerId>, ProviderError> {
        self.observe(self.inner.holder(subscription, deadline).await)
    }
}

#[async_trait]
impl CustomerDirectory for Observed<dyn CustomerDirectory> {
    async fn customers<'a>(
        &self,
        after: Option<&'a CustomerId>,
        deadline: Deadline,
    ) -> Result<Page<ListedCustomer>, ProviderError> {
        self.observe(self.inner.customers(after, deadline).await)
    }

    async fn subscriptions<'a>(
        &self,
        after: Option<&'a SubscriptionId>,
        deadline: Deadline,
    ) -> Result<Page<ListedSubscription>, ProviderError> {
        self.observe(self.inner.subscriptions(after, deadline).await)
    }
}
