//! [`CustomerService`]: links users to customers, and writes down who did.

use std::sync::Arc;

use crate::ports::{AuditLog, Clock, CustomerRepo, LinkOutcome, OnConflict, RepoError};
use crate::{
    Actor, AuditAction, AuditEvent, CustomerId, CustomerLink, ProviderAccount, RequestOrigin,
    UserId,
};

/// Manages the links from users to customers.
#[derive(Clone, Debug)]
pub struct CustomerService {
    customers: Arc<dyn CustomerRepo>,
    audit: Arc<dyn AuditLog>,
    clock: Arc<dyn Clock>,
}

impl CustomerService {
    /// A service over these ports.
    #[must_use]
    pub fn new(
        customers: Arc<dyn CustomerRepo>,
        audit: Arc<dyn AuditLog>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { customers, audit, clock }
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
        let outcome = self.customers.link(link, on_conflict, self.clock.now()).await?;
        match &outcome {
            LinkOutcome::Conflict(_) => {}
            // Unchanged: perhaps because an earlier try linked and could not write it down.
            LinkOutcome::Created | LinkOutcome::Unchanged => {
                self.record(AuditAction::CustomerLinked, link).await?
            }
            LinkOutcome::Replaced(previous) => {
                let before = CustomerLink { customer: previous.clone(), ..link.clone() };
                self.record(AuditAction::CustomerUnlinked, &before).await?;
                self.record(AuditAction::CustomerLinked, link).await?;
            }
        }
        Ok(outcome)
    }

    /// Removes a user's link; gives the customer that it named. Written down first.
    ///
    /// # Errors
    /// [`RepoError`].
    pub async fn unlink(
        &self,
        owner: &UserId,
        at: &ProviderAccount,
    ) -> Result<Option<CustomerId>, RepoError> {
        if let Some(customer) = self.customers.find(owner, at).await? {
            let link = CustomerLink { owner: owner.clone(), at: at.clone(), customer };
            self.record(AuditAction::CustomerUnlinked, &link).await?;
        }
        self.customers.unlink(owner, at).await
    }

    /// All of a user's links.
    ///
    /// # Errors
    /// [`RepoError`].
    pub async fn list(&self, owner: &UserId) -> Result<Vec<CustomerLink>, RepoError> {
        self.customers.list(owner).await
    }

    async fn record(&self, action: AuditAction, link: &CustomerLink) -> Result<(), RepoError> {
        let event = AuditEvent {
            at: self.clock.now(),
            action,
            actor: Actor::Operator,
            owner: Some(link.owner.clone()),
            key: None,
            customer: Some((link.at.clone(), link.customer.clone())),
            origin: RequestOrigin::default(),
        };
        self.audit.append(&event).await
    }
}
