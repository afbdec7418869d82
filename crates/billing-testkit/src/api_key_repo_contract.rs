//! Contract of every [`ApiKeyRepo`].

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use billing_domain::ports::{ApiKeyRepo, InsertOutcome, RevokeOutcome};
use billing_domain::{KeyDescription, StoredApiKey, Timestamp};
use futures_util::future::join_all;
use secrecy::{ExposeSecret, SecretString};

use crate::samples::{description, key_id, origins, pepper, permissions, record, stored_key, user};

/// Runs every case against a new, empty repo: `api_key_repo_contract!(make)`. `make` is an async
/// function that returns an `Arc<dyn ApiKeyRepo>` and the resources to keep alive.
#[macro_export]
macro_rules! api_key_repo_contract {
    ($make:path) => {
        $crate::contract_tests!(
            api_key_repo_contract,
            $make,
            [
                an_unknown_key_is_not_found,
                a_found_key_equals_the_inserted_one,
                a_key_may_have_no_permissions,
                permissions_and_return_origins_are_stored,
                a_verifier_is_stored_exactly,
                inserting_a_taken_id_is_refused_and_changes_nothing,
                ids_are_case_sensitive,
                names_are_stored_exactly,
                descriptions_are_stored_exactly,
                text_with_sql_is_stored_exactly,
                values_of_maximum_length_are_stored,
                timestamps_keep_their_milliseconds,
                keys_are_listed_oldest_first_then_by_id,
                a_user_s_list_has_no_keys_of_other_users,
                a_user_s_list_has_the_newest_thousand_keys,
                revoked_and_expired_keys_are_listed_and_found,
                a_revoked_key_has_the_time_of_its_revocation,
                the_earliest_revocation_is_kept,
                revoking_an_unknown_key_is_not_found,
                revoking_one_key_keeps_the_others,
                one_of_many_concurrent_inserts_of_one_id_succeeds,
                one_of_many_concurrent_revocations_succeeds,
                earliest_of_many_concurrent_revocations_is_kept,
            ]
        );
        $crate::api_key_lifecycle_contract!($make);
        $crate::api_key_rotation_contract!($make);
    };
}

const EPOCH: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// Key ids have 12 characters or more.
fn id(short: &str) -> String {
    format!("{short:0>12}")
}

fn key(short: &str, owner: &str) -> StoredApiKey {
    stored_key(&id(short), &user(owner), EPOCH)
}

async fn insert(repo: &dyn ApiKeyRepo, key: &StoredApiKey) {
    assert_eq!(repo.insert(key, None, record()).await.unwrap(), InsertOutcome::Inserted);
}

async fn found(repo: &dyn ApiKeyRepo, short: &str) -> StoredApiKey {
    repo.find(&key_id(&id(short))).await.unwrap().expect("the key")
}

async fn listed(repo: &dyn ApiKeyRepo, owner: Option<&str>) -> Vec<String> {
    let owner = owner.map(user);
    repo.list(owner.as_ref()).await.unwrap().into_iter().map(|key| key.id.to_string()).collect()
}

/// Inserts a key and asserts that the stored key is equal.
async fn assert_round_trip(repo: &dyn ApiKeyRepo, key: &StoredApiKey) {
    insert(repo, key).await;
    let back = repo.find(&key.key.id).await.unwrap().expect("the key");
    assert_eq!(back.key, key.key);
    assert_eq!(back.verifier.pepper, key.verifier.pepper);
    assert_eq!(back.verifier.gate.expose_secret(), key.verifier.gate.expose_secret());
    assert_eq!(back.verifier.hash.expose_secret(), key.verifier.hash.expose_secret());
}

pub async fn an_unknown_key_is_not_found(repo: &dyn ApiKeyRepo) {
    assert!(repo.find(&key_id(&id("a"))).await.unwrap().is_none());
    assert_eq!(repo.list(None).await.unwrap(), []);
    assert_eq!(repo.list(Some(&user("ann"))).await.unwrap(), []);
}

