//! [`CustomerService`]: links users to customers for an operator.

use std::sync::Arc;

use crate::ports::{Clock, CustomerRepo, LinkChange, RepoError};
use crate::{
    Actor, AuditAction, AuditEvent, CustomerId, CustomerLink, ProviderAccount, RequestOrigin,
    Timestamp, UserId,
};

/// Manages the links from users to customers for an operator.
#[derive(Clone, Debug)]
pub struct CustomerService {
    customers: Arc<dyn CustomerRepo>,
    clock: Arc<dyn Clock>,
}

/// The action if the user is linked to another customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// Keep the existing link.
    Keep,
    /// Replace the existing link.
    Replace,
}

/// The result of linking a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkOutcome {
    /// The link was created.
    Created,
    /// The link existed already.
    Unchanged,
    /// The link replaced the link to this customer.
    Replaced(CustomerId),
    /// The existing link to this customer was kept.
    Conflict(CustomerId),
}

impl CustomerService {
    /// Creates a service on these ports.
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
        // The loop repeats only if another process changed the link in between.
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
            if self.apply(&change).await? {
                return Ok(outcome);
            }
        }
    }

    /// Removes a user's link and returns its customer.
    ///
    /// # Errors
    /// [`RepoError`].
    pub async fn unlink(
        &self,
        owner: &UserId,
        account: &ProviderAccount,
    ) -> Result<Option<CustomerId>, RepoError> {
        while let Some(customer) = self.customers.find(owner, account).await? {
            let link = CustomerLink { owner: owner.clone(), account: account.clone(), customer };
            let change = LinkChange::Remove(link.clone());
            if self.apply(&change).await? {
                return Ok(Some(link.customer));
            }
        }
        Ok(None)
    }

    /// Lists a user's links.
    ///
    /// # Errors
    /// [`RepoError`].
    pub async fn list(&self, owner: &UserId) -> Result<Vec<CustomerLink>, RepoError> {
        self.customers.list(owner).await
    }

    async fn apply(&self, change: &LinkChange) -> Result<bool, RepoError> {
        let now = self.clock.now();
        self.customers.change(change, now, &records(change, now)).await
    }
}

/// Returns the audit records of a link change.
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
