//! [`CountedKeys`].

use std::sync::atomic::{AtomicU64, Ordering};

use billing_domain::ports::KeyGenerator;
use billing_domain::{ClaimToken, ProviderKey};

/// Generates unique keys from a counter.
#[derive(Debug, Default)]
pub struct CountedKeys(AtomicU64);

impl CountedKeys {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

impl KeyGenerator for CountedKeys {
    fn provider_key(&self) -> ProviderKey {
        ProviderKey::from_unique(&format_args!("key-{}", self.next()))
    }

    fn claim_token(&self) -> ClaimToken {
        ClaimToken(format!("token-{}", self.next()))
    }
}
