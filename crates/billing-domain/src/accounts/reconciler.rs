//! [`Reconciler`]: compares the mirror with the provider's data and repairs differences.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::ports::{CustomerDirectory, ProviderError, RepoError};
use crate::{
    BillingAccounts, CustomerId, CustomerState, Deadline, MirroredCustomer, NamedOwner,
    RefreshError, Subscription, UserId,
};

/// Time limit for one provider call, retries included.
const BUDGET: Duration = Duration::from_secs(20);
/// Customers per page of the mirror.
const PAGE_SIZE: u32 = 500;

/// Finds and repairs changes that no event has reported.
#[derive(Clone, Debug)]
pub struct Reconciler {
    accounts: BillingAccounts,
    directory: Arc<dyn CustomerDirectory>,
}

/// Whether a run applies the repairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunMode {
    /// Write the differences to the mirror and the links.
    Apply,
    /// Only report the differences.
    DryRun,
}

/// The repairs of a run, or the repairs that a dry run found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReconcileReport {
    /// The number of compared customers.
    pub compared: u64,
    /// Customers that differed from the provider's data.
    pub differed: Vec<CustomerId>,
    /// New links.
    pub linked: Vec<(UserId, CustomerId)>,
    /// Removed links to customers that are gone.
    pub unlinked: Vec<(UserId, CustomerId)>,
    /// Customers with an owner that is linked to another customer, and that customer.
    pub conflicts: Vec<(CustomerId, CustomerId)>,
    /// Customers with several named owners, or with an invalid one.
    pub ambiguous: Vec<CustomerId>,
    /// Unreadable customers, with the error.
    pub failed: Vec<(CustomerId, String)>,
}

/// The reasons why a run stops. Earlier repairs remain.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The provider's lists could not be read.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepoError),
}

/// The data of the provider's lists.
struct Listing {
    owners: BTreeMap<CustomerId, NamedOwner>,
    subscriptions: BTreeMap<CustomerId, Vec<Subscription>>,
}

impl Reconciler {
    /// Creates a reconciler for these accounts.
    #[must_use]
    pub fn new(accounts: BillingAccounts, directory: Arc<dyn CustomerDirectory>) -> Self {
        Self { accounts, directory }
    }

    /// Compares all customers and repairs differences.
    ///
    /// The provider's lists only show which customers differ. The repair reads each of them again,
    /// as an event does.
    ///
    /// # Errors
    /// See [`ReconcileError`].
    pub async fn run(&self, mode: RunMode) -> Result<ReconcileReport, ReconcileError> {
        let listing = self.list().await?;
        let mut report = ReconcileReport::default();
        let mut seen = BTreeSet::new();
        let mut after: Option<CustomerId> = None;

        loop {
            let mirror = &self.accounts.ports().mirror;
            let page = mirror.list(self.accounts.account(), after.as_ref(), PAGE_SIZE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.customer.clone());
            for mirrored in page {
                report.compared += 1;
                if self.differs(&mirrored, &listing).await? {
                    self.repair(&mirrored.customer, mode, &mut report).await?;
                }
                seen.insert(mirrored.customer);
            }
        }

        for (customer, owner) in &listing.owners {
            if seen.contains(customer) {
                continue;
            }
            report.compared += 1;
            // A customer without owner and subscription is no billing account of this service.
            if *owner != NamedOwner::None || listing.subscriptions.contains_key(customer) {
                self.repair(customer, mode, &mut report).await?;
            }
        }
        Ok(report)
    }

    async fn list(&self) -> Result<Listing, ProviderError> {
        let mut owners = BTreeMap::new();
        let mut subscriptions = BTreeMap::<_, Vec<_>>::new();

        let mut after = None;
        loop {
            let page =
                self.directory.list_subscriptions(after.as_ref(), Deadline::after(BUDGET)).await?;
            after = page.items.last().map(|listed| listed.subscription.id.clone());
            for listed in page.items {
                subscriptions.entry(listed.customer).or_default().push(listed.subscription);
            }
            if !page.has_more || after.is_none() {
                break;
            }
        }

        let mut after = None;
        loop {
            let page =
                self.directory.list_customers(after.as_ref(), Deadline::after(BUDGET)).await?;
            after = page.items.last().map(|listed| listed.id.clone());
            owners.extend(page.items.into_iter().map(|listed| (listed.id, listed.owner)));
            if !page.has_more || after.is_none() {
                break;
            }
        }
        Ok(Listing { owners, subscriptions })
    }

    /// Returns whether the provider's lists differ from the mirror or the links.
    async fn differs(
        &self,
        mirrored: &MirroredCustomer,
        listing: &Listing,
    ) -> Result<bool, RepoError> {
        let customers = &self.accounts.ports().customers;
        let account = self.accounts.account();
        let Some(owner) = listing.owners.get(&mirrored.customer) else {
            let is_known_gone = mirrored.version > 0 && mirrored.state == CustomerState::Gone;
            return Ok(
                !is_known_gone || !customers.owners(account, &mirrored.customer).await?.is_empty()
            );
        };
        let listed = listing.subscriptions.get(&mirrored.customer).cloned().unwrap_or_default();
        let listed = CustomerState::present(listed);
        if mirrored.version == 0 || mirrored.state != listed {
            return Ok(true);
        }
        match owner {
            NamedOwner::User(owner) if listed.has_purchased() => {
                Ok(customers.find(owner, account).await?.as_ref() != Some(&mirrored.customer))
            }
            // Only checkout sessions may name the owner, and the lists lack them. Without a link,
            // the repair reads them.
            NamedOwner::None => Ok(listed.has_purchased()
                && customers.owners(account, &mirrored.customer).await?.is_empty()),
            NamedOwner::User(_) => Ok(false),
            NamedOwner::Ambiguous => Ok(true),
        }
    }

    /// Refreshes a customer, or previews that, and adds the result to the report.
    async fn repair(
        &self,
        customer: &CustomerId,
        mode: RunMode,
        report: &mut ReconcileReport,
    ) -> Result<(), ReconcileError> {
        let deadline = Deadline::after(BUDGET);
        let read = match mode {
            RunMode::Apply => self.accounts.refresh(customer, None, deadline).await,
            RunMode::DryRun => self.accounts.preview(customer, deadline).await,
        };
        match read {
            Ok(refreshed) => {
                if refreshed.has_changes() {
                    report.differed.push(customer.clone());
                }
                if refreshed.owner == NamedOwner::Ambiguous {
                    report.ambiguous.push(customer.clone());
                }
                let links = refreshed.links;
                report.linked.extend(links.linked.map(|user| (user, customer.clone())));
                report
                    .unlinked
                    .extend(links.unlinked.into_iter().map(|user| (user, customer.clone())));
                report.conflicts.extend(links.conflict.map(|other| (customer.clone(), other)));
                Ok(())
            }
            // A failed store stops the run. An unreadable customer does not.
            Err(RefreshError::Store(error)) => Err(error.into()),
            Err(error) => {
                report.failed.push((customer.clone(), error.to_string()));
                Ok(())
            }
        }
    }
}
