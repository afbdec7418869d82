//! C6, C7 and C8 for presented keys, and the order of the checks.

use std::collections::{BTreeSet, HashSet};
use std::num::NonZeroUsize;
use std::time::Duration;

use billing_domain::{KeyPrefix, Permission};
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinSet;

use super::*;
use crate::testing::{CountingRepo, Issued, START, Setup, limits, settings, with_wrong_secret};
use crate::{OsRandom, PoolLimits};

fn text(issued: &Issued) -> &str {
    issued.text()
}

#[tokio::test]
async fn c7_valid_key_returns_its_owner_permissions_and_origins() {
    let setup = Setup::new();
    let origins = vec!["https://*.example.com".parse().unwrap()];
    let permissions = BTreeSet::from(["reports:read".parse::<Permission>().unwrap()]);
    let issue = setup.issue_with(|key| {
        key.permissions = permissions.clone();
        key.return_origins = origins.clone();
    });
    let issued = issue.await;
    let principal = setup.present(text(&issued)).await.unwrap();
    let expected = Principal {
        owner: "user-1".parse().unwrap(),
        method: AuthMethod::ApiKey(issued.key.id),
        permissions: Permissions::Only(permissions),
        return_origins: origins,
    };
    assert_eq!(principal, expected);
    assert!(
        !principal.has_permission(&Permission::portal()),
        "C8: the principal has only the key's permissions"
    );
}

#[tokio::test]
async fn c6_a_mistyped_key_costs_no_read() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    let runs = setup.pool.runs();
    let mut mistyped = text(&issued).to_owned();
    let last = if mistyped.pop() == Some('x') { 'y' } else { 'x' };
    mistyped.push(last);
    assert!(setup.refusal(&mistyped).await.contains("checksum"));
    for other in [
        "",
        "llmgen_",
        "llmgen_x0W5whn",
        "a.b.c",
        &text(&issued)[1..],
        &format!("{}0", text(&issued)),
    ] {
        setup.refusal(other).await;
    }
    assert_eq!((setup.reads(), setup.pool.runs()), (0, runs));
}

#[tokio::test]
async fn c7_a_well_formed_key_costs_one_read() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    setup.present(text(&issued)).await.unwrap();
    assert_eq!(setup.reads(), 1);
    setup.refusal(&with_wrong_secret(&setup.issue().await)).await;
    assert_eq!(setup.reads(), 2);
}

#[tokio::test]
async fn c7_argon2_runs_once_for_a_valid_key_and_only_after_the_gate() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    assert_eq!(setup.pool.runs(), 1, "issuing hashes once");
    setup.refusal(&with_wrong_secret(&issued)).await;
    assert_eq!(setup.pool.runs(), 1);
    setup.present(text(&issued)).await.unwrap();
    assert_eq!(setup.pool.runs(), 2);
}

#[tokio::test]
async fn c7_a_flood_of_wrong_secrets_runs_argon2_zero_times() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    let wrong = with_wrong_secret(&issued);
    let runs = setup.pool.runs();
    for _ in 0..2_000 {
        setup.refusal(&wrong).await;
    }
    assert_eq!((setup.pool.runs(), setup.reads()), (runs, 1), "one read, no argon2 run");
    assert_eq!(setup.keys.authenticator().proofs.count().await, 0, "no failure is cached");
    setup.present(text(&issued)).await.unwrap();
}

#[tokio::test]
async fn c7_unknown_mistyped_revoked_expired_and_wrong_secret_differ_only_in_the_logged_reason() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    let revoked = setup.issue().await;
    let expired = setup.issue().await;
    let unknown = Setup::new().issue().await;
    setup.repo.keys.change(&revoked.key.id, |row| {
        row.key.revoked_at = Some(Timestamp::from_millis(START - 1))
    });
    setup
        .repo
        .keys
        .change(&expired.key.id, |row| row.key.expires_at = Some(Timestamp::from_millis(START)));
    let mistyped = text(&issued).replace("llmgen_", "llmgen_0");
    let cases = [
        ("unknown", text(&unknown)),
        ("checksum", &mistyped),
        ("revoked", text(&revoked)),
        ("expired", text(&expired)),
        ("wrong secret", &with_wrong_secret(&issued)),
        ("prefix", "not a key"),
        ("form", "llmgen_x"),
    ];
    let mut reasons = HashSet::new();
    for (expected, presented) in cases {
        let reason = setup.refusal(presented).await;
        assert!(reason.contains(expected), "{expected}: {reason}");
        reasons.insert(reason);
    }
    assert_eq!(reasons.len(), cases.len());
}

