//! Contract of every [`ApiKeyRepo`] for key limits and revocations. `api_key_repo_contract!` runs
//! it.

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use std::time::Duration;

use billing_domain::ports::{ApiKeyRepo, InsertOutcome, RevokeOutcome, RotateOutcome};
use billing_domain::{ApiKey, ApiKeyId, StoredApiKey, Timestamp};
use futures_util::future::join_all;

use crate::samples::{key_id, record, records, stored_key, user};

#[doc(hidden)]
#[macro_export]
macro_rules! api_key_lifecycle_contract {
    ($make:path) => {
        $crate::contract_tests!(
            api_key_lifecycle_contract,
            $make,
            [
                a_limit_counts_the_owners_active_keys,
                revoked_and_expired_keys_do_not_count_towards_the_limit,
                a_key_that_expires_now_does_not_count_towards_the_limit,
                without_a_limit_any_number_is_inserted,
                a_limit_of_zero_admits_no_key,
                concurrent_inserts_do_not_exceed_the_limit,
                each_owner_has_a_separate_limit,
                revoke_all_returns_the_ids_oldest_first,
                revoke_all_keeps_other_owners_keys_and_earlier_revocations,
                concurrent_revoke_all_calls_return_each_key_once,
            ]
        );
    };
}

pub(crate) const EPOCH: Timestamp = Timestamp::from_seconds(1_700_000_000);

pub(crate) fn after(seconds: u64) -> Timestamp {
    EPOCH.plus(Duration::from_secs(seconds))
}

fn text(short: &str) -> String {
    format!("{short:0>12}")
}

pub(crate) fn id(short: &str) -> ApiKeyId {
    key_id(&text(short))
}

pub(crate) fn key_at(short: &str, owner: &str, at: Timestamp) -> StoredApiKey {
    stored_key(&text(short), &user(owner), at)
}

pub(crate) fn key(short: &str, owner: &str) -> StoredApiKey {
    key_at(short, owner, EPOCH)
}

pub(crate) async fn insert(repo: &dyn ApiKeyRepo, key: &StoredApiKey) {
    assert_eq!(try_insert(repo, key, None).await, InsertOutcome::Inserted);
}

pub(crate) async fn try_insert(
    repo: &dyn ApiKeyRepo,
    key: &StoredApiKey,
    at_most: Option<u32>,
) -> InsertOutcome {
    repo.insert(key, at_most, record()).await.unwrap()
}

pub(crate) async fn rotate(
    repo: &dyn ApiKeyRepo,
    old: &str,
    successor: &StoredApiKey,
    until: Timestamp,
    at_most: Option<u32>,
) -> RotateOutcome {
    repo.rotate(&id(old), successor, until, at_most, records()).await.unwrap()
}

pub(crate) async fn revoke(repo: &dyn ApiKeyRepo, short: &str, at: Timestamp) -> RevokeOutcome {
    repo.revoke(&id(short), at, record()).await.unwrap()
}

pub(crate) async fn found(repo: &dyn ApiKeyRepo, short: &str) -> ApiKey {
    repo.find(&id(short)).await.unwrap().expect("the key").key
}

pub(crate) async fn active(repo: &dyn ApiKeyRepo, owner: &str, now: Timestamp) -> usize {
    let keys = repo.list(Some(&user(owner))).await.unwrap();
    keys.iter().filter(|key| key.is_active(now)).count()
}

pub async fn a_limit_counts_the_owners_active_keys(repo: &dyn ApiKeyRepo) {
    for short in ["1", "2"] {
        assert_eq!(try_insert(repo, &key(short, "ann"), Some(2)).await, InsertOutcome::Inserted);
    }
    assert_eq!(try_insert(repo, &key("3", "ann"), Some(2)).await, InsertOutcome::TooMany);
    assert!(repo.find(&id("3")).await.unwrap().is_none());
    assert_eq!(try_insert(repo, &key("3", "ann"), Some(3)).await, InsertOutcome::Inserted);
}

pub async fn revoked_and_expired_keys_do_not_count_towards_the_limit(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("1", "ann")).await;
    let mut expiring = key("2", "ann");
    expiring.key.expires_at = Some(after(10));
    insert(repo, &expiring).await;
    assert_eq!(
        try_insert(repo, &key_at("3", "ann", after(9)), Some(2)).await,
        InsertOutcome::TooMany
    );
    assert_eq!(
        try_insert(repo, &key_at("3", "ann", after(11)), Some(2)).await,
        InsertOutcome::Inserted
    );
    assert_eq!(
        try_insert(repo, &key_at("4", "ann", after(11)), Some(2)).await,
        InsertOutcome::TooMany
    );
    assert_eq!(revoke(repo, "1", after(11)).await, RevokeOutcome::Revoked);
    assert_eq!(
        try_insert(repo, &key_at("4", "ann", after(11)), Some(2)).await,
        InsertOutcome::Inserted
    );
}

