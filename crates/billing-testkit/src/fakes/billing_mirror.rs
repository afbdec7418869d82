//! [`InMemoryBillingMirror`].

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::{Arc, MutexGuard};

use async_trait::async_trait;
use billing_domain::ports::{BillingMirror, LinkChange, RepoError};
use billing_domain::{
    AuditEvent, CustomerId, CustomerState, Effect, MirrorOutcome, MirrorUpdate, MirroredCustomer,
    ProviderAccount, Subscription, SubscriptionId, Timestamp,
};

use super::audit_records::AuditRecords;
use super::customer_claims::Claims;
use super::customer_repo::{self, Links};
use super::event_inbox::{Events, settle};
use super::mirrored::{Mirrored, Readings};
use super::{InMemoryCustomerClaims, InMemoryCustomerRepo, InMemoryEventInbox, Reachability};

/// An in-memory mirror. Part of an [`InMemoryBilling`](super::InMemoryBilling).
#[derive(Debug)]
pub struct InMemoryBillingMirror {
    pub(super) mirrored: Arc<Mirrored>,
    pub(super) inbox: Arc<InMemoryEventInbox>,
    pub(super) customers: Arc<InMemoryCustomerRepo>,
    pub(super) claims: Arc<InMemoryCustomerClaims>,
    pub(super) records: Arc<AuditRecords>,
    pub(super) reachability: Reachability,
}

impl InMemoryBillingMirror {
    fn reach(&self) -> Result<MutexGuard<'_, Readings>, RepoError> {
        self.reachability.check()?;
        Ok(self.mirrored.lock().unwrap())
    }
}

/// Copies of all data that an update and its effects change. A partly applied draft is discarded.
struct Draft<'a> {
    update: &'a MirrorUpdate,
    mirrored: Readings,
    links: Links,
    claims: Claims,
    events: Events,
    records: Vec<AuditEvent>,
}

impl Draft<'_> {
    fn replace(&mut self) -> MirrorOutcome {
        let update = self.update;
        let key = (update.account.clone(), update.customer.clone());
        if self.mirrored.get(&key).map_or(0, |known| known.version) != update.expected_version {
            return MirrorOutcome::Outdated;
        }
        // The newer reading is kept if another customer has one of the subscriptions.
        let own = update.state.subscriptions();
        let is_own =
            |other: &mut Subscription| own.iter().any(|subscription| subscription.id == other.id);
        for (_, other) in
            self.mirrored.iter_mut().filter(|((account, _), _)| *account == update.account)
        {
            if let CustomerState::Present(subscriptions) = &mut other.state {
                subscriptions.extract_if(.., |one| is_own(one)).for_each(drop);
            }
        }
        let customer = MirroredCustomer {
            customer: update.customer.clone(),
            version: update.expected_version + 1,
            read_at: update.read_at,
            state: sorted(&update.state),
        };
        self.mirrored.insert(key, customer);
        MirrorOutcome::Applied
    }

    fn apply(&mut self, effect: &Effect) -> MirrorOutcome {
        let update = self.update;
        let (as_expected, otherwise) = match effect {
            Effect::Link(owner) => {
                let change = LinkChange::Add(update.link_for(owner));
                (customer_repo::apply(&mut self.links, &change), MirrorOutcome::LinksChanged)
            }
            Effect::Unlink(owner) => {
                let change = LinkChange::Remove(update.link_for(owner));
                (customer_repo::apply(&mut self.links, &change), MirrorOutcome::LinksChanged)
            }
            Effect::FulfilClaim(owner) => {
                if let Some(claim) = self.claims.get_mut(&(owner.clone(), update.account.clone())) {
                    claim.customer.get_or_insert_with(|| update.customer.clone());
                }
                return MirrorOutcome::Applied;
            }
            Effect::DropClaims => {
                self.claims.retain(|(_, account), claim| {
                    *account != update.account || claim.customer.as_ref() != Some(&update.customer)
                });
                return MirrorOutcome::Applied;
            }
            Effect::SettleEvents(claimed) => (
                settle(&mut self.events, &update.account, claimed, update.read_at),
                MirrorOutcome::ClaimLost,
            ),
            Effect::Audit(event) => {
                self.records.push(event.clone());
                return MirrorOutcome::Applied;
            }
        };
        if as_expected { MirrorOutcome::Applied } else { otherwise }
    }
}

/// Sorts subscriptions newest first, then by id.
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
        account: &ProviderAccount,
        customer: &CustomerId,
    ) -> Result<Option<MirroredCustomer>, RepoError> {
        Ok(self.reach()?.get(&(account.clone(), customer.clone())).cloned())
    }

    async fn apply(
        &self,
        update: &MirrorUpdate,
        effects: &[Effect],
    ) -> Result<MirrorOutcome, RepoError> {
        let mut mirrored = self.reach()?;
        let mut links = self.customers.reach()?;
        let mut claims = self.claims.reach()?;
        let mut events = self.inbox.reach()?;
        let mut draft = Draft {
            update,
            mirrored: mirrored.clone(),
            links: links.clone(),
            claims: claims.clone(),
            events: events.clone(),
            records: Vec::new(),
        };
        let mut outcome = draft.replace();
        for effect in effects {
            if outcome != MirrorOutcome::Applied {
                return Ok(outcome);
            }
            outcome = draft.apply(effect);
        }
        if outcome == MirrorOutcome::Applied {
            *mirrored = draft.mirrored;
            *links = draft.links;
            *claims = draft.claims;
            *events = draft.events;
            self.records.add(&draft.records);
        }
        Ok(outcome)
    }

    async fn list<'a>(
        &self,
        account: &ProviderAccount,
        after: Option<&'a CustomerId>,
        limit: u32,
    ) -> Result<Vec<MirroredCustomer>, RepoError> {
        let mirrored = self.reach()?;
        let read = mirrored
            .keys()
            .filter(|(other, _)| other == account)
            .map(|(_, customer)| customer.clone());
        let mut all: BTreeSet<CustomerId> = read.collect();
        all.extend(
            self.customers
                .links()?
                .into_iter()
                .filter(|link| link.account == *account)
                .map(|link| link.customer),
        );
        let claims = self.claims.reach()?;
        all.extend(
            claims
                .iter()
                .filter(|((_, other), _)| other == account)
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
                    .get(&(account.clone(), customer.clone()))
                    .cloned()
                    .unwrap_or_else(|| never_read(customer))
            })
            .collect())
    }

    async fn customer_of(
        &self,
        account: &ProviderAccount,
        subscription: &SubscriptionId,
    ) -> Result<Option<CustomerId>, RepoError> {
        let has = |known: &MirroredCustomer| {
            known.state.subscriptions().iter().any(|one| one.id == *subscription)
        };
        let mirrored = self.reach()?;
        Ok(mirrored
            .iter()
            .find(|((other, _), known)| other == account && has(known))
            .map(|((_, id), _)| id.clone()))
    }
}
