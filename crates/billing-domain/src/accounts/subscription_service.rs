//! [`SubscriptionService`]: what a user is subscribed to now.

use std::sync::Arc;

use crate::ports::{ProviderError, RepoError};
use crate::{
    BillingAccounts, BillingCycle, Catalogue, Deadline, Operation, Permission, Plan, Principal,
    RefreshError, Subscription,
};

/// Tells users what they are subscribed to.
#[derive(Clone, Debug)]
pub struct SubscriptionService {
    accounts: BillingAccounts,
    catalogue: Arc<Catalogue>,
}

/// A user's subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentSubscription {
    /// As the provider has it.
    pub subscription: Subscription,
    /// What the catalogue calls it; `None` where its price is none of the catalogue's.
    pub plan: Option<Plan>,
    /// How often it is paid.
    pub cycle: Option<BillingCycle>,
}

/// Why nothing is told.
#[derive(Debug, thiserror::Error)]
pub enum CurrentSubscriptionError {
    /// The credential holds, and does not allow this.
    #[error("the permission {0} is missing")]
    PermissionDenied(Permission),
    /// The provider failed us, and nothing is known from before; or it refused us, which no waiting mends.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepoError),
    /// The customer is being read by others all the time.
    #[error("the customer is being read by others all the time")]
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
    /// A service that knows these plans.
    #[must_use]
    pub const fn new(accounts: BillingAccounts, catalogue: Arc<Catalogue>) -> Self {
        Self { accounts, catalogue }
    }

    /// The plans.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The subscription that the caller has now; `None` without one.
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
            let known =
                subscription.prices.iter().find_map(|price| self.catalogue.find_by_price(price));
            CurrentSubscription {
                subscription: subscription.clone(),
                plan: known.map(|(plan, _)| plan.clone()),
                cycle: known.map(|(_, cycle)| cycle).or(subscription.cycle),
            }
        }))
    }
}
