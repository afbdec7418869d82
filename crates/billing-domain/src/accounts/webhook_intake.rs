//! [`WebhookIntake`]: verifies deliveries and stores their events in the inbox.

use std::sync::Arc;

use crate::ports::{Clock, EventInbox, RepoError, VerifiedEvent, WebhookError, WebhookVerifier};
use crate::{EventId, EventKind, ProviderAccount};

/// Accepts deliveries of the provider. Workers apply the events later.
#[derive(Clone, Debug)]
pub struct WebhookIntake {
    account: ProviderAccount,
    verifier: Arc<dyn WebhookVerifier>,
    inbox: Arc<dyn EventInbox>,
    clock: Arc<dyn Clock>,
}

/// The result of accepting a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntakeOutcome {
    /// The event is in the inbox, from this or an earlier delivery.
    Accepted(EventId, EventKind),
    /// The event belongs to the provider's other mode. The service ignores it.
    OtherMode,
}

/// The reasons why a delivery is rejected.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The signature or the body is invalid.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// The inbox failed. The provider should retry the delivery.
    #[error(transparent)]
    Store(#[from] RepoError),
}

impl WebhookIntake {
    /// Creates the intake of this provider account.
    #[must_use]
    pub fn new(
        account: ProviderAccount,
        verifier: Arc<dyn WebhookVerifier>,
        inbox: Arc<dyn EventInbox>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { account, verifier, inbox, clock }
    }

    /// Verifies a delivery and stores its event. The event is committed when this returns.
    ///
    /// # Errors
    /// See [`IntakeError`].
    pub async fn accept(
        &self,
        signature: &[u8],
        body: &[u8],
    ) -> Result<IntakeOutcome, IntakeError> {
        let now = self.clock.now();
        match self.verifier.verify(signature, body, now)? {
            VerifiedEvent::OtherMode => Ok(IntakeOutcome::OtherMode),
            VerifiedEvent::ThisMode(event) => {
                self.inbox.accept(&self.account, &event, now).await?;
                Ok(IntakeOutcome::Accepted(event.id, event.kind))
            }
        }
    }
}