pub async fn a_key_that_expires_now_does_not_count_towards_the_limit(repo: &dyn ApiKeyRepo) {
    let mut expiring = key("1", "ann");
    expiring.key.expires_at = Some(after(10));
    insert(repo, &expiring).await;
    assert_eq!(
        try_insert(repo, &key_at("2", "ann", after(10)), Some(1)).await,
        InsertOutcome::Inserted
    );
}

pub async fn without_a_limit_any_number_is_inserted(repo: &dyn ApiKeyRepo) {
    for n in 0..30 {
        insert(repo, &key(&n.to_string(), "ann")).await;
    }
    assert_eq!(try_insert(repo, &key("99", "ann"), Some(20)).await, InsertOutcome::TooMany);
}

pub async fn a_limit_of_zero_admits_no_key(repo: &dyn ApiKeyRepo) {
    assert_eq!(try_insert(repo, &key("1", "ann"), Some(0)).await, InsertOutcome::TooMany);
    assert_eq!(repo.list(None).await.unwrap(), []);
}

pub async fn concurrent_inserts_do_not_exceed_the_limit(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("a", "ünï")).await;
    let keys: Vec<_> = (0..16).map(|n| key(&n.to_string(), "ünï")).collect();
    let outcomes = join_all(keys.iter().map(|key| repo.insert(key, Some(4), record()))).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == InsertOutcome::Inserted).count(), 3);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == InsertOutcome::TooMany).count(), 13);
    assert_eq!(active(repo, "ünï", EPOCH).await, 4);
}

pub async fn each_owner_has_a_separate_limit(repo: &dyn ApiKeyRepo) {
    for (short, owner) in [("1", "ann"), ("2", "Ann"), ("3", "ann "), ("4", "bob")] {
        assert_eq!(
            try_insert(repo, &key(short, owner), Some(1)).await,
            InsertOutcome::Inserted,
            "{owner}"
        );
    }
}

pub async fn revoke_all_returns_the_ids_oldest_first(repo: &dyn ApiKeyRepo) {
    for (short, at) in [("c", after(1)), ("b", EPOCH), ("A", after(1)), ("z", EPOCH)] {
        insert(repo, &key_at(short, "ann", at)).await;
    }
    let revoked = repo.revoke_all(&user("ann"), after(5), record()).await.unwrap();
    assert_eq!(revoked, ["b", "z", "A", "c"].map(id));
    assert_eq!(active(repo, "ann", after(5)).await, 0);
    assert_eq!(found(repo, "c").await.revoked_at, Some(after(5)));
    assert_eq!(repo.revoke_all(&user("ann"), after(6), record()).await.unwrap(), []);
    assert_eq!(found(repo, "c").await.revoked_at, Some(after(5)));
}

pub async fn revoke_all_keeps_other_owners_keys_and_earlier_revocations(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("1", "ann")).await;
    insert(repo, &key("2", "ann")).await;
    insert(repo, &key("3", "Ann")).await;
    let mut expired = key("4", "ann");
    expired.key.expires_at = Some(EPOCH);
    insert(repo, &expired).await;
    revoke(repo, "1", after(1)).await;
    assert_eq!(
        repo.revoke_all(&user("ann"), after(2), record()).await.unwrap(),
        ["2", "4"].map(id)
    );
    assert_eq!(found(repo, "1").await.revoked_at, Some(after(1)));
    assert_eq!(found(repo, "3").await.revoked_at, None);
    assert_eq!(repo.revoke_all(&user("unknown"), after(2), record()).await.unwrap(), []);
}

pub async fn concurrent_revoke_all_calls_return_each_key_once(repo: &dyn ApiKeyRepo) {
    for n in 0..20 {
        insert(repo, &key(&n.to_string(), "ann")).await;
    }
    let ann = user("ann");
    let revoked = join_all((0..4).map(|_| repo.revoke_all(&ann, after(1), record()))).await;
    assert_eq!(revoked.into_iter().map(|ids| ids.unwrap().len()).sum::<usize>(), 20);
}
