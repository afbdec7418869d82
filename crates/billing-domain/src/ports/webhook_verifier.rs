//! What tells the provider's events from everybody else's requests.

use std::fmt::Debug;

use crate::{ProviderEvent, Timestamp};

/// Verifies and reads what the provider posts. No I/O, so it is sync.
pub trait WebhookVerifier: Debug + Send + Sync + 'static {
    /// The event in a body, if its signature (the header's value as it came; empty where there is
    /// none) holds at `now`.
    ///
    /// # Errors
    /// See [`WebhookError`].
    fn verify(
        &self,
        signature: &[u8],
        body: &[u8],
        now: Timestamp,
    ) -> Result<VerifiedEvent, WebhookError>;
}

/// A body whose signature held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifiedEvent {
    /// An event of this mode.
    ThisMode(ProviderEvent),
    /// An event of the other mode: it concerns another process.
    OtherMode,
}

/// Why a body is no event. The text is for the log, and holds nothing of the body or of a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The signature is missing or malformed, too old or too new, or made with another secret.
    #[error("the signature does not hold: {0}")]
    Signature(&'static str),
    /// The signature holds, and the body is no event.
    #[error("the body is no event: {0}")]
    Body(String),
}
