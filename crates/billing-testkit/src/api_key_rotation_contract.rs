//! Contract of every [`ApiKeyRepo`] for rotations. `api_key_repo_contract!` runs it.

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use billing_domain::ports::{ApiKeyRepo, InsertOutcome, RevokeOutcome, RotateOutcome};
use billing_domain::{ApiKey, StoredApiKey};
use futures_util::future::join_all;
use secrecy::{ExposeSecret, SecretString};

use crate::api_key_lifecycle_contract::{
    EPOCH, active, after, found, id, insert, key, key_at, revoke, rotate, try_insert,
};
use crate::samples::{description, origins, pepper, permissions, record, records, user};

#[doc(hidden)]
#[macro_export]
macro_rules! api_key_rotation_contract {
    ($make:path) => {
        $crate::contract_tests!(
            api_key_rotation_contract,
            $make,
            [
                a_rotated_key_has_a_successor_and_a_revocation_time,
                a_rotation_keeps_the_expiry_and_extends_no_key,
                a_key_is_rotated_once,
                a_rotated_key_counts_towards_the_limit_until_its_revocation,
                rotated_key_can_be_revoked_immediately,
                a_revocation_after_a_rotated_keys_end_changes_nothing,
                an_unknown_key_is_not_rotated,
                a_key_that_ended_is_not_rotated,
                a_successor_whose_id_is_taken_changes_nothing,
                without_a_limit_a_rotation_ignores_other_keys,
                a_rotation_is_possible_at_the_limit_but_not_beyond,
                of_concurrent_rotations_at_the_limit_one_succeeds,
                of_concurrent_rotations_of_one_key_one_succeeds,
                a_concurrent_rotation_and_revocation_leave_no_unreported_key,
            ]
        );
    };
}

pub async fn a_rotated_key_has_a_successor_and_a_revocation_time(repo: &dyn ApiKeyRepo) {
    let mut old = key("1", "ann");
    old.key.description = Some(description("설명"));
    old.key.permissions = permissions(&["a:b"]);
    old.key.return_origins = origins(&["https://a.example.com"]);
    insert(repo, &old).await;
    let mut successor = StoredApiKey {
        key: ApiKey { id: id("2"), created_at: after(5), ..old.key.clone() },
        ..old
    };
    successor.verifier.gate = SecretString::from("ff".repeat(32));
    successor.verifier.pepper = Some(pepper("00000000000000ff"));
    assert_eq!(rotate(repo, "1", &successor, after(60), None).await, RotateOutcome::Rotated);
    assert_eq!(
        found(repo, "1").await,
        ApiKey { revoked_at: Some(after(60)), ..key_like(&successor.key) }
    );
    let kept = repo.find(&id("2")).await.unwrap().expect("the successor");
    assert_eq!(kept.key, successor.key);
    assert_eq!(kept.verifier.gate.expose_secret(), successor.verifier.gate.expose_secret());
    assert_eq!(kept.verifier.pepper, successor.verifier.pepper);
}

/// Returns the key that `successor` replaced.
fn key_like(successor: &ApiKey) -> ApiKey {
    ApiKey { id: id("1"), created_at: EPOCH, ..successor.clone() }
}

pub async fn a_rotation_keeps_the_expiry_and_extends_no_key(repo: &dyn ApiKeyRepo) {
    for (short, expiry, end) in [("1", 30, 30), ("2", 60, 60), ("3", 90, 60)] {
        let mut old = key(short, "ann");
        old.key.expires_at = Some(after(expiry));
        insert(repo, &old).await;
        let successor = key_at(&format!("{short}s"), "ann", after(1));
        assert_eq!(rotate(repo, short, &successor, after(60), None).await, RotateOutcome::Rotated);
        let old = found(repo, short).await;
        assert_eq!((old.expires_at, old.revoked_at), (Some(after(expiry)), Some(after(60))));
        assert!(old.is_active(after(end - 1)) && !old.is_active(after(end)));
        assert_eq!(found(repo, &format!("{short}s")).await, successor.key);
    }
}

