//! Where keys come from that nobody has used yet.

use std::fmt::Debug;

use crate::{ClaimToken, ProviderKey};

/// Makes keys that are unique among all replicas, for ever. Sync, as the clock is.
pub trait KeyGenerator: Debug + Send + Sync + 'static {
    /// A key for a call to the provider.
    fn provider_key(&self) -> ProviderKey;

    /// A token for a claim of events.
    fn claim_token(&self) -> ClaimToken;
}
