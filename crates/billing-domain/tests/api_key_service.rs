//! [`ApiKeyIssuer`] and [`ApiKeyService`] on mock ports.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::{
    InsertOutcome, MintedKey, MockApiKeyRepo, MockClock, MockKeyMinter, RepoError, RevokeOutcome,
    RotateOutcome,
};
use billing_domain::*;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

struct Ports {
    keys: MockApiKeyRepo,
    minter: MockKeyMinter,
    mode: Mode,
}

impl Ports {
    fn new() -> Self {
        let mut minter = MockKeyMinter::new();
        minter.expect_mint().returning(|| {
            let verifier = KeyVerifier {
                pepper: None,
                gate: "0".repeat(64).into(),
                hash: "$argon2id$".into(),
            };
            Ok(MintedKey { id: "SuccessorKey".parse().unwrap(), text: "llmgen_x".into(), verifier })
        });
        Self { keys: MockApiKeyRepo::new(), minter, mode: Mode::Test }
    }

    fn issuer(self) -> ApiKeyIssuer {
        let mut clock = MockClock::new();
        clock.expect_now().return_const(NOW);
        let service = ApiKeyService::new(Arc::new(self.keys), Arc::new(clock));
        ApiKeyIssuer::new(service, Arc::new(self.minter), self.mode)
    }

    fn service(self) -> ApiKeyService {
        let mut clock = MockClock::new();
        clock.expect_now().return_const(NOW);
        ApiKeyService::new(Arc::new(self.keys), Arc::new(clock))
    }
}

/// Returns the record of an action of user `u1` on a key, without a request.
fn audit_event(action: AuditAction, key: &str) -> AuditEvent {
    AuditEvent {
        at: NOW,
        action,
        actor: Actor::User,
        owner: Some("u1".parse().unwrap()),
        key: Some(key.parse().unwrap()),
        customer: None,
        origin: RequestOrigin::default(),
    }
}

fn new_key() -> NewApiKey {
    NewApiKey {
        owner: "u1".parse().unwrap(),
        name: "CI".parse().unwrap(),
        description: None,
        permissions: None,
        return_origins: vec![],
        expires_at: None,
    }
}

fn stored(owner: &str, revoked_at: Option<Timestamp>) -> StoredApiKey {
    let key = ApiKey {
        id: "OldOldOldKey".parse().unwrap(),
        owner: owner.parse().unwrap(),
        name: "CI".parse().unwrap(),
        description: Some("builds".parse().unwrap()),
        permissions: BTreeSet::from(["reports:read".parse().unwrap()]),
        return_origins: vec!["https://a.example".parse().unwrap()],
        created_at: Timestamp::from_millis(1),
        expires_at: None,
        revoked_at,
        last_used_at: None,
    };
    let verifier =
        KeyVerifier { pepper: None, gate: "1".repeat(64).into(), hash: "$argon2id$".into() };
    StoredApiKey { key, verifier }
}

async fn create(
    ports: Ports,
    new_key: NewApiKey,
    rules: Option<&KeyRules>,
) -> Result<CreatedKey, ApiKeyError> {
    ports.issuer().create(new_key, rules, Actor::User, RequestOrigin::default()).await
}

#[tokio::test]
async fn c8_key_without_permission_list_gets_all_permissions() {
    let mut ports = Ports::new();
    ports.keys.expect_insert().times(1).returning(|stored, at_most, record| {
        assert_eq!(*record, audit_event(AuditAction::KeyCreated, "SuccessorKey"));
        assert_eq!((stored.key.permissions.clone(), at_most), (Permission::all_for_keys(), None));
        Ok(InsertOutcome::Inserted)
    });
    assert_eq!(create(ports, new_key(), None).await.unwrap().key.created_at, NOW);
}

#[tokio::test]
async fn create_fails_when_expiry_is_not_in_future() {
    let expired = NewApiKey { expires_at: Some(NOW), ..new_key() };
    assert!(matches!(create(Ports::new(), expired, None).await, Err(ApiKeyError::AlreadyExpired)));
}

#[tokio::test]
async fn create_applies_rules_to_owners() {
    let rules = KeyRules {
        max_active_keys: 2,
        return_origins: vec!["https://*.example.com".parse().unwrap()],
    };
    let outside =
        NewApiKey { return_origins: vec!["https://evil.example".parse().unwrap()], ..new_key() };
    assert!(matches!(
        create(Ports::new(), outside, Some(&rules)).await,
        Err(ApiKeyError::OriginNotAllowed(_))
    ));
    let mut ports = Ports::new();
    ports.keys.expect_list().returning(|_| Ok(vec![stored("u1", None).key]));
    ports.keys.expect_insert().returning(|_, at_most, _| {
        assert_eq!(at_most, Some(2));
        Ok(InsertOutcome::TooMany)
    });
    assert!(matches!(create(ports, new_key(), Some(&rules)).await, Err(ApiKeyError::TooMany(2))));
}

#[tokio::test]
async fn live_mode_rejects_broad_origins_from_operators() {
    let ports = Ports { mode: Mode::Live, ..Ports::new() };
    let broad = NewApiKey { return_origins: vec!["https://*.com".parse().unwrap()], ..new_key() };
    assert!(matches!(create(ports, broad, None).await, Err(ApiKeyError::BroadOrigin(_))));
}

#[tokio::test]
async fn create_fails_after_three_taken_ids() {
    let mut ports = Ports::new();
    ports.keys.expect_insert().times(3).returning(|_, _, _| Ok(InsertOutcome::IdTaken));
    assert!(matches!(create(ports, new_key(), None).await, Err(ApiKeyError::NoFreeId)));
}

