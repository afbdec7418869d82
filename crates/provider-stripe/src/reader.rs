//! The port that reads a customer with its subscriptions.

use std::cmp::Reverse;

use async_trait::async_trait;
use billing_domain::ports::{ListedSubscription, ProviderError, SubscriptionReader};
use billing_domain::{
    CustomerId, CustomerReading, CustomerState, Deadline, NamedOwner, Subscription, SubscriptionId,
};
use tracing::instrument;

use crate::access::Access;
use crate::call::Call;
use crate::checkout_session::CompleteSession;
use crate::list::Listing;
use crate::metadata::agreed;
use crate::operation::Operation;
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
        match self.access().reading(customer, deadline).await {
            // Deleted before, or between two of the calls.
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
        let access = self.access();
        let settings = &access.settings;
        let Some(url) = settings.api_base().object(subscription::PATH, subscription.as_str())
        else {
            return Ok(None);
        };
        let call = Call::get(Operation::ReadSubscription, url, deadline);
        access
            .find(&call, |body| {
                subscription::parse_holder(body, subscription, settings.account().mode())
            })
            .await
    }
}

const fn gone() -> CustomerReading {
    CustomerReading { state: CustomerState::Gone, owner: NamedOwner::None }
}

impl Access {
    /// The subscriptions first: whether the customer is there is then true after they were read, not before.
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
            let ListedSubscription { customer: holder, subscription } = object.listed(mode)?;
            if holder == *customer {
                Ok(subscription)
            } else {
                Err("a subscription is another customer's".to_owned())
            }
        };
        Ok(self.pages(listing, |subscription| subscription.id.as_str(), each).await?)
    }

    /// Whom the sessions name that the customer completed, where the customer's metadata name nobody.
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
        Ok(sessions.iter().map(|session| session.owner(key)).fold(NamedOwner::None, agreed))
    }
}
