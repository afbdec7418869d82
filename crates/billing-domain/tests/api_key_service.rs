//! [`ApiKeyIssuer`] and [`ApiKeyService`] over scripted ports.

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

/// A record of what an owner did to a key of `u1`, in no request.
fn on_record(action: AuditAction, key: &str) -> AuditEvent {
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

fn wanted() -> NewApiKey {
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
    wanted: NewApiKey,
    rules: Option<&KeyRules>,
) -> Result<CreatedKey, ApiKeyError> {
    ports.issuer().create(wanted, rules, Actor::User, RequestOrigin::default()).await
}

#[tokio::test]
async fn c8_a_key_without_a_list_gets_all_that_exist_today() {
    let mut ports = Ports::new();
    ports.keys.expect_insert().times(1).returning(|stored, at_most, record| {
        assert_eq!(*record, on_record(AuditAction::KeyCreated, "SuccessorKey"));
        assert_eq!((stored.key.permissions.clone(), at_most), (Permission::all_for_keys(), None));
        Ok(InsertOutcome::Inserted)
    });
    assert_eq!(create(ports, wanted(), None).await.unwrap().key.created_at, NOW);
}

#[tokio::test]
async fn a_key_that_would_never_hold_is_not_made() {
    let expired = NewApiKey { expires_at: Some(NOW), ..wanted() };
    assert!(matches!(create(Ports::new(), expired, None).await, Err(ApiKeyError::AlreadyExpired)));
}

#[tokio::test]
async fn owners_are_held_to_rules() {
    let rules = KeyRules {
        max_active_keys: 2,
        return_origins: vec!["https://*.example.com".parse().unwrap()],
    };
    let outside =
        NewApiKey { return_origins: vec!["https://evil.example".parse().unwrap()], ..wanted() };
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
    assert!(matches!(create(ports, wanted(), Some(&rules)).await, Err(ApiKeyError::TooMany(2))));
}

#[tokio::test]
async fn live_mode_refuses_broad_origins_from_operators_too() {
    let ports = Ports { mode: Mode::Live, ..Ports::new() };
    let broad = NewApiKey { return_origins: vec!["https://*.com".parse().unwrap()], ..wanted() };
    assert!(matches!(create(ports, broad, None).await, Err(ApiKeyError::BroadOrigin(_))));
}

#[tokio::test]
async fn an_id_that_is_taken_is_drawn_again_and_not_for_ever() {
    let mut ports = Ports::new();
    ports.keys.expect_insert().times(3).returning(|_, _, _| Ok(InsertOutcome::IdTaken));
    assert!(matches!(create(ports, wanted(), None).await, Err(ApiKeyError::NoFreeId)));
}

#[tokio::test]
async fn a_store_that_fails_fails_every_change() {
    let down = || RepoError::Unavailable("down".into());
    let ports = || {
        let mut ports = Ports::new();
        ports.keys.expect_find().returning(|_| Ok(Some(stored("u1", None))));
        ports.keys.expect_insert().returning(move |_, _, _| Err(down()));
        ports.keys.expect_rotate().returning(move |_, _, _, _, _| Err(down()));
        ports.keys.expect_revoke().returning(move |_, _, _| Err(down()));
        ports
    };
    assert!(matches!(create(ports(), wanted(), None).await, Err(ApiKeyError::Store(_))));
    let (id, nowhere) = ("OldOldOldKey".parse().unwrap(), RequestOrigin::default);
    let rotated =
        ports().issuer().rotate(&id, None, Duration::ZERO, Actor::Operator, nowhere()).await;
    assert!(matches!(rotated, Err(ApiKeyError::Store(_))));
    let revoked = ports().service().revoke(&id, None, Actor::Operator, nowhere()).await;
    assert!(matches!(revoked, Err(ApiKeyError::Store(_))));
}

#[tokio::test]
async fn at_the_limit_nothing_is_minted() {
    let rules = KeyRules { max_active_keys: 1, return_origins: vec![] };
    let mut ports = Ports { minter: MockKeyMinter::new(), ..Ports::new() };
    ports.keys.expect_list().returning(|_| Ok(vec![stored("u1", None).key]));
    assert!(matches!(create(ports, wanted(), Some(&rules)).await, Err(ApiKeyError::TooMany(1))));
}

#[tokio::test]
async fn a_key_has_one_successor() {
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
async fn a_successor_inherits_everything() {
    let mut ports = Ports::new();
    ports.keys.expect_list().returning(|_| Ok(vec![stored("u1", None).key]));
    ports.keys.expect_find().returning(|_| Ok(Some(stored("u1", None))));
    ports.keys.expect_rotate().times(1).returning(|id, successor, until, at_most, records| {
        assert_eq!(at_most, Some(1));
        let rotated = on_record(AuditAction::KeyRotated, "OldOldOldKey");
        assert_eq!(records, &[rotated, on_record(AuditAction::KeyCreated, "SuccessorKey")]);
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
async fn another_users_key_is_not_found_and_a_revoked_one_has_no_successor() {
    let id: ApiKeyId = "OldOldOldKey".parse().unwrap();
    let owner: UserId = "u2".parse().unwrap();
    let rules = KeyRules { max_active_keys: 1, return_origins: vec![] };
    let somebodys = |revoked_at| {
        let mut ports = Ports::new();
        ports.keys.expect_find().returning(move |_| Ok(Some(stored("u1", revoked_at))));
        ports
    };
    let (day, nowhere) = (Duration::from_secs(86_400), RequestOrigin::default);
    let rotated = somebodys(None)
        .issuer()
        .rotate(&id, Some((&owner, &rules)), day, Actor::User, nowhere())
        .await;
    assert!(matches!(rotated, Err(ApiKeyError::NotFound)));
    let revoked = somebodys(None).service().revoke(&id, Some(&owner), Actor::User, nowhere()).await;
    assert!(matches!(revoked, Err(ApiKeyError::NotFound)));
    let rotated =
        somebodys(Some(NOW)).issuer().rotate(&id, None, day, Actor::Operator, nowhere()).await;
    assert!(matches!(rotated, Err(ApiKeyError::NotActive)));
}

#[tokio::test]
async fn revoke_reports_a_key_that_was_revoked_before() {
    let mut ports = Ports::new();
    ports.keys.expect_find().returning(|_| Ok(Some(stored("u1", Some(NOW)))));
    ports.keys.expect_revoke().times(1).returning(|_, at, record| {
        let expected = on_record(AuditAction::KeyRevoked, "OldOldOldKey");
        assert_eq!((at, record), (NOW, &AuditEvent { actor: Actor::Operator, ..expected }));
        Ok(RevokeOutcome::AlreadyRevoked)
    });
    let id = "OldOldOldKey".parse().unwrap();
    let outcome =
        ports.service().revoke(&id, None, Actor::Operator, RequestOrigin::default()).await.unwrap();
    assert_eq!(outcome, RevokeOutcome::AlreadyRevoked);
}
