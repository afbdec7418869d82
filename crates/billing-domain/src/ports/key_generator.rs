//! The port that generates unique keys.

use std::fmt::Debug;

use crate::{ClaimToken, ProviderKey};

/// Generates keys that are unique across all replicas and restarts.
pub trait KeyGenerator: Debug + Send + Sync + 'static {
    /// Generates an idempotency key for a provider call.
    fn provider_key(&self) -> ProviderKey;

    /// Generates a token for a claim of events.
    fn claim_token(&self) -> ClaimToken;
}
