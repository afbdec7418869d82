//! [`BillingAccounts`]: reads customers from the provider into the mirror.

use std::sync::Arc;
use std::time::Duration;

use crate::ports::{
    BillingMirror, Clock, CustomerClaims, CustomerRepo, EventInbox, ProviderError, RepoError,
    SubscriptionReader,
};
use crate::{
    ClaimedEvents, CustomerId, CustomerState, Deadline, FreshReading, LinkSummary,
    MirroredCustomer, NamedOwner, ProviderAccount, ProviderEvent, ReadingOutcome, Timestamp,
    UserId,
};

/// Attempts to write a reading. Each attempt fails if another writer changes the mirror first.
const WRITE_ATTEMPTS: usize = 8;
/// Attempts for a caller that only reads. The writer that won the second attempt read the customer
/// after this caller started, so its state is recent enough.
const READ_ATTEMPTS: usize = 2;
/// TTL of a mirrored customer. Events report changes sooner.
const TTL: Duration = Duration::from_secs(60);
/// TTL of a mirrored customer with an expected purchase.
const TTL_BEFORE_PURCHASE: Duration = Duration::from_secs(1);

/// The billing accounts of one provider in one mode.
#[derive(Clone, Debug)]
pub struct BillingAccounts {
    account: ProviderAccount,
    ports: AccountPorts,
}

/// The ports of [`BillingAccounts`].
#[derive(Clone, Debug)]
pub struct AccountPorts {
    /// Reads customers from the provider.
    pub reader: Arc<dyn SubscriptionReader>,
    /// Stores the last reading of each customer.
    pub mirror: Arc<dyn BillingMirror>,
    /// Stores the links from users to customers.
    pub customers: Arc<dyn CustomerRepo>,
    /// Stores the claims of users to customers.
    pub claims: Arc<dyn CustomerClaims>,
    /// Stores events of the provider.
    pub inbox: Arc<dyn EventInbox>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// The result of a refresh or of a preview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshOutcome {
    /// The mirrored state before the refresh.
    pub before: Option<CustomerState>,
    /// The mirrored customer after the refresh.
    pub now: MirroredCustomer,
    /// The owner according to the provider.
    pub owner: NamedOwner,
    /// The changes of links.
    pub links: LinkSummary,
}

/// The reasons why a refresh fails.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The provider call failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepoError),
    /// Other writers won every attempt.
    #[error("other writers updated the customer during every attempt")]
    Contended,
    /// The lease on the events ran out, and another worker claimed them.
    #[error("another worker claimed the events")]
    ClaimLost,
}

impl RefreshError {
    /// Returns whether a retry can succeed without a change by the operator.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Provider(error) => error.is_transient(),
            Self::Store(error) => error.is_transient(),
            Self::Contended | Self::ClaimLost => true,
        }
    }
}

impl RefreshOutcome {
    fn new(before: Option<MirroredCustomer>, fresh: FreshReading, links: LinkSummary) -> Self {
        let FreshReading { customer, expected_version, reading, read_at, .. } = fresh;
        Self {
            before: before.filter(|before| before.version > 0).map(|before| before.state),
            now: MirroredCustomer {
                customer,
                version: expected_version + 1,
                read_at,
                state: reading.state,
            },
            owner: reading.owner,
            links,
        }
    }

    /// Returns whether the mirror or a link differed from the provider's data.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.before.as_ref() != Some(&self.now.state)
            || self.links.linked.is_some()
            || !self.links.unlinked.is_empty()
    }
}

impl BillingAccounts {
    /// Creates the accounts of this provider account.
    #[must_use]
    pub const fn new(account: ProviderAccount, ports: AccountPorts) -> Self {
        Self { account, ports }
    }

    /// Returns the provider and the mode.
    #[must_use]
    pub const fn account(&self) -> &ProviderAccount {
        &self.account
    }

