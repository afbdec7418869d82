//! The clauses of C6, C7 and C8 that concern a presented key, and the order of the checks.

use std::collections::{BTreeSet, HashSet};
use std::num::NonZeroUsize;
use std::time::Duration;

use billing_domain::{KeyPrefix, Permission};
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinSet;

use super::*;
use crate::testing::{CountingRepo, Desk, Issued, START, limits, settings, with_wrong_secret};
use crate::{OsRandom, PoolLimits};

fn text(issued: &Issued) -> &str {
    issued.text()
}

#[tokio::test]
async fn c7_a_good_key_is_its_owner_with_the_key_s_own_permissions_and_origins() {
    let desk = Desk::new();
    let origins = vec!["https://*.example.com".parse().unwrap()];
    let permissions = BTreeSet::from(["reports:read".parse::<Permission>().unwrap()]);
    let issue = desk.issue_with(|key| {
        key.permissions = permissions.clone();
        key.return_origins = origins.clone();
    });
    let issued = issue.await;
    let principal = desk.present(text(&issued)).await.unwrap();
    let expected = Principal {
        owner: "user-1".parse().unwrap(),
        method: AuthMethod::ApiKey(issued.key.id),
        permissions: Permissions::Only(permissions),
        return_origins: origins,
    };
    assert_eq!(principal, expected);
    assert!(
        !principal.has_permission(&Permission::portal()),
        "C8: a key without the permission is a principal that lacks it"
    );
}

#[tokio::test]
async fn c6_a_mistyped_key_costs_no_lookup() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    let runs = desk.pool.runs();
    let mut mistyped = text(&issued).to_owned();
    let last = if mistyped.pop() == Some('x') { 'y' } else { 'x' };
    mistyped.push(last);
    assert!(desk.refusal(&mistyped).await.contains("checksum"));
    for other in [
        "",
        "llmgen_",
        "llmgen_x0W5whn",
        "a.b.c",
        &text(&issued)[1..],
        &format!("{}0", text(&issued)),
    ] {
        desk.refusal(other).await;
    }
    assert_eq!((desk.reads(), desk.pool.runs()), (0, runs));
}

#[tokio::test]
async fn c7_a_well_formed_key_costs_one_read() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    desk.present(text(&issued)).await.unwrap();
    assert_eq!(desk.reads(), 1);
    desk.refusal(&with_wrong_secret(&desk.issue().await)).await;
    assert_eq!(desk.reads(), 2);
}

#[tokio::test]
async fn c7_argon2_runs_once_for_a_good_key_and_only_after_the_gate() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    assert_eq!(desk.pool.runs(), 1, "issuing hashes once");
    desk.refusal(&with_wrong_secret(&issued)).await;
    assert_eq!(desk.pool.runs(), 1);
    desk.present(text(&issued)).await.unwrap();
    assert_eq!(desk.pool.runs(), 2);
}

#[tokio::test]
async fn c7_a_flood_of_wrong_secrets_runs_argon2_zero_times() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    let wrong = with_wrong_secret(&issued);
    let runs = desk.pool.runs();
    for _ in 0..2_000 {
        desk.refusal(&wrong).await;
    }
    assert_eq!((desk.pool.runs(), desk.reads()), (runs, 1), "nor does each cost a read");
    assert_eq!(desk.keys.authenticator().proofs.count().await, 0, "and none is remembered");
    desk.present(text(&issued)).await.unwrap();
}

#[tokio::test]
async fn c7_unknown_mistyped_revoked_expired_and_wrong_secret_are_alike_but_for_the_log_s_reason() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    let revoked = desk.issue().await;
    let expired = desk.issue().await;
    let elsewhere = Desk::new().issue().await;
    desk.repo.keys.change(&revoked.key.id, |row| {
        row.key.revoked_at = Some(Timestamp::from_millis(START - 1))
    });
    desk.repo
        .keys
        .change(&expired.key.id, |row| row.key.expires_at = Some(Timestamp::from_millis(START)));
    let mistyped = text(&issued).replace("llmgen_", "llmgen_0");
    let cases = [
        ("unknown", text(&elsewhere)),
        ("checksum", &mistyped),
        ("revoked", text(&revoked)),
        ("expired", text(&expired)),
        ("wrong secret", &with_wrong_secret(&issued)),
        ("prefix", "no key at all"),
        ("form", "llmgen_x"),
    ];
    let mut reasons = HashSet::new();
    for (expected, presented) in cases {
        let reason = desk.refusal(presented).await;
        assert!(reason.contains(expected), "{expected}: {reason}");
        reasons.insert(reason);
    }
    assert_eq!(reasons.len(), cases.len());
}