pub async fn a_found_key_equals_the_inserted_one(repo: &dyn ApiKeyRepo) {
    let mut full = key("a", "ann");
    full.key.expires_at = Some(Timestamp::from_seconds(1_800_000_000));
    full.key.revoked_at = Some(Timestamp::from_seconds(1_750_000_000));
    full.key.last_used_at = Some(Timestamp::from_millis(1_740_000_000_001));
    full.key.description = Some(description("for the nightly report"));
    full.verifier.pepper = Some(pepper("0123456789abcdef"));
    assert_round_trip(repo, &full).await;
    assert_round_trip(repo, &key("b", "ann")).await;
}

pub async fn a_key_may_have_no_permissions(repo: &dyn ApiKeyRepo) {
    let mut bare = key("a", "ann");
    bare.key.permissions.clear();
    assert_round_trip(repo, &bare).await;
}

pub async fn permissions_and_return_origins_are_stored(repo: &dyn ApiKeyRepo) {
    let mut rich = key("a", "ann");
    rich.key.permissions =
        permissions(&["subscriptions:portal", "reports.v2:read_all", "A:B", "not-yet:known"]);
    // The store keeps the owner's order and duplicates.
    rich.key.return_origins = origins(&[
        "https://z.example.com",
        "https://*.example.com:8443",
        "http://localhost:3000",
        "http://[::1]:9",
        "*",
        "https://a.example.com",
        "https://z.example.com",
    ]);
    assert_round_trip(repo, &rich).await;
    assert_eq!(repo.list(None).await.unwrap(), [rich.key]);
}

pub async fn a_verifier_is_stored_exactly(repo: &dyn ApiKeyRepo) {
    let mut odd = key("a", "ann");
    odd.verifier.gate = SecretString::from("f0".repeat(32));
    odd.verifier.hash =
        SecretString::from(format!("$argon2id$v=19$m=65536,t=3,p=4${}", "A+/b".repeat(64)));
    assert_round_trip(repo, &odd).await;
}

pub async fn inserting_a_taken_id_is_refused_and_changes_nothing(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("a", "ann")).await;
    let mut second = key("a", "bob");
    second.verifier.gate = SecretString::from("ff".repeat(32));
    assert_eq!(repo.insert(&second, None, record()).await.unwrap(), InsertOutcome::IdTaken);
    let kept = found(repo, "a").await;
    assert_eq!(kept.key.owner, user("ann"));
    assert_eq!(kept.verifier.gate.expose_secret(), key("a", "ann").verifier.gate.expose_secret());
    assert_eq!(listed(repo, None).await, [id("a")]);
}

pub async fn ids_are_case_sensitive(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("a", "ann")).await;
    insert(repo, &key("A", "bob")).await;
    assert_eq!(found(repo, "a").await.key.owner, user("ann"));
    assert_eq!(found(repo, "A").await.key.owner, user("bob"));
}

pub async fn names_are_stored_exactly(repo: &dyn ApiKeyRepo) {
    for (n, name) in ["빌링 키", "ключ №1", " spaces ", "👩‍💻", "e\u{301}", "\\n %s {} '\""]
        .into_iter()
        .enumerate()
    {
        let mut named = key(&n.to_string(), "ünï");
        named.key.name = name.parse().unwrap();
        assert_round_trip(repo, &named).await;
    }
}

pub async fn descriptions_are_stored_exactly(repo: &dyn ApiKeyRepo) {
    let long = "🦀".repeat(500);
    for (n, text) in ["빌링 키\n둘째 줄", " ", "'; DROP TABLE api_keys; --", "e\u{301}", &long]
        .into_iter()
        .enumerate()
    {
        let mut described = key(&n.to_string(), "ann");
        described.key.description = Some(description(text));
        assert_round_trip(repo, &described).await;
    }
    let texts: Vec<_> =
        repo.list(None).await.unwrap().into_iter().filter_map(|key| key.description).collect();
    assert_eq!(texts.last().map(KeyDescription::as_str), Some(long.as_str()));
}

