//! [`Reconciler`]: compares the mirror with all that the provider has, and repairs what differs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::ports::{CustomerDirectory, ProviderError, RepoError};
use crate::{
    BillingAccounts, CustomerId, CustomerState, Deadline, MirroredCustomer, NamedOwner,
    RefreshError, Subscription, UserId,
};

/// So long one call to the provider may take.
const BUDGET: Duration = Duration::from_secs(20);
/// So many customers of the mirror are looked at together.
const PAGE: u32 = 500;

/// Finds and mends what no event told us.
#[derive(Clone, Debug)]
pub struct Reconciler {
    accounts: BillingAccounts,
    directory: Arc<dyn CustomerDirectory>,
}

/// Whether a run writes what it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunMode {
    /// Write the differences to the mirror and the links.
    Apply,
    /// Only report the differences.
    DryRun,
}

/// What a run found, and mended; or would have mended, where it was a dry run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReconcileReport {
    /// Customers that were compared.
    pub compared: u64,
    /// Those that differed: they are as the provider has them now.
    pub differed: Vec<CustomerId>,
    /// Users who were linked to a customer.
    pub linked: Vec<(UserId, CustomerId)>,
    /// Users whose customer is gone.
    pub unlinked: Vec<(UserId, CustomerId)>,
    /// Customers whose owner has another customer, which was left.
    pub conflicts: Vec<(CustomerId, CustomerId)>,
    /// Customers for whom the provider's data name several owners, or no possible one.
    pub ambiguous: Vec<CustomerId>,
    /// Customers that could not be read, and why.
    pub failed: Vec<(CustomerId, String)>,
}

/// Why a run ended early. What it mended stays so.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The provider's lists could not be read.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepoError),
}

/// What the provider's lists say.
struct Listing {
    owners: BTreeMap<CustomerId, NamedOwner>,
    subscriptions: BTreeMap<CustomerId, Vec<Subscription>>,
}

impl Reconciler {
    /// A reconciler of these accounts.
    #[must_use]
    pub fn new(accounts: BillingAccounts, directory: Arc<dyn CustomerDirectory>) -> Self {
        Self { accounts, directory }
    }

    /// Compares everything, and mends what differs. The lists only say where to look: what is written is a reading of its own,
    /// customer by customer, as after an event.
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
            let page = mirror.list(self.accounts.account(), after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.customer.clone());
            for mirrored in page {
                report.compared += 1;
                if self.differs(&mirrored, &listing).await? {
                    self.mend(&mirrored.customer, mode, &mut report).await?;
                }
                seen.insert(mirrored.customer);
            }
        }
        for (customer, owner) in &listing.owners {
            if seen.contains(customer) {
                continue;
            }
            report.compared += 1;
            // A customer of nobody's who never bought anything is no account of ours.
            if *owner != NamedOwner::None || listing.subscriptions.contains_key(customer) {
                self.mend(customer, mode, &mut report).await?;
            }
        }
        Ok(report)
    }

    async fn list(&self) -> Result<Listing, ProviderError> {
        let (mut owners, mut subscriptions) = (BTreeMap::new(), BTreeMap::<_, Vec<_>>::new());
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

    /// Whether the provider's lists say anything else than the mirror and the links.
    async fn differs(
        &self,
        mirrored: &MirroredCustomer,
        listing: &Listing,
    ) -> Result<bool, RepoError> {
        let (customers, at) = (&self.accounts.ports().customers, self.accounts.account());
        let Some(owner) = listing.owners.get(&mirrored.customer) else {
            let is_told = mirrored.version > 0 && mirrored.state == CustomerState::Gone;
            return Ok(!is_told || !customers.owners(at, &mirrored.customer).await?.is_empty());
        };
        let listed = listing.subscriptions.get(&mirrored.customer).cloned().unwrap_or_default();
        let listed = CustomerState::present(listed);
        if mirrored.version == 0 || mirrored.state != listed {
            return Ok(true);
        }
        match owner {
            NamedOwner::User(owner) if listed.has_purchased() => {
                Ok(customers.find(owner, at).await?.as_ref() != Some(&mirrored.customer))
            }
            // Whom the metadata do not name, the sessions may: those are not in the lists. Once somebody is linked, that is said.
            NamedOwner::None => Ok(listed.has_purchased()
                && customers.owners(at, &mirrored.customer).await?.is_empty()),
            NamedOwner::User(_) => Ok(false),
            NamedOwner::Ambiguous => Ok(true),
        }
    }

    async fn mend(
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
            // One that cannot be read must not keep the others from being mended; a store that fails does.
            Err(RefreshError::Store(error)) => Err(error.into()),
            Err(error) => {
                report.failed.push((customer.clone(), error.to_string()));
                Ok(())
            }
        }
    }
}
