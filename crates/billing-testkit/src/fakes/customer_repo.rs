//! [`InMemoryCustomerRepo`].

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Mutex;

use async_trait::async_trait;
use billing_domain::ports::{CustomerRepo, LinkOutcome, OnConflict, RepoError};
use billing_domain::{CustomerId, CustomerLink, ProviderAccount, Timestamp, UserId};

use super::Reachability;

type Owner = (UserId, String, &'static str);

/// Links in a map that is gone with the process.
#[derive(Debug, Default)]
pub struct InMemoryCustomerRepo {
    links: Mutex<BTreeMap<Owner, (ProviderAccount, CustomerId)>>,
    reachability: Reachability,
}

impl InMemoryCustomerRepo {
    /// An empty repo that this switch takes out of reach.
    #[must_use]
    pub fn with(reachability: Reachability) -> Self {
        Self { reachability, ..Self::default() }
    }

    pub(super) fn set(
        &self,
        link: &CustomerLink,
        on_conflict: OnConflict,
    ) -> Result<LinkOutcome, RepoError> {
        self.reachability.check()?;
        match self.links.lock().unwrap().entry(key(&link.owner, &link.at)) {
            Entry::Vacant(vacant) => {
                vacant.insert((link.at.clone(), link.customer.clone()));
                Ok(LinkOutcome::Created)
            }
            Entry::Occupied(mut occupied) => {
                let existing = occupied.get().1.clone();
                match on_conflict {
                    _ if existing == link.customer => Ok(LinkOutcome::Unchanged),
                    OnConflict::Keep => Ok(LinkOutcome::Conflict(existing)),
                    OnConflict::Replace => {
                        occupied.get_mut().1 = link.customer.clone();
                        Ok(LinkOutcome::Replaced(existing))
                    }
                }
            }
        }
    }

    /// All links, by owner, provider and mode.
    pub(super) fn links(&self) -> Result<Vec<CustomerLink>, RepoError> {
        self.reachability.check()?;
        let links = self.links.lock().unwrap();
        let all = links.iter().map(|((owner, ..), (at, customer))| CustomerLink {
            owner: owner.clone(),
            at: at.clone(),
            customer: customer.clone(),
        });
        Ok(all.collect())
    }

    /// Deletes all links to a customer; gives whose they were.
    pub(super) fn unlink_all(
        &self,
        at: &ProviderAccount,
        customer: &CustomerId,
    ) -> Result<Vec<UserId>, RepoError> {
        self.reachability.check()?;
        let mut links = self.links.lock().unwrap();
        Ok(links
            .extract_if(.., |_, to| to.0 == *at && to.1 == *customer)
            .map(|((owner, ..), _)| owner)
            .collect())
    }

    /// Deletes a user's links; gives how many.
    pub(super) fn forget(&self, owner: &UserId) -> Result<u64, RepoError> {
        self.reachability.check()?;
        Ok(self.links.lock().unwrap().extract_if(.., |(user, ..), _| user == owner).count() as u64)
    }
}

fn key(owner: &UserId, at: &ProviderAccount) -> Owner {
    (owner.clone(), at.provider().to_string(), at.mode().as_str())
}

#[async_trait]
impl CustomerRepo for InMemoryCustomerRepo {
    async fn find(
        &self,
        owner: &UserId,
        at: &ProviderAccount,
    ) -> Result<Option<CustomerId>, RepoError> {
        self.reachability.check()?;
        Ok(self.links.lock().unwrap().get(&key(owner, at)).map(|(_, customer)| customer.clone()))
    }

    async fn link(
        &self,
        link: &CustomerLink,
        on_conflict: OnConflict,
        _: Timestamp,
    ) -> Result<LinkOutcome, RepoError> {
        self.set(link, on_conflict)
    }

    async fn unlink(
        &self,
        owner: &UserId,
        at: &ProviderAccount,
    ) -> Result<Option<CustomerId>, RepoError> {
        self.reachability.check()?;
        Ok(self.links.lock().unwrap().remove(&key(owner, at)).map(|(_, customer)| customer))
    }

    async fn list(&self, owner: &UserId) -> Result<Vec<CustomerLink>, RepoError> {
        Ok(self.links()?.into_iter().filter(|link| link.owner == *owner).collect())
    }

    async fn owners(
        &self,
        at: &ProviderAccount,
        customer: &CustomerId,
    ) -> Result<Vec<UserId>, RepoError> {
        let theirs =
            self.links()?.into_iter().filter(|link| link.at == *at && link.customer == *customer);
        Ok(theirs.map(|link| link.owner).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    async fn empty() -> (Arc<dyn CustomerRepo>, ()) {
        (Arc::new(InMemoryCustomerRepo::default()), ())
    }

    crate::customer_repo_contract!(empty);
}