#[tokio::test]
async fn c7_revoked_or_expired_is_judged_after_the_gate_and_before_argon2() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    desk.repo
        .keys
        .change(&issued.key.id, |row| row.key.revoked_at = Some(Timestamp::from_millis(START)));
    let runs = desk.pool.runs();
    assert!(desk.refusal(text(&issued)).await.contains("revoked"));
    assert!(desk.refusal(&with_wrong_secret(&issued)).await.contains("wrong secret"));
    assert_eq!(desk.pool.runs(), runs);
}

#[tokio::test]
async fn c7_a_key_holds_until_the_moment_it_expires() {
    let desk = Desk::new();
    let expires_at = Some(Timestamp::from_millis(START + 1_000));
    let issued = desk.issue_with(|key| key.expires_at = expires_at).await;
    desk.clock.set(Timestamp::from_millis(START + 999));
    desk.present(text(&issued)).await.unwrap();
    desk.clock.set(Timestamp::from_millis(START + 1_000));
    assert!(desk.refusal(text(&issued)).await.contains("expired"));
}

#[tokio::test]
async fn k3_a_rotated_key_holds_until_its_revocation_begins_cached_or_not() {
    let desk = Desk::new();
    let [cached, fresh] = [desk.issue().await, desk.issue().await];
    for issued in [&cached, &fresh] {
        desk.repo.keys.change(&issued.key.id, |row| {
            row.key.revoked_at = Some(Timestamp::from_millis(START + 1_000));
            row.key.expires_at = Some(Timestamp::from_millis(START + 9_000));
        });
    }
    desk.present(text(&cached)).await.unwrap();
    desk.pass(999);
    desk.present(text(&cached)).await.unwrap();
    desk.pass(1);
    assert!(desk.refusal(text(&cached)).await.contains("revoked"));
    assert_eq!(desk.reads(), 1);
    assert!(desk.refusal(text(&fresh)).await.contains("revoked"));
    let expired = desk.issue().await;
    desk.repo.keys.change(&expired.key.id, |row| {
        row.key.revoked_at = Some(Timestamp::from_millis(START + 9_000));
        row.key.expires_at = Some(Timestamp::from_millis(START + 1_000));
    });
    assert!(desk.refusal(text(&expired)).await.contains("expired"));
}

#[tokio::test]
async fn c7_a_revocation_or_a_changed_permission_is_seen_within_seconds_without_any_report() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    assert!(desk.present(text(&issued)).await.unwrap().has_permission(&Permission::portal()));
    desk.repo.keys.change(&issued.key.id, |row| row.key.permissions.clear());
    desk.pass(3_000);
    assert!(!desk.present(text(&issued)).await.unwrap().has_permission(&Permission::portal()));
    desk.repo
        .keys
        .change(&issued.key.id, |row| row.key.revoked_at = Some(Timestamp::from_millis(START)));
    desk.pass(3_000);
    assert!(desk.refusal(text(&issued)).await.contains("revoked"));
    desk.repo.keys.remove(&issued.key.id);
    desk.pass(3_000);
    assert!(desk.refusal(text(&issued)).await.contains("unknown"));
    assert_eq!(desk.pool.runs(), 2, "issuing, and one proof");
}

#[tokio::test]
async fn c7_keys_outlive_the_rotation_of_the_pepper() {
    let before = Desk::new();
    let first = before.issue().await;
    let during = Desk::over(&before.repo, "qp");
    let second = during.issue().await;
    let first_verifier = during.repo.keys.stored(&first.key.id).verifier;
    during.present(text(&first)).await.unwrap();
    drop(during.tasks);
    during.repo.keys.change(&first.key.id, |row| row.verifier = first_verifier);
    let after = Desk::over(&before.repo, "q");
    after.present(text(&second)).await.unwrap();
    assert!(after.refusal(text(&first)).await.contains("a pepper that is not configured"));
    let rolled_back = Desk::over(&before.repo, "p");
    assert!(rolled_back.refusal(text(&second)).await.contains("a pepper that is not configured"));
}