    /// Stores an event that reports a customer as unknown to the provider.
    ///
    /// The event marks the customer as stale on every replica, and a worker applies it. Reports
    /// about the same version of the mirror are one event.
    ///
    /// # Errors
    /// [`RepoError`].
    pub async fn report_not_found(&self, customer: &CustomerId) -> Result<(), RepoError> {
        let mirrored = self.ports.mirror.find(&self.account, customer).await?;
        let version = mirrored.map_or(0, |mirrored| mirrored.version);
        let now = self.now();
        let event = ProviderEvent::customer_not_found(customer, version, now);
        self.ports.inbox.accept(&self.account, &event, now).await
    }

    pub(crate) const fn ports(&self) -> &AccountPorts {
        &self.ports
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    /// Reads a customer from the provider and writes the reading to the mirror.
    ///
    /// If another writer changed the mirror during the call, this method reads the customer again.
    /// Every stored reading is therefore newer than the version that it replaces.
    ///
    /// # Errors
    /// See [`RefreshError`].
    pub async fn refresh(
        &self,
        customer: &CustomerId,
        settled_events: Option<&ClaimedEvents>,
        deadline: Deadline,
    ) -> Result<RefreshOutcome, RefreshError> {
        self.refresh_within(WRITE_ATTEMPTS, customer, settled_events, deadline).await
    }

    /// Returns a state that this call, or a concurrent writer after its start, read from the
    /// provider.
    ///
    /// # Errors
    /// See [`RefreshError`].
    pub(crate) async fn read(
        &self,
        customer: &CustomerId,
        deadline: Deadline,
    ) -> Result<CustomerState, RefreshError> {
        match self.refresh_within(READ_ATTEMPTS, customer, None, deadline).await {
            Ok(refreshed) => Ok(refreshed.now.state),
            Err(RefreshError::Contended) => {
                self.mirrored_state(customer).await?.ok_or(RefreshError::Contended)
            }
            Err(error) => Err(error),
        }
    }

    async fn refresh_within(
        &self,
        attempts: usize,
        customer: &CustomerId,
        settled_events: Option<&ClaimedEvents>,
        deadline: Deadline,
    ) -> Result<RefreshOutcome, RefreshError> {
        for _ in 0..attempts {
            let before = self.ports.mirror.find(&self.account, customer).await?;
            let fresh =
                self.fetch_reading(customer, before.as_ref(), settled_events, deadline).await?;
            self.refresh_conflicting_customer(&fresh, deadline).await?;
            match self.save(&fresh).await? {
                ReadingOutcome::Written(links) => {
                    return Ok(RefreshOutcome::new(before, fresh, links));
                }
                ReadingOutcome::Outdated => {}
                ReadingOutcome::ClaimLost => return Err(RefreshError::ClaimLost),
            }
        }
        Err(RefreshError::Contended)
    }

    /// Refreshes the other customer that the owner is linked to, if there is one.
    ///
    /// The refresh removes the link if the provider has deleted that customer and no event has
    /// reported it. Otherwise the old link would block the link to the new customer.
    async fn refresh_conflicting_customer(
        &self,
        fresh: &FreshReading,
        deadline: Deadline,
    ) -> Result<(), RefreshError> {
        let links = fresh.read_links(&*self.ports.customers).await?;
        let Some(other) = fresh.decide(&links).links.conflict else { return Ok(()) };
        for _ in 0..READ_ATTEMPTS {
            let before = self.ports.mirror.find(&self.account, &other).await?;
            let reading = self.fetch_reading(&other, before.as_ref(), None, deadline).await?;
            if self.save(&reading).await? != ReadingOutcome::Outdated {
                break;
            }
        }
        Ok(())
    }

    async fn save(&self, fresh: &FreshReading) -> Result<ReadingOutcome, RepoError> {
        fresh.save(&*self.ports.mirror, &*self.ports.customers).await
    }

    /// Returns a customer's state from the mirror, or from the provider if the mirror is stale.
    ///
    /// The mirror is stale if the reading is older than its TTL, an event is pending, or a period
    /// has ended since. If the provider is unavailable, this method returns the mirrored state.
    ///
    /// # Errors
    /// See [`RefreshError`].
    pub async fn state(
        &self,
        customer: &CustomerId,
        deadline: Deadline,
    ) -> Result<CustomerState, RefreshError> {
        let mirrored = self
            .ports
            .mirror
            .find(&self.account, customer)
            .await?
            .filter(|mirrored| mirrored.version > 0);
        if let Some(mirrored) = mirrored
            && self.is_fresh(&mirrored, TTL).await?
        {
            return Ok(mirrored.state);
        }
        match self.read(customer, deadline).await {
            // Another replica may have written the mirror since the query above.
            Err(RefreshError::Provider(error)) if error.is_transient() => {
                self.mirrored_state(customer).await?.ok_or(RefreshError::Provider(error))
            }
            read => read,
        }
    }

    /// Returns the customer that the user is linked to.
    ///
    /// If the user only has a claim, this method refreshes the claimed customer first: the refresh
    /// finds a purchase that no event has reported yet.
    ///
    /// # Errors
    /// See [`RefreshError`].
    pub async fn find(
        &self,
        owner: &UserId,
        deadline: Deadline,
    ) -> Result<Option<CustomerId>, RefreshError> {
        if let Some(customer) = self.ports.customers.find(owner, &self.account).await? {
            return Ok(Some(customer));
        }
        let claim = self.ports.claims.find(owner, &self.account).await?;
        let Some(customer) = claim.and_then(|claim| claim.customer) else { return Ok(None) };
        let mirrored = self.ports.mirror.find(&self.account, &customer).await?;
        if let Some(mirrored) = mirrored.filter(|mirrored| mirrored.version > 0)
            && self.is_fresh(&mirrored, TTL_BEFORE_PURCHASE).await?
        {
            return Ok(None);
        }
        self.read(&customer, deadline).await?;
        Ok(self.ports.customers.find(owner, &self.account).await?)
    }

    /// Returns the result that [`refresh`](Self::refresh) would have, without any change.
    ///
    /// # Errors
    /// See [`RefreshError`].
    pub async fn preview(
        &self,
        customer: &CustomerId,
        deadline: Deadline,
    ) -> Result<RefreshOutcome, RefreshError> {
        let before = self.ports.mirror.find(&self.account, customer).await?;
        let fresh = self.fetch_reading(customer, before.as_ref(), None, deadline).await?;
        let mut links = fresh.read_links(&*self.ports.customers).await?;
        // A refresh would first remove the link to a deleted customer.
        if let Some(other) = fresh.decide(&links).links.conflict
            && self.ports.reader.customer(&other, deadline).await?.state == CustomerState::Gone
        {
            links.linked = None;
        }
        let summary = fresh.decide(&links).links;
        Ok(RefreshOutcome::new(before, fresh, summary))
    }

    /// Reads a customer from the provider, as the successor of the mirrored version.
    async fn fetch_reading(
        &self,
        customer: &CustomerId,
        before: Option<&MirroredCustomer>,
        settled_events: Option<&ClaimedEvents>,
        deadline: Deadline,
    ) -> Result<FreshReading, ProviderError> {
        let read_at = self.now();
        Ok(FreshReading {
            account: self.account.clone(),
            customer: customer.clone(),
            expected_version: before.map_or(0, |before| before.version),
            reading: self.ports.reader.customer(customer, deadline).await?,
            read_at,
            settled_events: settled_events.cloned(),
        })
    }

    async fn mirrored_state(
        &self,
        customer: &CustomerId,
    ) -> Result<Option<CustomerState>, RepoError> {
        let mirrored = self.ports.mirror.find(&self.account, customer).await?;
        Ok(mirrored.filter(|mirrored| mirrored.version > 0).map(|mirrored| mirrored.state))
    }

    async fn is_fresh(
        &self,
        mirrored: &MirroredCustomer,
        ttl: Duration,
    ) -> Result<bool, RepoError> {
        let now = self.now();
        let has_passed = |end: Timestamp| mirrored.read_at < end && end <= now;
        let period_ended = mirrored.state.subscriptions().iter().any(|one| {
            one.status.is_ongoing()
                && [one.period_end, one.cancel_at].into_iter().flatten().any(has_passed)
        });
        if period_ended || now < mirrored.read_at || now >= mirrored.read_at.plus(ttl) {
            return Ok(false);
        }
        Ok(!self.ports.inbox.has_pending(&self.account, &mirrored.customer).await?)
    }
}
