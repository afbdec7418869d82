//! Implements [`CheckoutProvider`].

use async_trait::async_trait;
use billing_domain::ports::{CheckoutProvider, ProviderError};
use billing_domain::{
    CheckoutOrder, CheckoutSession, CustomerId, Deadline, NamedOwner, NewCustomer, PriceId,
    ProviderPrice,
};
use tracing::{debug, instrument};

use crate::call::{Call, KeySource};
use crate::operation::Operation;
use crate::portal_session::Expected;
use crate::{StripeProvider, checkout_form, checkout_session, customer, price};

const SESSIONS: &str = "/v1/checkout/sessions";
const PRICES: &str = "/v1/prices";

#[async_trait]
impl CheckoutProvider for StripeProvider {
    #[instrument(skip_all)]
    async fn create_customer(&self, order: &NewCustomer) -> Result<CustomerId, ProviderError> {
        let api = self.api();
        let settings = &api.settings;
        let (key, mode) = (settings.user_metadata_key(), settings.account().mode());
        let url = settings.api_base().endpoint(customer::PATH);
        let form = checkout_form::customer(order, key);
        let call = Call::post(
            Operation::CreateCustomer,
            url,
            form,
            KeySource::Shared(&order.key),
            order.deadline,
        );
        let owner = NamedOwner::User(order.owner.clone());
        let id = api.call(&call, |body| customer::parse_new(body, &owner, key, mode)).await?;
        debug!(customer = %id, "created a customer");
        Ok(id)
    }

    #[instrument(skip_all)]
    async fn create_checkout_session(
        &self,
        order: &CheckoutOrder,
    ) -> Result<CheckoutSession, ProviderError> {
        let api = self.api();
        let settings = &api.settings;
        let url = settings.api_base().endpoint(SESSIONS);
        let form = checkout_form::session(order, settings.user_metadata_key());
        let call = Call::post(
            Operation::CreateCheckoutSession,
            url,
            form,
            KeySource::Shared(&order.key),
            order.deadline,
        );
        let expected = Expected {
            customer: &order.customer,
            mode: settings.account().mode(),
            loopback_urls: settings.allows_loopback_urls(),
        };
        let session = api.call(&call, |body| checkout_session::parse(body, expected)).await?;
        debug!(session = %session.id, "created a checkout session");
        Ok(session)
    }

    #[instrument(skip_all)]
    async fn price(
        &self,
        price: &PriceId,
        deadline: Deadline,
    ) -> Result<Option<ProviderPrice>, ProviderError> {
        let api = self.api();
        let settings = &api.settings;
        let Some(url) = settings.api_base().object(PRICES, price.as_str()) else { return Ok(None) };
        let call = Call::get(Operation::ReadPrice, url, deadline);
        api.find(&call, |body| price::parse(body, price, settings.account().mode())).await
    }
}