pub async fn a_key_is_rotated_once(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("1", "ann")).await;
    let outcome = rotate(repo, "1", &key_at("2", "ann", after(1)), after(60), None).await;
    assert_eq!(outcome, RotateOutcome::Rotated);
    // Before and after its revocation.
    for now in [2, 61] {
        let again = rotate(repo, "1", &key_at("3", "ann", after(now)), after(90), None).await;
        assert_eq!(again, RotateOutcome::NotActive);
    }
    assert_eq!(found(repo, "1").await.revoked_at, Some(after(60)));
    assert!(repo.find(&id("3")).await.unwrap().is_none());
}

pub async fn a_rotated_key_counts_towards_the_limit_until_its_revocation(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("1", "ann")).await;
    rotate(repo, "1", &key_at("2", "ann", after(1)), after(60), None).await;
    assert_eq!(
        try_insert(repo, &key_at("3", "ann", after(59)), Some(2)).await,
        InsertOutcome::TooMany
    );
    assert_eq!(
        try_insert(repo, &key_at("3", "ann", after(60)), Some(2)).await,
        InsertOutcome::Inserted
    );
}

pub async fn rotated_key_can_be_revoked_immediately(repo: &dyn ApiKeyRepo) {
    for (short, owner) in [("1", "ann"), ("2", "bob")] {
        insert(repo, &key(short, owner)).await;
        let successor = key_at(&format!("{short}s"), owner, after(1));
        rotate(repo, short, &successor, after(60), None).await;
    }
    assert_eq!(revoke(repo, "1", after(5)).await, RevokeOutcome::Revoked);
    assert_eq!(revoke(repo, "1", after(5)).await, RevokeOutcome::AlreadyRevoked);
    assert_eq!(
        repo.revoke_all(&user("bob"), after(5), record()).await.unwrap(),
        ["2", "2s"].map(id)
    );
    for short in ["1", "2"] {
        assert_eq!(found(repo, short).await.revoked_at, Some(after(5)));
    }
    assert!(found(repo, "1s").await.is_active(after(5)));
}

pub async fn a_revocation_after_a_rotated_keys_end_changes_nothing(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("1", "ann")).await;
    rotate(repo, "1", &key_at("2", "ann", after(1)), after(60), None).await;
    assert_eq!(revoke(repo, "1", after(61)).await, RevokeOutcome::AlreadyRevoked);
    assert_eq!(repo.revoke_all(&user("ann"), after(61), record()).await.unwrap(), [id("2")]);
    assert_eq!(found(repo, "1").await.revoked_at, Some(after(60)));
}

pub async fn an_unknown_key_is_not_rotated(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("a", "ann")).await;
    assert_eq!(rotate(repo, "A", &key("2", "ann"), after(60), None).await, RotateOutcome::NotFound);
    assert!(repo.find(&id("2")).await.unwrap().is_none());
    assert_eq!(found(repo, "a").await, key("a", "ann").key);
}

pub async fn a_key_that_ended_is_not_rotated(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("1", "ann")).await;
    revoke(repo, "1", after(1)).await;
    let mut expired = key("2", "ann");
    expired.key.expires_at = Some(after(5));
    insert(repo, &expired).await;
    for short in ["1", "2"] {
        let before = found(repo, short).await;
        let outcome = rotate(repo, short, &key_at("s", "ann", after(5)), after(60), None).await;
        assert_eq!(outcome, RotateOutcome::NotActive);
        assert_eq!(found(repo, short).await, before);
        assert!(repo.find(&id("s")).await.unwrap().is_none());
    }
}

pub async fn a_successor_whose_id_is_taken_changes_nothing(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("1", "ann")).await;
    insert(repo, &key("2", "bob")).await;
    for taken in ["1", "2"] {
        let successor = key_at(taken, "ann", after(1));
        assert_eq!(rotate(repo, "1", &successor, after(60), None).await, RotateOutcome::IdTaken);
    }
    assert_eq!(found(repo, "1").await, key("1", "ann").key);
    assert_eq!(found(repo, "2").await, key("2", "bob").key);
}

