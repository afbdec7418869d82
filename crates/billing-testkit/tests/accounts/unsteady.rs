//! [`Unsteady`]: the provider, whose answers take their time and may be lost on the way.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use billing_domain::ports::{CheckoutProvider, ProviderError, SubscriptionReader};
use billing_domain::*;
use billing_testkit::FakeBillingAccountProvider;

/// Lets others go first, so often as its list says, before each call and between what is done and
/// the answer: an answer may be old when it comes. The same list gives the same order of things.
#[derive(Debug)]
pub(crate) struct Unsteady {
    provider: Arc<FakeBillingAccountProvider>,
    pauses: Mutex<VecDeque<u8>>,
    lost: Mutex<VecDeque<bool>>,
}

impl Unsteady {
    pub(crate) fn new(provider: &Arc<FakeBillingAccountProvider>, pauses: &[u8]) -> Self {
        let pauses = Mutex::new(pauses.iter().copied().collect());
        Self { provider: Arc::clone(provider), pauses, lost: Mutex::default() }
    }

    /// Which of the next answers are lost, though what was asked for is done.
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

    async fn pass<T>(
        &self,
        call: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        self.pause().await;
        let answer = call.await;
        self.pause().await;
        if self.lost.lock().unwrap().pop_front().unwrap_or_default() {
            return Err(ProviderError::Timeout { context: "the answer was lost".to_owned() });
        }
        answer
    }
}

#[async_trait]
impl CheckoutProvider for Unsteady {
    async fn create_customer(&self, order: &NewCustomer) -> Result<CustomerId, ProviderError> {
        self.pass(self.provider.create_customer(order)).await
    }

    async fn create_checkout_session(
        &self,
        order: &CheckoutOrder,
    ) -> Result<CheckoutSession, ProviderError> {
        self.pass(self.provider.create_checkout_session(order)).await
    }

    async fn price(
        &self,
        price: &PriceId,
        deadline: Deadline,
    ) -> Result<Option<ProviderPrice>, ProviderError> {
        self.pass(self.provider.price(price, deadline)).await
    }
}

#[async_trait]
impl SubscriptionReader for Unsteady {
    async fn customer(
        &self,
        customer: &CustomerId,
        deadline: Deadline,
    ) -> Result<CustomerReading, ProviderError> {
        self.pass(self.provider.customer(customer, deadline)).await
    }

    async fn customer_of(
        &self,
        subscription: &SubscriptionId,
        deadline: Deadline,
    ) -> Result<Option<CustomerId>, ProviderError> {
        self.pass(self.provider.customer_of(subscription, deadline)).await
    }
}
