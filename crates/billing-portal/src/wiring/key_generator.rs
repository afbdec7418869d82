//! [`UuidKeys`]: unique keys from version 7 UUIDs.

use billing_domain::ports::KeyGenerator;
use billing_domain::{ClaimToken, ProviderKey};
use uuid::Uuid;

/// Creates keys from the time and the system's random numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UuidKeys;

impl KeyGenerator for UuidKeys {
    fn provider_key(&self) -> ProviderKey {
        ProviderKey::from_unique(&Uuid::now_v7())
    }

    fn claim_token(&self) -> ClaimToken {
        ClaimToken(Uuid::now_v7().to_string())
    }
}
