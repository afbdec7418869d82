//! [`CustomerService`]: an operator links users to customers.

use std::sync::Arc;

use crate::ports::{Clock, CustomerRepo, LinkChange, RepoError};
use crate::{
    Actor, AuditAction, AuditEvent, CustomerId, CustomerLink, ProviderAccount, RequestOrigin,
    Timestamp, UserId,
};

/// Manages the links from users to customers, on behalf of an operator.
#[derive(Clone, Debug)]
pub struct CustomerService {
    customers: Arc<dyn CustomerRepo>,
    clock: Arc<dyn Clock>,
}

/// What to do where the user already has another customer there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// Leave the existing link.
    Keep,
    /// Put the new customer in its place.
    Replace,
}

/// What became of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkOutcome {
    /// The user had none there, and has this one now.
    Created,
    /// The user had this very customer already. Nothing was changed.
    Unchanged,
    /// The user had another customer, which this one replaced.
    Replaced(CustomerId),
    /// The user has another customer, which was left.
    Conflict(CustomerId),
}

impl CustomerService {
    /// A service over these ports.
    #[must_use]
    pub fn new(customers: Arc<dyn CustomerRepo>, clock: Arc<dyn Clock>) -> Self {
        Self { customers, clock }
    }

    /// Links a user to a customer.
    ///
    /// # Errors
    /// [`RepoError`]. A conflict is an outcome, not an error.
    pub async fn link(
        &self,
        link: &CustomerLink,
        on_conflict: OnConflict,
    ) -> Result<LinkOutcome, RepoError> {
        // Another round only follows a change that somebody else made to the same link in between.
        loop {
            let existing = self.customers.find(&link.owner, &link.account).await?;
            let (change, outcome) = match (existing, on_conflict) {
                (None, _) => (LinkChange::Add(link.clone()), LinkOutcome::Created),
                (Some(existing), _) if existing == link.customer => {
                    return Ok(LinkOutcome::Unchanged);
                }
                (Some(existing), OnConflict::Keep) => return Ok(LinkOutcome::Conflict(existing)),
                (Some(old), OnConflict::Replace) => (
                    LinkChange::Replace { old: old.clone(), new: link.clone() },
                    LinkOutcome::Replaced(old),
                ),
            };
            if self.make(&change).await? {
                return Ok(outcome);
            }
        }
    }

    /// Removes a user's link; gives the customer that it named.
    ///
    /// # Errors
    /// [`RepoError`].
    pub async fn unlink(
        &self,
        owner: &UserId,
        at: &ProviderAccount,
    ) -> Result<Option<CustomerId>, RepoError> {
        while let Some(customer) = self.customers.find(owner, at).await? {
            let link = CustomerLink { owner: owner.clone(), account: at.clone(), customer };
            let change = LinkChange::Remove(link.clone());
            if self.make(&change).await? {
                return Ok(Some(link.customer));
            }
        }
        Ok(None)
    }

    /// All of a user's links.
    ///
    /// # Errors
    /// [`RepoError`].
    pub async fn list(&self, owner: &UserId) -> Result<Vec<CustomerLink>, RepoError> {
        self.customers.list(owner).await
    }

    async fn make(&self, change: &LinkChange) -> Result<bool, RepoError> {
        let now = self.clock.now();
        self.customers.change(change, now, &records(change, now)).await
    }
}

/// What a change of a link leaves in the audit log.
fn records(change: &LinkChange, now: Timestamp) -> Vec<AuditEvent> {
    let record = |action, link: &CustomerLink, customer: &CustomerId| AuditEvent {
        at: now,
        action,
        actor: Actor::Operator,
        owner: Some(link.owner.clone()),
        key: None,
        customer: Some((link.account.clone(), customer.clone())),
        origin: RequestOrigin::default(),
    };
    match change {
        LinkChange::Add(link) => vec![record(AuditAction::CustomerLinked, link, &link.customer)],
        LinkChange::Replace { old, new } => vec![
            record(AuditAction::CustomerUnlinked, new, old),
            record(AuditAction::CustomerLinked, new, &new.customer),
        ],
        LinkChange::Remove(link) => {
            vec![record(AuditAction::CustomerUnlinked, link, &link.customer)]
        }
    }
}
