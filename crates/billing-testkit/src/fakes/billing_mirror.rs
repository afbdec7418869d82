//! [`InMemoryBillingMirror`].

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use billing_domain::ports::{BillingMirror, LinkOutcome, OnConflict, RepoError};
use billing_domain::{
    Actor, AuditAction, AuditEvent, CustomerId, CustomerLink, CustomerState, MirrorEffect,
    MirrorOutcome, MirrorUpdate, MirroredCustomer, ProviderAccount, RequestOrigin, Subscription,
    SubscriptionId, Timestamp, UserId,
};

use super::{
    InMemoryAuditLog, InMemoryCustomerClaims, InMemoryCustomerRepo, InMemoryEventInbox,
    Reachability,
};

type Readings = BTreeMap<(ProviderAccount, CustomerId), MirroredCustomer>;

/// What the mirror, the inbox and the audit log of one database share. Locked before all else.
pub(super) type Mirrored = Mutex<Readings>;

/// Readings in a map that is gone with the process. Part of an [`InMemoryBilling`](super::InMemoryBilling).
#[derive(Debug)]
pub struct InMemoryBillingMirror {
    pub(super) mirrored: Arc<Mirrored>,
    pub(super) inbox: Arc<InMemoryEventInbox>,
    pub(super) customers: Arc<InMemoryCustomerRepo>,
    pub(super) claims: Arc<InMemoryCustomerClaims>,
    pub(super) audit: Arc<InMemoryAuditLog>,
    pub(super) reachability: Reachability,
}

impl InMemoryBillingMirror {
    fn reach(&self) -> Result<MutexGuard<'_, Readings>, RepoError> {
        self.reachability.check()?;
        Ok(self.mirrored.lock().unwrap())
    }

    fn attach(&self, update: &MirrorUpdate) -> Result<MirrorEffect, RepoError> {
        let mut effect = MirrorEffect::default();
        if let Some(owner) = update.links() {
            let link = CustomerLink {
                owner: owner.clone(),
                at: update.at.clone(),
                customer: update.customer.clone(),
            };
            match self.customers.set(&link, OnConflict::Keep)? {
                LinkOutcome::Created => effect.linked = Some(link.owner),
                LinkOutcome::Conflict(other) => effect.conflict = Some(other),
                LinkOutcome::Unchanged | LinkOutcome::Replaced(_) => {}
            }
        }
        if let Some(owner) = update.fulfils()
            && let Some(claim) = self.claims.reach()?.get_mut(&(owner.clone(), update.at.clone()))
        {
            claim.customer.get_or_insert_with(|| update.customer.clone());
        }
        Ok(effect)
    }

    fn detach(&self, update: &MirrorUpdate) -> Result<MirrorEffect, RepoError> {
        let unlinked = self.customers.unlink_all(&update.at, &update.customer)?;
        self.claims.reach()?.retain(|(_, at), claim| {
            *at != update.at || claim.customer.as_ref() != Some(&update.customer)
        });
        Ok(MirrorEffect { unlinked, ..MirrorEffect::default() })
    }

    fn record(
        &self,
        update: &MirrorUpdate,
        action: AuditAction,
        owner: &UserId,
    ) -> Result<(), RepoError> {
        self.audit.add(AuditEvent {
            at: update.read_at,
            action,
            actor: Actor::Provider,
            owner: Some(owner.clone()),
            key: None,
            customer: Some((update.at.clone(), update.customer.clone())),
            origin: RequestOrigin::default(),
        })
    }
}

/// Newest first, then by id.
fn sorted(state: &CustomerState) -> CustomerState {
    let mut state = state.clone();
    if let CustomerState::Present(subscriptions) = &mut state {
        subscriptions.sort_by(|a, b| {
            (Reverse(a.created), a.id.as_str()).cmp(&(Reverse(b.created), b.id.as_str()))
        });
    }
    state
}

#[async_trait]
impl BillingMirror for InMemoryBillingMirror {
    async fn find(
        &self,
        at: &ProviderAccount,
        customer: &CustomerId,
    ) -> Result<Option<MirroredCustomer>, RepoError> {
        Ok(self.reach()?.get(&(at.clone(), customer.clone())).cloned())
    }

    async fn write(&self, update: &MirrorUpdate) -> Result<MirrorOutcome, RepoError> {
        let mut mirrored = self.reach()?;
        let key = (update.at.clone(), update.customer.clone());
        if mirrored.get(&key).map_or(0, |known| known.version) != update.expected {
            return Ok(MirrorOutcome::Outdated);
        }
        if let Some(claimed) = &update.settles
            && !self.inbox.settle(&update.at, claimed, update.read_at)?
        {
            return Ok(MirrorOutcome::ClaimLost);
        }
        // Where another customer is on record as having one of them, the newer reading is right.
        let own = update.reading.state.subscriptions();
        let is_own =
            |other: &mut Subscription| own.iter().any(|subscription| subscription.id == other.id);
        for (_, other) in mirrored.iter_mut().filter(|((at, _), _)| *at == update.at) {
            if let CustomerState::Present(subscriptions) = &mut other.state {
                subscriptions.extract_if(.., |one| is_own(one)).for_each(drop);
            }
        }
        let customer = update.customer.clone();
        let (version, read_at) = (update.expected + 1, update.read_at);
        let state = sorted(&update.reading.state);
        mirrored.insert(key, MirroredCustomer { customer, version, read_at, state });
        let effect = match update.reading.state {
            CustomerState::Present(_) => self.attach(update)?,
            CustomerState::Gone => self.detach(update)?,
        };
        if let Some(owner) = &effect.linked {
            self.record(update, AuditAction::CustomerLinked, owner)?;
        }
        for owner in &effect.unlinked {
            self.record(update, AuditAction::CustomerUnlinked, owner)?;
        }
        Ok(MirrorOutcome::Written(effect))
    }

    async fn page<'a>(
        &self,
        at: &ProviderAccount,
        after: Option<&'a CustomerId>,
        limit: u32,
    ) -> Result<Vec<MirroredCustomer>, RepoError> {
        let mirrored = self.reach()?;
        let read =
            mirrored.keys().filter(|(place, _)| place == at).map(|(_, customer)| customer.clone());
        let mut all: BTreeSet<CustomerId> = read.collect();
        all.extend(
            self.customers
                .links()?
                .into_iter()
                .filter(|link| link.at == *at)
                .map(|link| link.customer),
        );
        let claims = self.claims.reach()?;
        all.extend(
            claims
                .iter()
                .filter(|((_, place), _)| place == at)
                .filter_map(|(_, claim)| claim.customer.clone()),
        );
        let page = all.into_iter().filter(|customer| after.is_none_or(|after| customer > after));
        let never_read = |customer: CustomerId| MirroredCustomer {
            customer,
            version: 0,
            read_at: Timestamp::from_millis(0),
            state: CustomerState::Present(Vec::new()),
        };
        Ok(page
            .take(limit as usize)
            .map(|customer| {
                mirrored
                    .get(&(at.clone(), customer.clone()))
                    .cloned()
                    .unwrap_or_else(|| never_read(customer))
            })
            .collect())
    }

    async fn holder(
        &self,
        at: &ProviderAccount,
        subscription: &SubscriptionId,
    ) -> Result<Option<CustomerId>, RepoError> {
        let has = |known: &MirroredCustomer| {
            known.state.subscriptions().iter().any(|one| one.id == *subscription)
        };
        let mirrored = self.reach()?;
        Ok(mirrored
            .iter()
            .find(|((place, _), known)| place == at && has(known))
            .map(|((_, id), _)| id.clone()))
    }
}
