//! [`InMemoryCustomerRepo`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use billing_domain::ports::{CustomerRepo, LinkChange, RepoError};
use billing_domain::{AuditEvent, CustomerId, CustomerLink, ProviderAccount, Timestamp, UserId};

use super::Reachability;
use super::audit_records::AuditRecords;

type Owner = (UserId, String, &'static str);

pub(super) type Links = BTreeMap<Owner, (ProviderAccount, CustomerId)>;

/// An in-memory repo of links.
#[derive(Debug, Default)]
pub struct InMemoryCustomerRepo {
    links: Mutex<Links>,
    records: Arc<AuditRecords>,
    reachability: Reachability,
}

impl InMemoryCustomerRepo {
    /// Creates an empty repo controlled by this switch.
    #[must_use]
    pub fn with(reachability: Reachability) -> Self {
        Self { reachability, ..Self::default() }
    }

    /// Creates an empty repo that shares a database with this audit log.
    pub(super) fn with_records(records: Arc<AuditRecords>, reachability: Reachability) -> Self {
        Self { records, reachability, ..Self::default() }
    }

    /// Returns the links, if the store is reachable.
    pub(super) fn reach(&self) -> Result<MutexGuard<'_, Links>, RepoError> {
        self.reachability.check()?;
        Ok(self.links.lock().unwrap())
    }

    /// Returns all links, sorted by owner, provider and mode.
    pub(super) fn links(&self) -> Result<Vec<CustomerLink>, RepoError> {
        let links = self.reach()?;
        let all = links.iter().map(|((owner, ..), (account, customer))| CustomerLink {
            owner: owner.clone(),
            account: account.clone(),
            customer: customer.clone(),
        });
        Ok(all.collect())
    }

    /// Deletes a user's links and returns their number.
    pub(super) fn forget(&self, owner: &UserId) -> Result<u64, RepoError> {
        Ok(self.reach()?.extract_if(.., |(user, ..), _| user == owner).count() as u64)
    }
}

/// Applies a change if the link is as it expects. Returns whether it was.
pub(super) fn apply(links: &mut Links, change: &LinkChange) -> bool {
    let (link, expected) = match change {
        LinkChange::Add(link) => (link, None),
        LinkChange::Replace { old, new } => (new, Some(old)),
        LinkChange::Remove(link) => (link, Some(&link.customer)),
    };
    let key = key(&link.owner, &link.account);
    if links.get(&key).map(|(_, customer)| customer) != expected {
        return false;
    }
    match change {
        LinkChange::Add(link) | LinkChange::Replace { new: link, .. } => {
            links.insert(key, (link.account.clone(), link.customer.clone()));
        }
        LinkChange::Remove(_) => {
            links.remove(&key);
        }
    }
    true
}

fn key(owner: &UserId, account: &ProviderAccount) -> Owner {
    (owner.clone(), account.provider().to_string(), account.mode().as_str())
}

#[async_trait]
impl CustomerRepo for InMemoryCustomerRepo {
    async fn find(
        &self,
        owner: &UserId,
        account: &ProviderAccount,
    ) -> Result<Option<CustomerId>, RepoError> {
        Ok(self.reach()?.get(&key(owner, account)).map(|(_, customer)| customer.clone()))
    }

    async fn change(
        &self,
        change: &LinkChange,
        _: Timestamp,
        records: &[AuditEvent],
    ) -> Result<bool, RepoError> {
        let changed = apply(&mut *self.reach()?, change);
        if changed {
            self.records.add(records);
        }
        Ok(changed)
    }

    async fn list(&self, owner: &UserId) -> Result<Vec<CustomerLink>, RepoError> {
        Ok(self.links()?.into_iter().filter(|link| link.owner == *owner).collect())
    }

    async fn owners(
        &self,
        account: &ProviderAccount,
        customer: &CustomerId,
    ) -> Result<Vec<UserId>, RepoError> {
        let theirs = self
            .links()?
            .into_iter()
            .filter(|link| link.account == *account && link.customer == *customer);
        Ok(theirs.map(|link| link.owner).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn empty() -> (Arc<dyn CustomerRepo>, ()) {
        (Arc::new(InMemoryCustomerRepo::default()), ())
    }

    crate::customer_repo_contract!(empty);
}