#[tokio::test]
async fn c7_revocation_and_expiry_are_checked_between_gate_and_argon2() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    setup
        .repo
        .keys
        .change(&issued.key.id, |row| row.key.revoked_at = Some(Timestamp::from_millis(START)));
    let runs = setup.pool.runs();
    assert!(setup.refusal(text(&issued)).await.contains("revoked"));
    assert!(setup.refusal(&with_wrong_secret(&issued)).await.contains("wrong secret"));
    assert_eq!(setup.pool.runs(), runs);
}

#[tokio::test]
async fn c7_a_key_is_accepted_until_it_expires() {
    let setup = Setup::new();
    let expires_at = Some(Timestamp::from_millis(START + 1_000));
    let issued = setup.issue_with(|key| key.expires_at = expires_at).await;
    setup.clock.set(Timestamp::from_millis(START + 999));
    setup.present(text(&issued)).await.unwrap();
    setup.clock.set(Timestamp::from_millis(START + 1_000));
    assert!(setup.refusal(text(&issued)).await.contains("expired"));
}

#[tokio::test]
async fn k3_a_rotated_key_is_accepted_until_its_revocation_cached_or_not() {
    let setup = Setup::new();
    let [cached, fresh] = [setup.issue().await, setup.issue().await];
    for issued in [&cached, &fresh] {
        setup.repo.keys.change(&issued.key.id, |row| {
            row.key.revoked_at = Some(Timestamp::from_millis(START + 1_000));
            row.key.expires_at = Some(Timestamp::from_millis(START + 9_000));
        });
    }
    setup.present(text(&cached)).await.unwrap();
    setup.advance(999);
    setup.present(text(&cached)).await.unwrap();
    setup.advance(1);
    assert!(setup.refusal(text(&cached)).await.contains("revoked"));
    assert_eq!(setup.reads(), 1);
    assert!(setup.refusal(text(&fresh)).await.contains("revoked"));
    let expired = setup.issue().await;
    setup.repo.keys.change(&expired.key.id, |row| {
        row.key.revoked_at = Some(Timestamp::from_millis(START + 9_000));
        row.key.expires_at = Some(Timestamp::from_millis(START + 1_000));
    });
    assert!(setup.refusal(text(&expired)).await.contains("expired"));
}

#[tokio::test]
async fn c7_without_notifications_a_revocation_or_changed_permission_takes_effect_within_3_s() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    assert!(setup.present(text(&issued)).await.unwrap().has_permission(&Permission::portal()));
    setup.repo.keys.change(&issued.key.id, |row| row.key.permissions.clear());
    setup.advance(3_000);
    assert!(!setup.present(text(&issued)).await.unwrap().has_permission(&Permission::portal()));
    setup
        .repo
        .keys
        .change(&issued.key.id, |row| row.key.revoked_at = Some(Timestamp::from_millis(START)));
    setup.advance(3_000);
    assert!(setup.refusal(text(&issued)).await.contains("revoked"));
    setup.repo.keys.remove(&issued.key.id);
    setup.advance(3_000);
    assert!(setup.refusal(text(&issued)).await.contains("unknown"));
    assert_eq!(setup.pool.runs(), 2, "issuing, and one proof");
}

#[tokio::test]
async fn c7_keys_stay_valid_during_a_pepper_rotation() {
    let before = Setup::new();
    let first = before.issue().await;
    let during = Setup::over(&before.repo, "qp");
    let second = during.issue().await;
    let first_verifier = during.repo.keys.stored(&first.key.id).verifier;
    during.present(text(&first)).await.unwrap();
    drop(during.tasks);
    during.repo.keys.change(&first.key.id, |row| row.verifier = first_verifier);
    let after = Setup::over(&before.repo, "q");
    after.present(text(&second)).await.unwrap();
    assert!(after.refusal(text(&first)).await.contains("a pepper that is not configured"));
    let rolled_back = Setup::over(&before.repo, "p");
    assert!(rolled_back.refusal(text(&second)).await.contains("a pepper that is not configured"));
}

#[tokio::test]
async fn c7_a_verifier_copied_from_another_key_is_refused() {
    let setup = Setup::new();
    let (own, other) = (setup.issue().await, setup.issue().await);
    let verifier = setup.repo.keys.stored(&own.key.id).verifier;
    setup.repo.keys.change(&other.key.id, |row| row.verifier = verifier.clone());
    let secret = text(&own).rsplit_once('_').unwrap().1;
    let forged = crate::key_text::compose(
        &KeyPrefix::default(),
        &other.key.id,
        &SecretString::from(secret[..secret.len() - 6].to_owned()),
    );
    assert!(setup.refusal(forged.expose_secret()).await.contains("wrong secret"));
}