#[tokio::test]
async fn c7_a_row_whose_proof_was_copied_from_another_key_admits_nobody() {
    let desk = Desk::new();
    let (own, other) = (desk.issue().await, desk.issue().await);
    let verifier = desk.repo.keys.stored(&own.key.id).verifier;
    desk.repo.keys.change(&other.key.id, |row| row.verifier = verifier.clone());
    let secret = text(&own).rsplit_once('_').unwrap().1;
    let forged = crate::key_text::compose(
        &KeyPrefix::default(),
        &other.key.id,
        &SecretString::from(secret[..secret.len() - 6].to_owned()),
    );
    assert!(desk.refusal(forged.expose_secret()).await.contains("wrong secret"));
}

#[tokio::test]
async fn c7_a_hash_that_does_not_belong_to_its_gate_is_refused() {
    let desk = Desk::new();
    let (own, other) = (desk.issue().await, desk.issue().await);
    let hash = desk.repo.keys.stored(&other.key.id).verifier.hash;
    desk.repo.keys.change(&own.key.id, |row| row.verifier.hash = hash);
    assert!(desk.refusal(text(&own)).await.contains("not its hash"));
}

#[tokio::test]
async fn a_row_that_cannot_be_used_names_its_table_and_column() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    let good = desk.repo.keys.stored(&issued.key.id).verifier;
    let greedy = good.hash.expose_secret().replace("m=19456", "m=4194304");
    for (bad, hash, gate, expected) in [
        ("hash", "plain", good.gate.expose_secret(), "secret_hash"),
        ("greedy", &greedy, good.gate.expose_secret(), "secret_hash"),
        ("gate", good.hash.expose_secret(), "plain", "secret_gate"),
    ] {
        desk.repo.keys.change(&issued.key.id, |row| {
            row.verifier.hash = SecretString::from(hash);
            row.verifier.gate = SecretString::from(gate);
        });
        desk.pass(3_000);
        match desk.present(text(&issued)).await {
            Err(AuthError::Store(RepoError::Corrupt { table: "api_keys", column, reason })) => {
                assert_eq!(column, expected, "{bad}");
                assert!(!reason.contains("plain") && !reason.contains("4194304"), "{reason}");
            }
            other => panic!("{bad}: {other:?}"),
        }
    }
    assert_eq!(desk.pool.runs(), 1, "none of them cost a run");
}

#[tokio::test]
async fn a_store_that_is_down_is_no_wrong_key() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    desk.repo.reachability.go_down();
    let error = desk.present(text(&issued)).await.unwrap_err();
    assert!(matches!(error, AuthError::Store(RepoError::Unavailable(_))) && error.is_transient());
}

#[tokio::test]
async fn c7_64_different_good_keys_at_once_are_all_accepted() {
    let desk = Arc::new(Desk::new());
    let mut issuing = JoinSet::new();
    for _ in 0..64 {
        let desk = Arc::clone(&desk);
        issuing.spawn(async move { desk.issue().await });
    }
    let issued = issuing.join_all().await;
    let mut presenting = JoinSet::new();
    for key in issued {
        let desk = Arc::clone(&desk);
        presenting.spawn(async move { desk.present(text(&key)).await.is_ok() });
    }
    assert_eq!(presenting.join_all().await, [true; 64]);
    assert_eq!((desk.repo.keys.count(), desk.pool.runs()), (64, 128));
}

#[tokio::test]
async fn a_pool_without_room_is_overloaded_and_not_invalid() {
    let repo = Arc::<CountingRepo>::default();
    let issued = Desk::over(&repo, "p").issue().await;
    let none = PoolLimits { threads: NonZeroUsize::MIN, queue: 0, ..limits() };
    let full = Desk::with(&settings("p"), repo, Arc::new(OsRandom), none);
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
async fn no_reason_and_no_debug_shows_a_secret() {
    let desk = Desk::new();
    let issued = desk.issue().await;
    let secret = text(&issued).rsplit_once('_').unwrap().1;
    let shown = format!(
        "{:?} {:?} {} {}",
        desk.keys,
        issued,
        desk.refusal(&with_wrong_secret(&issued)).await,
        desk.refusal(&text(&issued)[1..]).await,
    );
    desk.present(text(&issued)).await.unwrap();
    let shown = format!("{shown} {:?}", desk.keys);
    assert!(
        !shown.contains(secret) && !shown.contains("wwww") && !shown.contains("pppp"),
        "{shown}"
    );
    assert!(!shown.contains(desk.repo.keys.stored(&issued.key.id).verifier.gate.expose_secret()));
}

#[tokio::test]
async fn c6_presented_key_id_needs_a_valid_form_and_checksum() {
    let desk = Desk::new();
    let id = |text: &str| {
        let id = desk.keys.authenticator().presented_key_id(&Credential::new(text));
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
