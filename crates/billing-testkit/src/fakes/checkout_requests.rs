//! [`InMemoryCheckoutRequests`].

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use billing_domain::ports::{CheckoutRequest, CheckoutRequests, RepoError, StoredCheckoutRequest};
use billing_domain::{CheckoutSessionId, CustomerId, ProviderAccount, Timestamp, UserId};

use super::Reachability;

/// Requests with their time, by owner, provider account and key.
pub(super) type Requests =
    BTreeMap<(UserId, ProviderAccount, String), (StoredCheckoutRequest, Timestamp)>;

/// An in-memory store of checkout requests.
#[derive(Debug, Default)]
pub struct InMemoryCheckoutRequests {
    requests: Mutex<Requests>,
    reachability: Reachability,
}

impl InMemoryCheckoutRequests {
    /// Creates an empty store controlled by this switch.
    #[must_use]
    pub fn with(reachability: Reachability) -> Self {
        Self { reachability, ..Self::default() }
    }

    /// Returns the requests, if the store is reachable.
    pub(super) fn reach(&self) -> Result<MutexGuard<'_, Requests>, RepoError> {
        self.reachability.check()?;
        Ok(self.requests.lock().unwrap())
    }
}

fn key(request: &CheckoutRequest) -> (UserId, ProviderAccount, String) {
    (request.owner.clone(), request.account.clone(), request.key.to_string())
}

#[async_trait]
impl CheckoutRequests for InMemoryCheckoutRequests {
    async fn begin(
        &self,
        request: &CheckoutRequest,
        now: Timestamp,
    ) -> Result<StoredCheckoutRequest, RepoError> {
        let new = || {
            let (content, provider_key) = (request.content.clone(), request.provider_key.clone());
            (StoredCheckoutRequest { content, provider_key, session: None }, now)
        };
        Ok(self.reach()?.entry(key(request)).or_insert_with(new).0.clone())
    }

    async fn complete(
        &self,
        request: &CheckoutRequest,
        customer: &CustomerId,
        session: &CheckoutSessionId,
    ) -> Result<(), RepoError> {
        if let Some((remembered, _)) = self.reach()?.get_mut(&key(request)) {
            remembered.session = Some((customer.clone(), session.clone()));
        }
        Ok(())
    }

    async fn prune(&self, before: Timestamp) -> Result<u64, RepoError> {
        Ok(self.reach()?.extract_if(.., |_, (_, made)| *made < before).count() as u64)
    }
}
