//! Implements [`SubscriptionReader`]: reads a customer with its subscriptions.

use std::cmp::Reverse;

use async_trait::async_trait;
use billing_domain::ports::{ListedSubscription, ProviderError, SubscriptionReader};
use billing_domain::{
    CustomerId, CustomerReading, CustomerState, Deadline, NamedOwner, Subscription, SubscriptionId,
};
use tracing::instrument;

use crate::call::Call;
use crate::checkout_session::CompleteSession;
use crate::list::Listing;
use crate::metadata::merge_owners;
use crate::operation::Operation;
use crate::stripe_api::StripeApi;
use crate::subscription::SubscriptionObject;
use crate::{StripeProvider, customer, subscription};

const SESSIONS: &str = "/v1/checkout/sessions";

#[async_trait]
impl SubscriptionReader for StripeProvider {
    #[instrument(name = "read_customer", skip_all)]
    async fn customer(
        &self,
        customer: &CustomerId,
        deadline: Deadline,
    ) -> Result<CustomerReading, ProviderError> {
        match self.api().reading(customer, deadline).await {
            // The customer was deleted before or between the calls.
            Err(ProviderError::CustomerNotFound { .. }) => Ok(gone()),
            result => result,
        }
    }

    #[instrument(name = "read_holder", skip_all)]
    async fn customer_of(
        &self,
        subscription: &SubscriptionId,
        deadline: Deadline,
    ) -> Result<Option<CustomerId>, ProviderError> {
        let api = self.api();
        let settings = &api.settings;
        let Some(url) = settings.api_base().object(subscription::PATH, subscription.as_str())
        else {
            return Ok(None);
        };
        let call = Call::get(Operation::ReadSubscription, url, deadline);
        api.find(&call, |body| {
            subscription::parse_customer(body, subscription, settings.account().mode())
        })
        .await
    }
}

const fn gone() -> CustomerReading {
    CustomerReading { state: CustomerState::Gone, owner: NamedOwner::None }
}

impl StripeApi {
    /// Reads the customer after the subscriptions, so that a deletion in between is detected.
    async fn reading(
        &self,
        customer: &CustomerId,
        deadline: Deadline,
    ) -> Result<CustomerReading, ProviderError> {
        let Some(url) = self.settings.api_base().object(customer::PATH, customer.as_str()) else {
            return Ok(gone());
        };
        let mut subscriptions = self.subscriptions_of(customer, deadline).await?;
        let (key, mode) = (self.settings.user_metadata_key(), self.settings.account().mode());
        let call = Call::get(Operation::ReadCustomer, url, deadline);
        let owner =
            self.call(&call, |body| customer::parse_owner(body, customer, key, mode)).await?;
        let owner = match owner {
            None => return Ok(gone()),
            Some(NamedOwner::None) => self.owner_by_sessions(customer, deadline).await?,
            Some(named) => named,
        };
        subscriptions.sort_by_key(|one| (Reverse(one.created), one.id.as_str().to_owned()));
        Ok(CustomerReading { state: CustomerState::Present(subscriptions), owner })
    }

    async fn subscriptions_of(
        &self,
        customer: &CustomerId,
        deadline: Deadline,
    ) -> Result<Vec<Subscription>, ProviderError> {
        let listing = Listing {
            operation: Operation::ListSubscriptions,
            path: subscription::PATH,
            filters: &[("customer", customer.as_str()), ("status", "all")],
            deadline,
        };
        let mode = self.settings.account().mode();
        let each = |object: SubscriptionObject| {
            let ListedSubscription { customer: customer_of, subscription } = object.listed(mode)?;
            if customer_of == *customer {
                Ok(subscription)
            } else {
                Err("a subscription belongs to another customer".to_owned())
            }
        };
        Ok(self.pages(listing, |subscription| subscription.id.as_str(), each).await?)
    }

    /// Returns the owner in the completed sessions. Used when the customer's metadata contains no
    /// user id.
    async fn owner_by_sessions(
        &self,
        customer: &CustomerId,
        deadline: Deadline,
    ) -> Result<NamedOwner, ProviderError> {
        let listing = Listing {
            operation: Operation::ListCheckoutSessions,
            path: SESSIONS,
            filters: &[("customer", customer.as_str()), ("status", "complete")],
            deadline,
        };
        let (key, mode) = (self.settings.user_metadata_key(), self.settings.account().mode());
        let each = |session: CompleteSession| session.check(customer, mode).map(|()| session);
        let sessions = self.pages(listing, |session| session.id.as_str(), each).await?;
        Ok(sessions.iter().map(|session| session.owner(key)).fold(NamedOwner::None, merge_owners))
    }
}
