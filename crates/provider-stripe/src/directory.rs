//! Implements [`CustomerDirectory`]: lists customers and subscriptions.

use async_trait::async_trait;
use billing_domain::ports::{
    CustomerDirectory, ListedCustomer, ListedSubscription, Page, ProviderError,
};
use billing_domain::{CustomerId, Deadline, SubscriptionId};
use tracing::instrument;

use crate::customer::Customer;
use crate::list::Listing;
use crate::operation::Operation;
use crate::subscription::SubscriptionObject;
use crate::{StripeProvider, customer, subscription};

#[async_trait]
impl CustomerDirectory for StripeProvider {
    #[instrument(name = "list_customers", skip_all)]
    async fn list_customers<'a>(
        &self,
        after: Option<&'a CustomerId>,
        deadline: Deadline,
    ) -> Result<Page<ListedCustomer>, ProviderError> {
        let api = self.api();
        let (key, mode) = (api.settings.user_metadata_key(), api.settings.account().mode());
        let listing = Listing {
            operation: Operation::ListCustomers,
            path: customer::PATH,
            filters: &[],
            deadline,
        };
        let each = |customer: Customer| customer::listed(customer, key, mode);
        Ok(api.page(listing, after.map(CustomerId::as_str), each).await?)
    }

    #[instrument(name = "list_subscriptions", skip_all)]
    async fn list_subscriptions<'a>(
        &self,
        after: Option<&'a SubscriptionId>,
        deadline: Deadline,
    ) -> Result<Page<ListedSubscription>, ProviderError> {
        let api = self.api();
        let mode = api.settings.account().mode();
        let listing = Listing {
            operation: Operation::ListSubscriptions,
            path: subscription::PATH,
            filters: &[("status", "all")],
            deadline,
        };
        let each = |subscription: SubscriptionObject| subscription.listed(mode);
        Ok(api.page(listing, after.map(SubscriptionId::as_str), each).await?)
    }
}