pub async fn text_with_sql_is_stored_exactly(repo: &dyn ApiKeyRepo) {
    let hostile = ["'; DROP TABLE api_keys; --", "' OR '1'='1", "$1", "?1", "NULL"];
    for (n, text) in hostile.into_iter().enumerate() {
        let mut named = key(&n.to_string(), text);
        named.key.name = text.parse().unwrap();
        assert_round_trip(repo, &named).await;
        assert_eq!(listed(repo, Some(text)).await, [id(&n.to_string())]);
    }
    assert_eq!(listed(repo, None).await.len(), hostile.len());
}

pub async fn values_of_maximum_length_are_stored(repo: &dyn ApiKeyRepo) {
    let owner = "🦀".repeat(255);
    let mut long = stored_key(&"k".repeat(64), &user(&owner), EPOCH);
    long.key.name = "🦀".repeat(100).parse().unwrap();
    long.key.permissions =
        (0..50).map(|n| format!("area{n}:{}", "p".repeat(90)).parse().unwrap()).collect();
    long.key.return_origins = (0..50)
        .map(|n| format!("https://{}{n}.example.com", "h".repeat(60)).parse().unwrap())
        .collect();
    assert_round_trip(repo, &long).await;
    assert_eq!(listed(repo, Some(&owner)).await, ["k".repeat(64)]);
}

pub async fn timestamps_keep_their_milliseconds(repo: &dyn ApiKeyRepo) {
    for (n, millis) in
        [0, -1, 1, 1_700_000_000_123, i64::from(i32::MAX) + 1, 253_402_300_799_999, i64::MAX]
            .into_iter()
            .enumerate()
    {
        let moment = Timestamp::from_millis(millis);
        let mut timed = stored_key(&id(&n.to_string()), &user("ann"), moment);
        timed.key.expires_at = Some(moment);
        assert_round_trip(repo, &timed).await;
    }
}

pub async fn keys_are_listed_oldest_first_then_by_id(repo: &dyn ApiKeyRepo) {
    let later = Timestamp::from_millis(EPOCH.as_millis() + 1);
    for (short, at) in
        [("c", EPOCH), ("Z", later), ("0", later), ("B", EPOCH), ("a", EPOCH), ("b", later)]
    {
        insert(repo, &stored_key(&id(short), &user("ann"), at)).await;
    }
    // Sorted by code point, upper case first, independent of the database's collation.
    let expected = ["B", "a", "c", "0", "Z", "b"].map(id);
    assert_eq!(listed(repo, None).await, expected);
    assert_eq!(listed(repo, Some("ann")).await, expected);
}

pub async fn a_user_s_list_has_no_keys_of_other_users(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("1", "ann")).await;
    insert(repo, &key("2", "Ann")).await;
    insert(repo, &key("3", "ann")).await;
    assert_eq!(listed(repo, Some("ann")).await, [id("1"), id("3")]);
    assert_eq!(listed(repo, Some("Ann")).await, [id("2")]);
    assert_eq!(listed(repo, Some("unknown")).await, [""; 0]);
    assert_eq!(listed(repo, None).await.len(), 3);
}

pub async fn a_user_s_list_has_the_newest_thousand_keys(repo: &dyn ApiKeyRepo) {
    let at = |n: i64| Timestamp::from_millis(EPOCH.as_millis() + n);
    let keys: Vec<_> =
        (0..1002).map(|n| stored_key(&id(&n.to_string()), &user("ann"), at(n))).collect();
    // In small batches: a call that waits too long for a connection fails.
    for chunk in keys.chunks(8) {
        join_all(chunk.iter().map(|key| insert(repo, key))).await;
    }
    let all: Vec<_> = keys.iter().map(|key| key.key.id.to_string()).collect();
    assert_eq!(listed(repo, Some("ann")).await, all[2..]);
    assert_eq!(listed(repo, None).await, all);
}