pub async fn without_a_limit_a_rotation_ignores_other_keys(repo: &dyn ApiKeyRepo) {
    for n in 0..30 {
        insert(repo, &key(&n.to_string(), "ann")).await;
    }
    let outcome = rotate(repo, "1", &key_at("s", "ann", after(1)), after(60), None).await;
    assert_eq!(outcome, RotateOutcome::Rotated);
    assert_eq!(active(repo, "ann", after(1)).await, 31);
}

pub async fn a_rotation_is_possible_at_the_limit_but_not_beyond(repo: &dyn ApiKeyRepo) {
    for (short, owner) in [("1", "ann"), ("2", "ann"), ("3", "bob")] {
        insert(repo, &key(short, owner)).await;
    }
    let (first, second) = (key_at("s1", "ann", after(1)), key_at("s2", "ann", after(1)));
    assert_eq!(rotate(repo, "1", &first, after(60), Some(2)).await, RotateOutcome::Rotated);
    // Three keys are active: the rotated key, its successor and the other key.
    let before = found(repo, "2").await;
    assert_eq!(rotate(repo, "2", &second, after(60), Some(2)).await, RotateOutcome::TooMany);
    assert_eq!(found(repo, "2").await, before);
    assert!(repo.find(&id("s2")).await.unwrap().is_none());
    let later = key_at("s2", "ann", after(60));
    assert_eq!(rotate(repo, "2", &later, after(120), Some(2)).await, RotateOutcome::Rotated);
}

pub async fn of_concurrent_rotations_at_the_limit_one_succeeds(repo: &dyn ApiKeyRepo) {
    for n in 0..4 {
        insert(repo, &key(&n.to_string(), "ann")).await;
    }
    let pairs: Vec<_> =
        (0..4).map(|n| (id(&n.to_string()), key_at(&format!("s{n}"), "ann", after(1)))).collect();
    let outcomes = join_all(
        pairs.iter().map(|(old, new)| repo.rotate(old, new, after(60), Some(4), records())),
    )
    .await;
    let outcomes: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == RotateOutcome::Rotated).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == RotateOutcome::TooMany).count(), 3);
    assert_eq!(active(repo, "ann", after(1)).await, 5);
}

pub async fn of_concurrent_rotations_of_one_key_one_succeeds(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("1", "ann")).await;
    let old = id("1");
    let successors = (0..8).map(|n| key_at(&format!("s{n}"), "ann", after(1))).collect::<Vec<_>>();
    let outcomes = join_all(
        successors.iter().map(|successor| repo.rotate(&old, successor, after(60), None, records())),
    )
    .await;
    let outcomes: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == RotateOutcome::Rotated).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == RotateOutcome::NotActive).count(), 7);
    assert_eq!(found(repo, "1").await.revoked_at, Some(after(60)));
    assert_eq!(active(repo, "ann", after(2)).await, 2);
}

pub async fn a_concurrent_rotation_and_revocation_leave_no_unreported_key(repo: &dyn ApiKeyRepo) {
    for n in 0..8 {
        let (old, new) = (format!("{n}"), format!("s{n}"));
        insert(repo, &key(&old, "ann")).await;
        let old_id = id(&old);
        let successor = key_at(&new, "ann", after(1));
        let (rotated, revoked) = tokio::join!(
            repo.rotate(&old_id, &successor, after(60), None, records()),
            repo.revoke(&old_id, after(1), record())
        );
        assert_eq!(revoked.unwrap(), RevokeOutcome::Revoked);
        assert_eq!(found(repo, &old).await.revoked_at, Some(after(1)));
        let exists = repo.find(&id(&new)).await.unwrap().is_some();
        assert_eq!(exists, rotated.unwrap() == RotateOutcome::Rotated);
    }
}
