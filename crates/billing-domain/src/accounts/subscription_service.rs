//! [`SubscriptionService`]: returns a user's current subscription.

use std::sync::Arc;

use crate::ports::{ProviderError, RepoError};
use crate::{
    BillingAccounts, BillingCycle, Catalogue, Deadline, Operation, Permission, Plan, Principal,
    RefreshError, Subscription,
};

/// Returns users' current subscriptions.
#[derive(Clone, Debug)]
pub struct SubscriptionService {
    accounts: BillingAccounts,
    catalogue: Arc<Catalogue>,
}

/// A user's subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentSubscription {
    /// The subscription at the provider.
    pub subscription: Subscription,
    /// The plan of the subscription's price; `None` if the catalogue lacks the price.
    pub plan: Option<Plan>,
    /// The billing cycle.
    pub cycle: Option<BillingCycle>,
}

/// The reasons why the current subscription is unknown.
#[derive(Debug, thiserror::Error)]
pub enum CurrentSubscriptionError {
    /// The credential is valid and lacks the permission.
    #[error("the permission {0} is missing")]
    PermissionDenied(Permission),
    /// The provider refused the call, or failed and the mirror has no reading.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepoError),
    /// Other writers updated the customer during every attempt.
    #[error("other writers updated the customer during every attempt")]
    Contended,
}

impl From<RefreshError> for CurrentSubscriptionError {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Provider(error) => Self::Provider(error),
            RefreshError::Store(error) => Self::Store(error),
            RefreshError::Contended | RefreshError::ClaimLost => Self::Contended,
        }
    }
}

impl SubscriptionService {
    /// Creates a service with this catalogue.
    #[must_use]
    pub const fn new(accounts: BillingAccounts, catalogue: Arc<Catalogue>) -> Self {
        Self { accounts, catalogue }
    }

    /// Returns the catalogue.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Returns the caller's current subscription, if there is one.
    ///
    /// # Errors
    /// See [`CurrentSubscriptionError`].
    pub async fn current(
        &self,
        principal: &Principal,
        deadline: Deadline,
    ) -> Result<Option<CurrentSubscription>, CurrentSubscriptionError> {
        principal
            .authorize(Operation::ReadSubscription)
            .map_err(CurrentSubscriptionError::PermissionDenied)?;
        let Some(customer) = self.accounts.find(&principal.owner, deadline).await? else {
            return Ok(None);
        };
        let state = self.accounts.state(&customer, deadline).await?;
        Ok(state.current().map(|subscription| {
            let sold_as =
                subscription.prices.iter().find_map(|price| self.catalogue.find_by_price(price));
            CurrentSubscription {
                subscription: subscription.clone(),
                plan: sold_as.map(|(plan, _)| plan.clone()),
                cycle: sold_as.map(|(_, cycle)| cycle).or(subscription.cycle),
            }
        }))
    }
}
