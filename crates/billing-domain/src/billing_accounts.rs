//! [`BillingAccounts`]: reads customers at the provider into the mirror, whoever asks and however many at once.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::ports::{
    BillingMirror, Clock, CustomerClaims, CustomerRepo, EventInbox, ProviderError, RepoError, SubscriptionReader,
};
use crate::{
    Claimed, CustomerId, CustomerState, Deadline, MirrorEffect, MirrorOutcome, MirrorUpdate, MirroredCustomer,
    NamedOwner, ProviderAccount, Timestamp, UserId,
};

/// So often a reading may be overtaken by others before the caller is told to come back.
const ROUNDS: usize = 8;
/// More customers than this are not doubted at once: the others are read within a minute anyway.
const MOST_DOUBTED: usize = 10_000;
/// A reading younger than this is fresh: what happened since is known by its event, or is not known yet.
const FRESH: Duration = Duration::from_secs(60);
/// The same for a customer whose purchase is waited for.
const FRESH_BEFORE_PURCHASE: Duration = Duration::from_secs(1);

/// The accounts of one provider in one mode.
#[derive(Clone, Debug)]
pub struct BillingAccounts {
    at: ProviderAccount,
    ports: AccountPorts,
    /// Customers of whom the provider said something that the mirror does not: they are read anew before they are told.
    doubted: Arc<Mutex<BTreeSet<CustomerId>>>,
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
pub struct Refreshed {
    /// What the mirror said before.
    pub before: Option<CustomerState>,
    /// What it says now.
    pub now: MirroredCustomer,
    /// Whose customer the provider says it is.
    pub owner: NamedOwner,
    /// What that did to links.
    pub effect: MirrorEffect,
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

impl Refreshed {
    /// Whether the mirror or a link was not as the provider says.
    #[must_use]
    pub fn repaired(&self) -> bool {
        self.before.as_ref() != Some(&self.now.state)
            || self.effect.linked.is_some()
            || !self.effect.unlinked.is_empty()
    }
}

impl BillingAccounts {
    /// The accounts there.
    #[must_use]
    pub fn new(at: ProviderAccount, ports: AccountPorts) -> Self {
        Self { at, ports, doubted: Arc::default() }
    }

    /// Which provider in which mode.
    #[must_use]
    pub const fn account(&self) -> &ProviderAccount {
        &self.at
    }

    /// The provider did not know this customer when it was asked for something else. Costs no call: whoever asks next for the
    /// customer's state, of this process, gets a fresh reading.
    pub fn doubt(&self, customer: &CustomerId) {
        let mut doubted = self.doubted.lock().unwrap_or_else(PoisonError::into_inner);
        if doubted.len() < MOST_DOUBTED {
            doubted.insert(customer.clone());
        }
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
        settles: Option<&Claimed>,
        deadline: Deadline,
    ) -> Result<Refreshed, RefreshError> {
        for _ in 0..ROUNDS {
            let before = self.ports.mirror.find(&self.at, customer).await?;
            let read_at = self.now();
            let reading = self.ports.reader.customer(customer, deadline).await?;
            let (state, owner) = (reading.state.clone(), reading.owner.clone());
            let expected = before.as_ref().map_or(0, |before| before.version);
            let update = MirrorUpdate {
                at: self.at.clone(),
                customer: customer.clone(),
                expected,
                reading,
                read_at,
                settles: settles.cloned(),
            };
            match self.ports.mirror.write(&update).await? {
                MirrorOutcome::Written(effect) => {
                    self.doubted.lock().unwrap_or_else(PoisonError::into_inner).remove(customer);
                    let now = MirroredCustomer { customer: customer.clone(), version: expected + 1, read_at, state };
                    let before = before.filter(|before| before.version > 0).map(|before| before.state);
                    return Ok(Refreshed { before, now, owner, effect });
                }
                MirrorOutcome::Outdated => {}
                MirrorOutcome::ClaimLost => return Err(RefreshError::ClaimLost),
            }
        }
        Err(RefreshError::Contended)
    }

    /// The customer as the mirror has it, read anew where it may be stale: it was read too long ago, the provider has told of a
    /// change that is not applied yet, or a period has ended since.
    ///
    /// Where the provider cannot be asked now, what it said last counts.
    ///
    /// # Errors
    /// See [`RefreshError`].
    pub async fn state(&self, customer: &CustomerId, deadline: Deadline) -> Result<CustomerState, RefreshError> {
        let mirrored = self.ports.mirror.find(&self.at, customer).await?.filter(|mirrored| mirrored.version > 0);
        if let Some(mirrored) = &mirrored
            && self.is_fresh(mirrored, FRESH).await?
        {
            return Ok(mirrored.state.clone());
        }
        match (self.refresh(customer, None, deadline).await, mirrored) {
            (Ok(refreshed), _) => Ok(refreshed.now.state),
            (Err(RefreshError::Contended), Some(_)) => {
                let latest = self.ports.mirror.find(&self.at, customer).await?;
                latest.map(|latest| latest.state).ok_or(RefreshError::Contended)
            }
            (Err(RefreshError::Provider(error)), Some(mirrored)) if error.is_transient() => Ok(mirrored.state),
            (Err(error), _) => Err(error),
        }
    }

    /// The user's customer, once there is a billing account: a link, or a claim whose purchase nobody has told us of yet.
    ///
    /// # Errors
    /// See [`RefreshError`].
    pub async fn find(&self, owner: &UserId, deadline: Deadline) -> Result<Option<CustomerId>, RefreshError> {
        if let Some(customer) = self.ports.customers.find(owner, &self.at).await? {
            return Ok(Some(customer));
        }
        let claim = self.ports.claims.find(owner, &self.at).await?;
        let Some(customer) = claim.and_then(|claim| claim.customer) else { return Ok(None) };
        let mirrored = self.ports.mirror.find(&self.at, &customer).await?;
        if let Some(mirrored) = mirrored.filter(|mirrored| mirrored.version > 0)
            && self.is_fresh(&mirrored, FRESH_BEFORE_PURCHASE).await?
        {
            return Ok(None);
        }
        self.refresh(&customer, None, deadline).await?;
        Ok(self.ports.customers.find(owner, &self.at).await?)
    }

    async fn is_fresh(&self, mirrored: &MirroredCustomer, limit: Duration) -> Result<bool, RepoError> {
        let now = self.now();
        let ended = |end: Timestamp| mirrored.read_at < end && end <= now;
        let turned = mirrored
            .state
            .subscriptions()
            .iter()
            .any(|one| one.status.is_held() && [one.period_end, one.cancel_at].into_iter().flatten().any(ended));
        let doubted = self.doubted.lock().unwrap_or_else(PoisonError::into_inner).contains(&mirrored.customer);
        if doubted || turned || now < mirrored.read_at || now >= mirrored.read_at.plus(limit) {
            return Ok(false);
        }
        Ok(!self.ports.inbox.has_pending(&self.at, &mirrored.customer).await?)
    }
}
