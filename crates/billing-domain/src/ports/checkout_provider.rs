//! The port of the provider's checkout.

use std::fmt::Debug;

use async_trait::async_trait;

use super::ProviderError;
use crate::{
    CheckoutOrder, CheckoutSession, CustomerId, Deadline, NewCustomer, PriceId, ProviderPrice,
};

/// A payment provider with a hosted checkout.
#[async_trait]
pub trait CheckoutProvider: Debug + Send + Sync + 'static {
    /// Creates a customer for the owner. Returns the same customer for the same key, as long as the
    /// provider remembers the key.
    ///
    /// # Errors
    /// See [`ProviderError`].
    async fn create_customer(&self, customer: &NewCustomer) -> Result<CustomerId, ProviderError>;

    /// Creates a checkout session. Returns the same session for the same key.
    ///
    /// # Errors
    /// See [`ProviderError`]. [`ProviderError::CustomerNotFound`] if the customer is gone.
    async fn create_checkout_session(
        &self,
        order: &CheckoutOrder,
    ) -> Result<CheckoutSession, ProviderError>;

    /// Returns a price, if the provider has one with this id.
    ///
    /// # Errors
    /// See [`ProviderError`].
    async fn price(
        &self,
        price: &PriceId,
        deadline: Deadline,
    ) -> Result<Option<ProviderPrice>, ProviderError>;
}
