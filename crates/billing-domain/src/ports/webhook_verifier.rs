//! The port that verifies webhook deliveries.

use std::fmt::Debug;

use crate::{ProviderEvent, Timestamp};

/// Verifies and parses webhook deliveries of the provider. It does no I/O and is not async.
pub trait WebhookVerifier: Debug + Send + Sync + 'static {
    /// Verifies the signature at `now` and returns the event in the body.
    ///
    /// `signature` is the unchanged header value, or empty without a header.
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

/// A delivery with a valid signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifiedEvent {
    /// An event of this mode.
    ThisMode(ProviderEvent),
    /// An event of the provider's other mode.
    OtherMode,
}

/// The reasons why a delivery is rejected. The text is for the log and contains no secret and no
/// part of the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The signature is missing or malformed, too old or too new, or from another secret.
    #[error("the signature is invalid: {0}")]
    Signature(&'static str),
    /// The signature is valid, and the body is not an event.
    #[error("the body is not an event: {0}")]
    Body(String),
}
