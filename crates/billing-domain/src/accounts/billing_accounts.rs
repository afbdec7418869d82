//! [`BillingAccounts`]: reads customers at the provider into the mirror, whoever asks and however many at once.

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

/// So often a reading may be overtaken by others before the caller is told to come back.
const ROUNDS: usize = 8;
/// So often for a caller who only wants to know: whoever overtook it the second time asked the provider after it did first.
const ROUNDS_TO_KNOW: usize = 2;
/// A reading younger than this is fresh: what happened since is known by its event, or is not known yet.
const FRESH: Duration = Duration::from_secs(60);
/// The same for a customer whose purchase is waited for.
const FRESH_BEFORE_PURCHASE: Duration = Duration::from_secs(1);

/// The accounts of one provider in one mode.
#[derive(Clone, Debug)]
pub struct BillingAccounts {
    account: ProviderAccount,
    ports: AccountPorts,
}

/// What the accounts stand on.
#[derive(Clone, Debug)]
pub struct AccountPorts {
    /// What the provider says.
    pub reader: Arc<dyn SubscriptionReader>,
    /// What it said last.
    pub mirror: Arc<dyn BillingMirror>,
    /// Which customer a user is.
    pub customers: Arc<dyn CustomerRepo>,
    /// Which customer a user will be, after a purchase.
    pub claims: Arc<dyn CustomerClaims>,
    /// What the provider has told since.
    pub inbox: Arc<dyn EventInbox>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// A customer, read and written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshOutcome {
    /// What the mirror said before.
    pub before: Option<CustomerState>,
    /// What it says now.
    pub now: MirroredCustomer,
    /// Whose customer the provider says it is.
    pub owner: NamedOwner,
    /// What that did to links.
    pub links: LinkSummary,
}

/// Why a customer could not be read into the mirror.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The provider gave no reading.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepoError),
    /// Others wrote the same customer again and again meanwhile.
    #[error("the customer is being read by others all the time")]
    Contended,
    /// The events that it was for are no longer the caller's.
    #[error("the events were handed to somebody else")]
    ClaimLost,
}

impl RefreshError {
    /// Whether the same call may succeed later without anybody mending anything.
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
    fn of(before: Option<MirroredCustomer>, fresh: FreshReading, links: LinkSummary) -> Self {
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

    /// Whether the mirror or a link was not as the provider says.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        self.before.as_ref() != Some(&self.now.state)
            || self.links.linked.is_some()
            || !self.links.unlinked.is_empty()
    }
}

impl BillingAccounts {
    /// The accounts there.
    #[must_use]
    pub const fn new(account: ProviderAccount, ports: AccountPorts) -> Self {
        Self { account, ports }
    }

    /// Which provider in which mode.
    #[must_use]
    pub const fn account(&self) -> &ProviderAccount {
        &self.account
    }

    /// The provider did not know this customer when it was asked for something else. An event says so in the inbox: every
    /// replica reads the customer anew before it answers, and a worker applies the event. Reports about the same version of
    /// the mirror are one event.
    ///
    /// # Errors
    /// [`RepoError`].
    pub async fn report_not_found(&self, customer: &CustomerId) -> Result<(), RepoError> {
        let mirrored = self.ports.mirror.find(&self.account, customer).await?;
        let (version, now) = (mirrored.map_or(0, |known| known.version), self.now());
        let event = ProviderEvent::customer_not_found(customer, version, now);
        self.ports.inbox.accept(&self.account, &event, now).await
    }