pub async fn revoked_and_expired_keys_are_listed_and_found(repo: &dyn ApiKeyRepo) {
    let mut expired = key("1", "ann");
    expired.key.expires_at = Some(Timestamp::from_millis(0));
    insert(repo, &expired).await;
    insert(repo, &key("2", "ann")).await;
    repo.revoke(&key_id(&id("2")), EPOCH, record()).await.unwrap();
    assert_eq!(listed(repo, Some("ann")).await, [id("1"), id("2")]);
    assert!(!found(repo, "1").await.key.is_active(EPOCH));
    assert!(!found(repo, "2").await.key.is_active(EPOCH));
}

pub async fn a_revoked_key_has_the_time_of_its_revocation(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("a", "ann")).await;
    let at = Timestamp::from_millis(EPOCH.as_millis() + 77);
    assert_eq!(repo.revoke(&key_id(&id("a")), at, record()).await.unwrap(), RevokeOutcome::Revoked);
    let mut expected = key("a", "ann").key;
    expected.revoked_at = Some(at);
    assert_eq!(found(repo, "a").await.key, expected);
}

pub async fn the_earliest_revocation_is_kept(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("a", "ann")).await;
    let first = Timestamp::from_seconds(100);
    repo.revoke(&key_id(&id("a")), first, record()).await.unwrap();
    for again in [first, Timestamp::from_seconds(101)] {
        assert_eq!(
            repo.revoke(&key_id(&id("a")), again, record()).await.unwrap(),
            RevokeOutcome::AlreadyRevoked
        );
        assert_eq!(found(repo, "a").await.key.revoked_at, Some(first));
    }
    let earlier = Timestamp::from_seconds(99);
    assert_eq!(
        repo.revoke(&key_id(&id("a")), earlier, record()).await.unwrap(),
        RevokeOutcome::Revoked
    );
    assert_eq!(found(repo, "a").await.key.revoked_at, Some(earlier));
}

pub async fn revoking_an_unknown_key_is_not_found(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("a", "ann")).await;
    assert_eq!(
        repo.revoke(&key_id(&id("A")), EPOCH, record()).await.unwrap(),
        RevokeOutcome::NotFound
    );
    assert_eq!(found(repo, "a").await.key.revoked_at, None);
}

pub async fn revoking_one_key_keeps_the_others(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("1", "ann")).await;
    insert(repo, &key("2", "ann")).await;
    repo.revoke(&key_id(&id("1")), EPOCH, record()).await.unwrap();
    assert_eq!(found(repo, "2").await.key, key("2", "ann").key);
}

pub async fn one_of_many_concurrent_inserts_of_one_id_succeeds(repo: &dyn ApiKeyRepo) {
    let keys: Vec<StoredApiKey> = (0..16).map(|n| key("a", &format!("user{n}"))).collect();
    let outcomes = join_all(keys.iter().map(|key| repo.insert(key, None, record()))).await;
    let winners: Vec<_> = keys
        .iter()
        .zip(outcomes)
        .filter(|(_, outcome)| *outcome.as_ref().unwrap() == InsertOutcome::Inserted)
        .collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(found(repo, "a").await.key, winners[0].0.key);
}

pub async fn one_of_many_concurrent_revocations_succeeds(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("a", "ann")).await;
    let id = key_id(&id("a"));
    let outcomes = join_all((0..16).map(|_| repo.revoke(&id, EPOCH, record()))).await;
    let counted = outcomes
        .into_iter()
        .map(Result::unwrap)
        .filter(|outcome| *outcome == RevokeOutcome::Revoked);
    assert_eq!(counted.count(), 1);
    assert_eq!(found(repo, "a").await.key.revoked_at, Some(EPOCH));
}

pub async fn earliest_of_many_concurrent_revocations_is_kept(repo: &dyn ApiKeyRepo) {
    insert(repo, &key("a", "ann")).await;
    let id = key_id(&id("a"));
    for outcome in
        join_all((0..16).rev().map(|at| repo.revoke(&id, Timestamp::from_seconds(at), record())))
            .await
    {
        outcome.unwrap();
    }
    assert_eq!(found(repo, "a").await.key.revoked_at, Some(Timestamp::from_seconds(0)));
}
