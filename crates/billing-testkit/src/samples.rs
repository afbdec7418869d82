//! Valid values, made short: for suites and tests that need one and do not care which. Text that is no such value panics.

use std::collections::BTreeSet;

use billing_domain::{
    Actor, ApiKey, ApiKeyId, AuditAction, AuditEvent, CustomerId, CustomerLink, KeyDescription, KeyVerifier, Mode,
    OriginPattern, PepperId, Permission, ProviderAccount, RequestOrigin, StoredApiKey, Timestamp, UserId,
};
use secrecy::SecretString;

/// A user.
#[must_use]
pub fn user(id: &str) -> UserId {
    id.parse().expect("a user id")
}

/// A customer.
#[must_use]
pub fn customer(id: &str) -> CustomerId {
    id.parse().expect("a customer id")
}

/// A provider in a mode.
#[must_use]
pub fn account(provider: &str, mode: Mode) -> ProviderAccount {
    ProviderAccount::new(provider.parse().expect("a provider's name"), mode)
}

/// A link from a user to a customer.
#[must_use]
pub fn link(owner: &UserId, at: &ProviderAccount, to: &CustomerId) -> CustomerLink {
    CustomerLink { owner: owner.clone(), at: at.clone(), customer: to.clone() }
}

/// A key id.
#[must_use]
pub fn key_id(id: &str) -> ApiKeyId {
    id.parse().expect("a key id")
}

/// A key that holds for ever, may open the portal and has no return origins, made at `created_at`. What proves it is made up.
#[must_use]
pub fn stored_key(id: &str, owner: &UserId, created_at: Timestamp) -> StoredApiKey {
    StoredApiKey {
        key: ApiKey {
            id: key_id(id),
            owner: owner.clone(),
            name: "a key".parse().expect("a key's name"),
            description: None,
            permissions: Permission::known(),
            return_origins: Vec::new(),
            created_at,
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        },
        verifier: KeyVerifier {
            pepper: None,
            gate: SecretString::from("0123456789abcdef".repeat(4)),
            hash: SecretString::from("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$c29tZWhhc2g"),
        },
    }
}

/// Permissions.
#[must_use]
pub fn permissions(texts: &[&str]) -> BTreeSet<Permission> {
    texts.iter().map(|text| text.parse().expect("a permission")).collect()
}

/// Origin patterns.
#[must_use]
pub fn origins(texts: &[&str]) -> Vec<OriginPattern> {
    texts.iter().map(|text| text.parse().expect("an origin pattern")).collect()
}

/// What an owner says about a key.
#[must_use]
pub fn description(text: &str) -> KeyDescription {
    text.parse().expect("a key's description")
}

/// A pepper's id.
#[must_use]
pub fn pepper(id: &str) -> PepperId {
    id.parse().expect("a pepper's id")
}

/// A portal session of this user's, opened at `at` with an access token: nothing else is known about it.
#[must_use]
pub fn audit_event(owner: &UserId, at: Timestamp) -> AuditEvent {
    AuditEvent {
        at,
        action: AuditAction::PortalOpened,
        actor: Actor::User,
        owner: Some(owner.clone()),
        key: None,
        customer: None,
        origin: RequestOrigin::default(),
    }
}