    pub(crate) const fn ports(&self) -> &AccountPorts {
        &self.ports
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    /// Asks the provider about a customer and writes what it says, unless somebody else wrote meanwhile: then it is asked
    /// again. So the mirror never goes back: what is written was read after what stood there was written.
    ///
    /// # Errors
    /// See [`RefreshError`].
    pub async fn refresh(
        &self,
        customer: &CustomerId,
        settled_events: Option<&ClaimedEvents>,
        deadline: Deadline,
    ) -> Result<RefreshOutcome, RefreshError> {
        self.refresh_within(ROUNDS, customer, settled_events, deadline).await
    }

    /// The customer as the provider has it, asked no earlier than by this call: by it, or by those who overtook it.
    ///
    /// # Errors
    /// See [`RefreshError`].
    pub(crate) async fn read(
        &self,
        customer: &CustomerId,
        deadline: Deadline,
    ) -> Result<CustomerState, RefreshError> {
        match self.refresh_within(ROUNDS_TO_KNOW, customer, None, deadline).await {
            Ok(refreshed) => Ok(refreshed.now.state),
            Err(RefreshError::Contended) => {
                self.known(customer).await?.ok_or(RefreshError::Contended)
            }
            Err(error) => Err(error),
        }
    }

    async fn refresh_within(
        &self,
        rounds: usize,
        customer: &CustomerId,
        settled_events: Option<&ClaimedEvents>,
        deadline: Deadline,
    ) -> Result<RefreshOutcome, RefreshError> {
        for _ in 0..rounds {
            let before = self.ports.mirror.find(&self.account, customer).await?;
            let fresh = self.ask(customer, before.as_ref(), settled_events, deadline).await?;
            self.refresh_conflicting_customer(&fresh, deadline).await?;
            match self.write(&fresh).await? {
                ReadingOutcome::Written(links) => {
                    return Ok(RefreshOutcome::of(before, fresh, links));
                }
                ReadingOutcome::Outdated => {}
                ReadingOutcome::ClaimLost => return Err(RefreshError::ClaimLost),
            }
        }
        Err(RefreshError::Contended)
    }

    /// Reads the customer whom the owner is linked to, if that is another one: a link to one who was deleted, of which nobody has
    /// told us yet, must not keep the owner from what was bought since.
    async fn refresh_conflicting_customer(
        &self,
        fresh: &FreshReading,
        deadline: Deadline,
    ) -> Result<(), RefreshError> {
        let facts = fresh.read_links(&*self.ports.customers).await?;
        let Some(other) = fresh.decide(&facts).links.conflict else { return Ok(()) };
        for _ in 0..ROUNDS_TO_KNOW {
            let before = self.ports.mirror.find(&self.account, &other).await?;
            let reading = self.ask(&other, before.as_ref(), None, deadline).await?;
            if self.write(&reading).await? != ReadingOutcome::Outdated {
                break;
            }
        }
        Ok(())
    }

    async fn write(&self, fresh: &FreshReading) -> Result<ReadingOutcome, RepoError> {
        fresh.save(&*self.ports.mirror, &*self.ports.customers).await
    }

    /// The customer as the mirror has it, read anew where it may be stale: it was read too long ago, the provider has told of a
    /// change that is not applied yet, or a period has ended since.
    ///
    /// Where the provider cannot be asked now, what it said last counts.
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
            && self.is_fresh(&mirrored, FRESH).await?
        {
            return Ok(mirrored.state);
        }
        match self.read(customer, deadline).await {
            // Somebody else may have read it since it was looked for above.
            Err(RefreshError::Provider(error)) if error.is_transient() => {
                self.known(customer).await?.ok_or(RefreshError::Provider(error))
            }
            read => read,
        }
    }

    /// The user's customer, once there is a billing account: a link, or a claim whose purchase nobody has told us of yet.
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
            && self.is_fresh(&mirrored, FRESH_BEFORE_PURCHASE).await?
        {
            return Ok(None);
        }
        self.read(&customer, deadline).await?;
        Ok(self.ports.customers.find(owner, &self.account).await?)
    }

    /// What [`refresh`](Self::refresh) would do now; nothing is changed.
    ///
    /// # Errors
    /// See [`RefreshError`].
    pub async fn preview(
        &self,
        customer: &CustomerId,
        deadline: Deadline,
    ) -> Result<RefreshOutcome, RefreshError> {
        let before = self.ports.mirror.find(&self.account, customer).await?;
        let fresh = self.ask(customer, before.as_ref(), None, deadline).await?;
        let mut facts = fresh.read_links(&*self.ports.customers).await?;
        // A link to another customer who is gone would be removed first.
        if let Some(other) = fresh.decide(&facts).links.conflict
            && self.ports.reader.customer(&other, deadline).await?.state == CustomerState::Gone
        {
            facts.linked = None;
        }
        let links = fresh.decide(&facts).links;
        Ok(RefreshOutcome::of(before, fresh, links))
    }

    /// Asks the provider; what it says is to take the place of what the mirror said before.
    async fn ask(
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

    async fn known(&self, customer: &CustomerId) -> Result<Option<CustomerState>, RepoError> {
        let mirrored = self.ports.mirror.find(&self.account, customer).await?;
        Ok(mirrored.filter(|mirrored| mirrored.version > 0).map(|mirrored| mirrored.state))
    }

    async fn is_fresh(
        &self,
        mirrored: &MirroredCustomer,
        limit: Duration,
    ) -> Result<bool, RepoError> {
        let now = self.now();
        let ended = |end: Timestamp| mirrored.read_at < end && end <= now;
        let turned = mirrored.state.subscriptions().iter().any(|one| {
            one.status.is_ongoing()
                && [one.period_end, one.cancel_at].into_iter().flatten().any(ended)
        });
        if turned || now < mirrored.read_at || now >= mirrored.read_at.plus(limit) {
            return Ok(false);
        }
        Ok(!self.ports.inbox.has_pending(&self.account, &mirrored.customer).await?)
    }
}
