//! [`InMemoryCustomerClaims`].

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use billing_domain::ports::{CustomerClaims, RepoError};
use billing_domain::{CustomerClaim, CustomerId, ProviderAccount, ProviderKey, Timestamp, UserId};

use super::Reachability;

pub(super) type Claims = BTreeMap<(UserId, ProviderAccount), CustomerClaim>;

/// An in-memory store of claims.
#[derive(Debug, Default)]
pub struct InMemoryCustomerClaims {
    claims: Mutex<Claims>,
    reachability: Reachability,
}

impl InMemoryCustomerClaims {
    /// Creates an empty store controlled by this switch.
    #[must_use]
    pub fn with(reachability: Reachability) -> Self {
        Self { reachability, ..Self::default() }
    }

    /// Returns the claims, if the store is reachable.
    pub(super) fn reach(&self) -> Result<MutexGuard<'_, Claims>, RepoError> {
        self.reachability.check()?;
        Ok(self.claims.lock().unwrap())
    }
}

#[async_trait]
impl CustomerClaims for InMemoryCustomerClaims {
    async fn find(
        &self,
        owner: &UserId,
        account: &ProviderAccount,
    ) -> Result<Option<CustomerClaim>, RepoError> {
        Ok(self.reach()?.get(&(owner.clone(), account.clone())).cloned())
    }

    async fn claim(
        &self,
        owner: &UserId,
        account: &ProviderAccount,
        key: &ProviderKey,
        now: Timestamp,
    ) -> Result<CustomerClaim, RepoError> {
        let new = || CustomerClaim { key: key.clone(), customer: None, claimed_at: now };
        Ok(self.reach()?.entry((owner.clone(), account.clone())).or_insert_with(new).clone())
    }

    async fn fulfil(
        &self,
        owner: &UserId,
        account: &ProviderAccount,
        key: &ProviderKey,
        customer: &CustomerId,
    ) -> Result<Option<CustomerClaim>, RepoError> {
        let mut claims = self.reach()?;
        let claim = claims.get_mut(&(owner.clone(), account.clone()));
        Ok(claim.map(|claim| {
            if claim.key == *key && claim.customer.is_none() {
                claim.customer = Some(customer.clone());
            }
            claim.clone()
        }))
    }

    async fn replace_key(
        &self,
        owner: &UserId,
        account: &ProviderAccount,
        old: &ProviderKey,
        fresh: &ProviderKey,
        now: Timestamp,
    ) -> Result<Option<CustomerClaim>, RepoError> {
        let mut claims = self.reach()?;
        let claim = claims.get_mut(&(owner.clone(), account.clone()));
        Ok(claim.map(|claim| {
            if claim.key == *old && claim.customer.is_none() {
                *claim = CustomerClaim { key: fresh.clone(), customer: None, claimed_at: now };
            }
            claim.clone()
        }))
    }
}
