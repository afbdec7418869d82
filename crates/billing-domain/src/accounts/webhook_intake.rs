//! [`WebhookIntake`]: from a request that says it is the provider's to an event in the inbox.

use std::sync::Arc;

use crate::ports::{Clock, EventInbox, RepoError, VerifiedEvent, WebhookError, WebhookVerifier};
use crate::{EventId, EventKind, ProviderAccount};

/// Takes in what the provider sends. Quick: nothing is applied here.
#[derive(Clone, Debug)]
pub struct WebhookIntake {
    account: ProviderAccount,
    verifier: Arc<dyn WebhookVerifier>,
    inbox: Arc<dyn EventInbox>,
    clock: Arc<dyn Clock>,
}

/// What was taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntakeOutcome {
    /// This event is in the inbox, perhaps since an earlier delivery.
    Accepted(EventId, EventKind),
    /// An event of the provider's other mode, which concerns another process.
    OtherMode,
}

/// Why nothing was taken in.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// It is not the provider's, or no event.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    /// The inbox failed: the provider is to deliver again.
    #[error(transparent)]
    Store(#[from] RepoError),
}

impl WebhookIntake {
    /// The intake of a provider's events.
    #[must_use]
    pub fn new(
        account: ProviderAccount,
        verifier: Arc<dyn WebhookVerifier>,
        inbox: Arc<dyn EventInbox>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { account, verifier, inbox, clock }
    }

    /// Verifies a delivery and keeps its event; committed when this returns.
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
