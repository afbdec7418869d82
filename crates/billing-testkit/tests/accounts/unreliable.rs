//! [`UnreliableProvider`]: a provider with delayed and lost responses.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use billing_domain::ports::{CheckoutProvider, ProviderError, SubscriptionReader};
use billing_domain::*;
use billing_testkit::FakeBillingAccountProvider;

/// Yields a configured number of times before each call and each response, so a response may be
/// outdated. Equal configurations interleave equally.
#[derive(Debug)]
pub(crate) struct UnreliableProvider {
    provider: Arc<FakeBillingAccountProvider>,
    pauses: Mutex<VecDeque<u8>>,
    lost: Mutex<VecDeque<bool>>,
}

impl UnreliableProvider {
    pub(crate) fn new(provider: &Arc<FakeBillingAccountProvider>, pauses: &[u8]) -> Self {
        let pauses = Mutex::new(pauses.iter().copied().collect());
        Self { provider: Arc::clone(provider), pauses, lost: Mutex::default() }
    }

    /// Configures which of the next responses are lost after the provider executed the call.
    pub(crate) fn losing(self, lost: &[bool]) -> Self {
        Self { lost: Mutex::new(lost.iter().copied().collect()), ..self }
    }

    async fn pause(&self) {
        let pauses = {
            let mut pauses = self.pauses.lock().unwrap();
            let next = pauses.pop_front();
            pauses.extend(next);
            next.unwrap_or_default()
        };
        for _ in 0..pauses {
            tokio::task::yield_now().await;
        }
    }

    async fn call<T>(
        &self,
        operation: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        self.pause().await;
        let response = operation.await;
        self.pause().await;
        if self.lost.lock().unwrap().pop_front().unwrap_or_default() {
            return Err(ProviderError::Timeout { context: "the response was lost".to_owned() });
        }
        response
    }
}

#[async_trait]
impl CheckoutProvider for UnreliableProvider {
    async fn create_customer(&self, order: &NewCustomer) -> Result<CustomerId, ProviderError> {
        self.call(self.provider.create_customer(order)).await
    }

    async fn create_checkout_session(
        &self,
        order: &CheckoutOrder,
    ) -> Result<CheckoutSession, ProviderError> {
        self.call(self.provider.create_checkout_session(order)).await
    }

    async fn price(
        &self,
        price: &PriceId,
        deadline: Deadline,
    ) -> Result<Option<ProviderPrice>, ProviderError> {
        self.call(self.provider.price(price, deadline)).await
    }
}

#[async_trait]
impl SubscriptionReader for UnreliableProvider {
    async fn customer(
        &self,
        customer: &CustomerId,
        deadline: Deadline,
    ) -> Result<CustomerReading, ProviderError> {
        self.call(self.provider.customer(customer, deadline)).await
    }

    async fn customer_of(
        &self,
        subscription: &SubscriptionId,
        deadline: Deadline,
    ) -> Result<Option<CustomerId>, ProviderError> {
        self.call(self.provider.customer_of(subscription, deadline)).await
    }
}