#[tokio::test]
async fn each_change_fails_when_store_fails() {
    let down = || RepoError::Unavailable("down".into());
    let ports = || {
        let mut ports = Ports::new();
        ports.keys.expect_find().returning(|_| Ok(Some(stored("u1", None))));
        ports.keys.expect_insert().returning(move |_, _, _| Err(down()));
        ports.keys.expect_rotate().returning(move |_, _, _, _, _| Err(down()));
        ports.keys.expect_revoke().returning(move |_, _, _| Err(down()));
        ports
    };
    assert!(matches!(create(ports(), new_key(), None).await, Err(ApiKeyError::Store(_))));
    let id = "OldOldOldKey".parse().unwrap();
    let origin = RequestOrigin::default;
    let rotated =
        ports().issuer().rotate(&id, None, Duration::ZERO, Actor::Operator, origin()).await;
    assert!(matches!(rotated, Err(ApiKeyError::Store(_))));
    let revoked = ports().service().revoke(&id, None, Actor::Operator, origin()).await;
    assert!(matches!(revoked, Err(ApiKeyError::Store(_))));
}

#[tokio::test]
async fn create_mints_no_key_at_limit() {
    let rules = KeyRules { max_active_keys: 1, return_origins: vec![] };
    let mut ports = Ports { minter: MockKeyMinter::new(), ..Ports::new() };
    ports.keys.expect_list().returning(|_| Ok(vec![stored("u1", None).key]));
    assert!(matches!(create(ports, new_key(), Some(&rules)).await, Err(ApiKeyError::TooMany(1))));
}

#[tokio::test]
async fn rotate_fails_when_key_has_successor() {
    let mut ports = Ports { minter: MockKeyMinter::new(), ..Ports::new() };
    let pending = NOW.plus(Duration::from_secs(60));
    ports.keys.expect_find().returning(move |_| Ok(Some(stored("u1", Some(pending)))));
    let id = "OldOldOldKey".parse().unwrap();
    let rotated = ports
        .issuer()
        .rotate(&id, None, Duration::ZERO, Actor::Operator, RequestOrigin::default())
        .await;
    assert!(matches!(rotated, Err(ApiKeyError::NotActive)));
}

#[tokio::test]
async fn successor_inherits_all_properties() {
    let mut ports = Ports::new();
    ports.keys.expect_list().returning(|_| Ok(vec![stored("u1", None).key]));
    ports.keys.expect_find().returning(|_| Ok(Some(stored("u1", None))));
    ports.keys.expect_rotate().times(1).returning(|id, successor, until, at_most, records| {
        assert_eq!(at_most, Some(1));
        let rotated = audit_event(AuditAction::KeyRotated, "OldOldOldKey");
        assert_eq!(records, &[rotated, audit_event(AuditAction::KeyCreated, "SuccessorKey")]);
        let old = stored("u1", None).key;
        let expected = ApiKey { id: "SuccessorKey".parse().unwrap(), created_at: NOW, ..old };
        assert_eq!((id.as_str(), &successor.key), ("OldOldOldKey", &expected));
        assert_eq!(until, NOW.plus(Duration::from_secs(60)));
        Ok(RotateOutcome::Rotated)
    });
    let (id, owner): (ApiKeyId, UserId) = ("OldOldOldKey".parse().unwrap(), "u1".parse().unwrap());
    let overlap = Duration::from_secs(60);
    let rules = KeyRules { max_active_keys: 1, return_origins: vec![] };
    ports
        .issuer()
        .rotate(&id, Some((&owner, &rules)), overlap, Actor::User, RequestOrigin::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn other_users_key_is_not_found_and_revoked_key_cannot_be_rotated() {
    let id: ApiKeyId = "OldOldOldKey".parse().unwrap();
    let owner: UserId = "u2".parse().unwrap();
    let rules = KeyRules { max_active_keys: 1, return_origins: vec![] };
    let ports = |revoked_at| {
        let mut ports = Ports::new();
        ports.keys.expect_find().returning(move |_| Ok(Some(stored("u1", revoked_at))));
        ports
    };
    let day = Duration::from_secs(86_400);
    let origin = RequestOrigin::default;
    let rotated =
        ports(None).issuer().rotate(&id, Some((&owner, &rules)), day, Actor::User, origin()).await;
    assert!(matches!(rotated, Err(ApiKeyError::NotFound)));
    let revoked = ports(None).service().revoke(&id, Some(&owner), Actor::User, origin()).await;
    assert!(matches!(revoked, Err(ApiKeyError::NotFound)));
    let rotated = ports(Some(NOW)).issuer().rotate(&id, None, day, Actor::Operator, origin()).await;
    assert!(matches!(rotated, Err(ApiKeyError::NotActive)));
}

#[tokio::test]
async fn revoke_reports_already_revoked_key() {
    let mut ports = Ports::new();
    ports.keys.expect_find().returning(|_| Ok(Some(stored("u1", Some(NOW)))));
    ports.keys.expect_revoke().times(1).returning(|_, at, record| {
        let expected = audit_event(AuditAction::KeyRevoked, "OldOldOldKey");
        assert_eq!((at, record), (NOW, &AuditEvent { actor: Actor::Operator, ..expected }));
        Ok(RevokeOutcome::AlreadyRevoked)
    });
    let id = "OldOldOldKey".parse().unwrap();
    let outcome =
        ports.service().revoke(&id, None, Actor::Operator, RequestOrigin::default()).await.unwrap();
    assert_eq!(outcome, RevokeOutcome::AlreadyRevoked);
}
