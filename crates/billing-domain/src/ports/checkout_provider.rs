//! The provider's checkout.

use std::fmt::Debug;

use async_trait::async_trait;

use super::ProviderError;
use crate::{
    CheckoutOrder, CheckoutSession, CustomerId, Deadline, NewCustomer, PriceId, ProviderPrice,
};

/// A payment provider with a hosted checkout.
#[async_trait]
pub trait CheckoutProvider: Debug + Send + Sync + 'static {
    /// Makes a customer for the owner; the same one for the same key, for as long as the provider remembers keys.
    ///
    /// # Errors
    /// See [`ProviderError`].
    async fn create_customer(&self, order: &NewCustomer) -> Result<CustomerId, ProviderError>;

    /// Makes a checkout session; the same one for the same key.
    ///
    /// # Errors
    /// See [`ProviderError`]. [`ProviderError::CustomerNotFound`] where the customer is gone.
    async fn create_checkout_session(
        &self,
        order: &CheckoutOrder,
    ) -> Result<CheckoutSession, ProviderError>;

    /// What the provider says about a price; `None` where it knows none of this id.
    ///
    /// # Errors
    /// See [`ProviderError`].
    async fn price(
        &self,
        price: &PriceId,
        deadline: Deadline,
    ) -> Result<Option<ProviderPrice>, ProviderError>;
}
