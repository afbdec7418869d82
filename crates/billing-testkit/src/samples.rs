//! Creates valid sample values for tests. Invalid text panics.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use billing_domain::ports::{CheckoutRequest, CustomerRepo, LinkChange, RepoError};
use billing_domain::{
    Actor, ApiKey, ApiKeyId, AuditAction, AuditEvent, BillingCycle, CheckoutSessionId, ClaimToken,
    ClaimedEvents, CustomerId, CustomerLink, EventId, EventSubject, KeyDescription, KeyVerifier,
    Mode, OriginPattern, PepperId, Permission, ProviderAccount, ProviderEvent, ProviderKey,
    RequestOrigin, StoredApiKey, Subscription, SubscriptionId, SubscriptionStatus, Timestamp,
    UserId,
};
use secrecy::SecretString;

/// Parses a user id.
#[must_use]
pub fn user(id: &str) -> UserId {
    id.parse().expect("a user id")
}

/// Parses a customer id.
#[must_use]
pub fn customer(id: &str) -> CustomerId {
    id.parse().expect("a customer id")
}

/// Returns a provider in a mode.
#[must_use]
pub fn account(provider: &str, mode: Mode) -> ProviderAccount {
    ProviderAccount::new(provider.parse().expect("a provider's name"), mode)
}

/// Returns a link from a user to a customer.
#[must_use]
pub fn link(owner: &UserId, account: &ProviderAccount, to: &CustomerId) -> CustomerLink {
    CustomerLink { owner: owner.clone(), account: account.clone(), customer: to.clone() }
}

/// Parses a key id.
#[must_use]
pub fn key_id(id: &str) -> ApiKeyId {
    id.parse().expect("a key id")
}

/// Returns a key without expiry or return origins, with all permissions and a made-up verifier.
#[must_use]
pub fn stored_key(id: &str, owner: &UserId, created_at: Timestamp) -> StoredApiKey {
    StoredApiKey {
        key: ApiKey {
            id: key_id(id),
            owner: owner.clone(),
            name: "a key".parse().expect("a key's name"),
            description: None,
            permissions: Permission::all_for_keys(),
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

/// Parses permissions.
#[must_use]
pub fn permissions(texts: &[&str]) -> BTreeSet<Permission> {
    texts.iter().map(|text| text.parse().expect("a permission")).collect()
}

/// Parses origin patterns.
#[must_use]
pub fn origins(texts: &[&str]) -> Vec<OriginPattern> {
    texts.iter().map(|text| text.parse().expect("an origin pattern")).collect()
}

/// Parses a key's description.
#[must_use]
pub fn description(text: &str) -> KeyDescription {
    text.parse().expect("a key's description")
}

/// Parses a pepper's id.
#[must_use]
pub fn pepper(id: &str) -> PepperId {
    id.parse().expect("a pepper's id")
}

/// Returns a minimal event: this user opened the portal at `at` with an access token.
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

/// Returns an audit record for changes that require one.
#[must_use]
pub fn record() -> &'static AuditEvent {
    &records()[0]
}

/// Returns two audit records for changes that require two.
#[must_use]
pub fn records() -> &'static [AuditEvent; 2] {
    static RECORDS: LazyLock<[AuditEvent; 2]> = LazyLock::new(|| {
        [AuditAction::KeyRotated, AuditAction::KeyCreated].map(|action| AuditEvent {
            action,
            ..audit_event(&user("recorded"), Timestamp::from_seconds(0))
        })
    });
    &RECORDS
}

/// Adds a link without an audit record. Returns `false` if the user already has a link.
///
/// # Errors
/// The repo's error.
pub async fn add_link(
    customers: &dyn CustomerRepo,
    link: &CustomerLink,
) -> Result<bool, RepoError> {
    customers.change(&LinkChange::Add(link.clone()), Timestamp::from_seconds(0), &[]).await
}

/// Removes a user's link, if any, without an audit record. Returns its customer.
///
/// # Errors
/// The repo's error.
pub async fn remove_link(
    customers: &dyn CustomerRepo,
    owner: &UserId,
    account: &ProviderAccount,
) -> Result<Option<CustomerId>, RepoError> {
    while let Some(customer) = customers.find(owner, account).await? {
        let change = LinkChange::Remove(link(owner, account, &customer));
        if customers.change(&change, Timestamp::from_seconds(0), &[]).await? {
            return Ok(Some(customer));
        }
    }
    Ok(None)
}

/// Returns an event about a customer.
#[must_use]
pub fn provider_event(id: &str, about: &CustomerId, created: Timestamp) -> ProviderEvent {
    ProviderEvent {
        id: event_id(id),
        kind: "customer.subscription.updated".parse().expect("a kind of event"),
        subject: EventSubject::Customer(about.clone()),
        created,
    }
}

/// Parses an event's id.
#[must_use]
pub fn event_id(id: &str) -> EventId {
    id.parse().expect("an event's id")
}

/// Returns a claim token.
#[must_use]
pub fn token(text: &str) -> ClaimToken {
    ClaimToken(text.to_owned())
}

/// Returns events claimed under a token.
#[must_use]
pub fn claimed(text: &str, events: &[&str]) -> ClaimedEvents {
    ClaimedEvents { token: token(text), events: events.iter().map(|id| event_id(id)).collect() }
}

/// Returns a minimal monthly subscription to one price.
#[must_use]
pub fn subscription(id: &str, status: SubscriptionStatus, created: Timestamp) -> Subscription {
    Subscription {
        id: subscription_id(id),
        status,
        prices: vec!["price_1".parse().expect("a price")],
        cycle: Some(BillingCycle::Monthly),
        created,
        period_start: None,
        period_end: None,
        cancel_at_period_end: false,
        cancel_at: None,
    }
}

/// Parses a subscription's id.
#[must_use]
pub fn subscription_id(id: &str) -> SubscriptionId {
    id.parse().expect("a subscription's id")
}

/// Parses an idempotency key for the provider.
#[must_use]
pub fn provider_key(text: &str) -> ProviderKey {
    text.parse().expect("a provider's key")
}

/// Returns a checkout request with a caller's idempotency key.
#[must_use]
pub fn checkout_request(owner: &UserId, account: &ProviderAccount, key: &str) -> CheckoutRequest {
    CheckoutRequest {
        owner: owner.clone(),
        account: account.clone(),
        key: key.parse().expect("an idempotency key"),
        content: "starter monthly".to_owned(),
        provider_key: provider_key("provider-key"),
    }
}

/// Parses a checkout session's id.
#[must_use]
pub fn session_id(id: &str) -> CheckoutSessionId {
    id.parse().expect("a checkout session's id")
}