#[tokio::test]
async fn c7_a_hash_that_does_not_match_its_gate_is_refused() {
    let setup = Setup::new();
    let (own, other) = (setup.issue().await, setup.issue().await);
    let hash = setup.repo.keys.stored(&other.key.id).verifier.hash;
    setup.repo.keys.change(&own.key.id, |row| row.verifier.hash = hash);
    assert!(setup.refusal(text(&own)).await.contains("not its hash"));
}

#[tokio::test]
async fn an_unusable_row_is_an_error_with_its_table_and_column() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    let good = setup.repo.keys.stored(&issued.key.id).verifier;
    let greedy = good.hash.expose_secret().replace("m=19456", "m=4194304");
    for (bad, hash, gate, expected) in [
        ("hash", "plain", good.gate.expose_secret(), "secret_hash"),
        ("greedy", &greedy, good.gate.expose_secret(), "secret_hash"),
        ("gate", good.hash.expose_secret(), "plain", "secret_gate"),
    ] {
        setup.repo.keys.change(&issued.key.id, |row| {
            row.verifier.hash = SecretString::from(hash);
            row.verifier.gate = SecretString::from(gate);
        });
        setup.advance(3_000);
        match setup.present(text(&issued)).await {
            Err(AuthError::Store(RepoError::Corrupt { table: "api_keys", column, reason })) => {
                assert_eq!(column, expected, "{bad}");
                assert!(!reason.contains("plain") && !reason.contains("4194304"), "{reason}");
            }
            other => panic!("{bad}: {other:?}"),
        }
    }
    assert_eq!(setup.pool.runs(), 1, "no argon2 run");
}

#[tokio::test]
async fn a_store_that_is_down_is_a_transient_error() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    setup.repo.reachability.go_down();
    let error = setup.present(text(&issued)).await.unwrap_err();
    assert!(matches!(error, AuthError::Store(RepoError::Unavailable(_))) && error.is_transient());
}

#[tokio::test]
async fn c7_64_different_valid_keys_are_accepted_at_the_same_time() {
    let setup = Arc::new(Setup::new());
    let mut issuing = JoinSet::new();
    for _ in 0..64 {
        let setup = Arc::clone(&setup);
        issuing.spawn(async move { setup.issue().await });
    }
    let issued = issuing.join_all().await;
    let mut presenting = JoinSet::new();
    for key in issued {
        let setup = Arc::clone(&setup);
        presenting.spawn(async move { setup.present(text(&key)).await.is_ok() });
    }
    assert_eq!(presenting.join_all().await, [true; 64]);
    assert_eq!((setup.repo.keys.count(), setup.pool.runs()), (64, 128));
}

#[tokio::test]
async fn a_full_pool_is_an_overload_and_not_an_invalid_key() {
    let repo = Arc::<CountingRepo>::default();
    let issued = Setup::over(&repo, "p").issue().await;
    let no_queue = PoolLimits { threads: NonZeroUsize::MIN, queue: 0, ..limits() };
    let full = Setup::with(&settings("p"), repo, Arc::new(OsRandom), no_queue);
    let error = full.present(text(&issued)).await.unwrap_err();
    assert!(error.is_transient());
    assert!(
        matches!(error, AuthError::Overloaded { retry_after } if retry_after > Duration::ZERO),
        "{error:?}"
    );
    assert!(
        full.refusal(&with_wrong_secret(&issued)).await.contains("wrong secret"),
        "the gate needs no pool"
    );
}

#[tokio::test]
async fn refusals_and_debug_output_contain_no_secret() {
    let setup = Setup::new();
    let issued = setup.issue().await;
    let secret = text(&issued).rsplit_once('_').unwrap().1;
    let shown = format!(
        "{:?} {:?} {} {}",
        setup.keys,
        issued,
        setup.refusal(&with_wrong_secret(&issued)).await,
        setup.refusal(&text(&issued)[1..]).await,
    );
    setup.present(text(&issued)).await.unwrap();
    let shown = format!("{shown} {:?}", setup.keys);
    assert!(
        !shown.contains(secret) && !shown.contains("wwww") && !shown.contains("pppp"),
        "{shown}"
    );
    assert!(!shown.contains(setup.repo.keys.stored(&issued.key.id).verifier.gate.expose_secret()));
}

#[tokio::test]
async fn c6_presented_key_id_requires_a_valid_format_and_checksum() {
    let setup = Setup::new();
    let id = |text: &str| {
        let id = setup.keys.authenticator().presented_key_id(&Credential::new(text));
        id.map(|id| id.to_string())
    };
    const KEY: &str = "llmgen_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg0vH3n6";
    assert_eq!(id(KEY).as_deref(), Some("0123456789AB"));
    for bad in [
        "",
        "a.b.c",
        &KEY[..KEY.len() - 1],
        &KEY.replace("llmgen", "acme"),
        &KEY.replace("3n6", "3n7"),
    ] {
        assert_eq!(id(bad), None, "{bad}");
    }
}
