//! Contract of every [`ApiKeyUsage`].

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::{ApiKeyRepo, ApiKeyUsage, InsertOutcome, KeyChange};
use billing_domain::{ApiKeyId, KeyVerifier, PepperId, StoredApiKey, Timestamp};
use futures_util::future::join_all;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use crate::samples::{key_id, pepper, record, records, stored_key, user};

/// An empty database with the ports of two replicas.
#[derive(Debug)]
pub struct ApiKeyPorts {
    /// The repo to insert keys.
    pub keys: Arc<dyn ApiKeyRepo>,
    /// The port under test.
    pub usage: Arc<dyn ApiKeyUsage>,
    /// The same port of another replica, with separate connections.
    pub other_replica: Arc<dyn ApiKeyUsage>,
}

/// Runs every case against a new database: `api_key_usage_contract!(make)`. `make` is an async
/// function that returns an `Arc<ApiKeyPorts>` and the resources to keep alive.
#[macro_export]
macro_rules! api_key_usage_contract {
    ($make:path) => {
        $crate::contract_tests!(
            api_key_usage_contract,
            $make,
            [
                a_key_is_unused_until_it_is_used,
                an_earlier_use_changes_nothing,
                a_batch_with_several_uses_stores_the_latest,
                uses_of_unknown_keys_change_nothing,
                an_empty_batch_is_allowed,
                a_large_batch_is_recorded,
                concurrent_batches_store_the_latest_use,
                a_verifier_is_replaced,
                a_changed_verifier_is_not_replaced,
                an_unknown_key_has_no_verifier_to_replace,
                one_of_many_concurrent_replacements_succeeds,
                active_keys_are_counted_by_pepper,
                the_first_notification_reports_an_unknown_change,
                a_new_key_is_reported,
                a_revoked_key_is_reported,
                both_keys_of_a_rotation_are_reported,
                all_keys_of_a_revoke_all_are_reported,
                a_new_verifier_is_reported,
                changes_between_two_calls_are_reported_by_the_second,
                every_replica_is_notified_of_a_change,
                a_cancelled_call_loses_no_notification,
                a_use_is_not_reported_as_a_change,
            ]
        );
    };
}

const EPOCH: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// Time limit for a notification. The contract allows 5 s; the rest is for a busy machine.
const NOTIFICATION_TIMEOUT: Duration = Duration::from_secs(30);

fn after(seconds: u64) -> Timestamp {
    EPOCH.plus(Duration::from_secs(seconds))
}

fn text(short: &str) -> String {
    format!("{short:0>12}")
}

fn id(short: &str) -> ApiKeyId {
    key_id(&text(short))
}

fn key(short: &str) -> StoredApiKey {
    stored_key(&text(short), &user("ann"), EPOCH)
}

async fn insert(ports: &ApiKeyPorts, key: &StoredApiKey) {
    assert_eq!(ports.keys.insert(key, None, record()).await.unwrap(), InsertOutcome::Inserted);
}

async fn found(ports: &ApiKeyPorts, short: &str) -> StoredApiKey {
    ports.keys.find(&id(short)).await.unwrap().expect("the key")
}

async fn last_used(ports: &ApiKeyPorts, short: &str) -> Option<Timestamp> {
    found(ports, short).await.key.last_used_at
}

fn verifier(pepper_id: Option<&str>, byte: &str) -> KeyVerifier {
    KeyVerifier {
        pepper: pepper_id.map(pepper),
        gate: SecretString::from(byte.repeat(32)),
        hash: SecretString::from(format!("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ${byte}")),
    }
}

fn is(verifier: &KeyVerifier, other: &KeyVerifier) -> bool {
    verifier.pepper == other.pepper
        && verifier.gate.expose_secret() == other.gate.expose_secret()
        && verifier.hash.expose_secret() == other.hash.expose_secret()
}

async fn next_change(usage: &dyn ApiKeyUsage) -> KeyChange {
    timeout(NOTIFICATION_TIMEOUT, usage.next_change())
        .await
        .expect("a notification in time")
        .unwrap()
}

/// Starts to listen. Later notifications are about changes of the case.
async fn listen(usage: &dyn ApiKeyUsage) {
    assert_eq!(next_change(usage).await, KeyChange::Unknown);
}

/// Waits until each key was reported as changed, by its id or by an unknown change.
async fn assert_notified(usage: &dyn ApiKeyUsage, keys: &[&str]) {
    let mut missing: BTreeSet<_> = keys.iter().map(|short| id(short)).collect();
    while !missing.is_empty() {
        match next_change(usage).await {
            KeyChange::Unknown => return,
            KeyChange::Key(changed) => {
                missing.remove(&changed);
            }
        }
    }
}

pub async fn a_key_is_unused_until_it_is_used(ports: &ApiKeyPorts) {
    insert(ports, &key("1")).await;
    insert(ports, &key("2")).await;
    assert_eq!(last_used(ports, "1").await, None);
    let moment = Timestamp::from_millis(EPOCH.as_millis() + 1234);
    ports.usage.record_use(&[(id("1"), moment)]).await.unwrap();
    assert_eq!(last_used(ports, "1").await, Some(moment));
    assert_eq!(last_used(ports, "2").await, None);
    let listed = ports.keys.list(None).await.unwrap();
    assert_eq!(listed.iter().map(|key| key.last_used_at).collect::<Vec<_>>(), [Some(moment), None]);
}

pub async fn an_earlier_use_changes_nothing(ports: &ApiKeyPorts) {
    insert(ports, &key("1")).await;
    for (seconds, expected) in [(10, 10), (5, 10), (10, 10), (11, 11)] {
        ports.usage.record_use(&[(id("1"), after(seconds))]).await.unwrap();
        assert_eq!(last_used(ports, "1").await, Some(after(expected)));
    }
}

pub async fn a_batch_with_several_uses_stores_the_latest(ports: &ApiKeyPorts) {
    insert(ports, &key("1")).await;
    insert(ports, &key("2")).await;
    let uses = [("1", 5), ("2", 1), ("1", 9), ("1", 7)].map(|(short, at)| (id(short), after(at)));
    ports.usage.record_use(&uses).await.unwrap();
    assert_eq!(last_used(ports, "1").await, Some(after(9)));
    assert_eq!(last_used(ports, "2").await, Some(after(1)));
}

pub async fn uses_of_unknown_keys_change_nothing(ports: &ApiKeyPorts) {
    insert(ports, &key("a")).await;
    ports
        .usage
        .record_use(&[(id("A"), after(1)), (id("a"), after(2)), (id("9"), after(3))])
        .await
        .unwrap();
    assert_eq!(last_used(ports, "a").await, Some(after(2)));
    assert_eq!(ports.keys.list(None).await.unwrap().len(), 1);
}

pub async fn an_empty_batch_is_allowed(ports: &ApiKeyPorts) {
    ports.usage.record_use(&[]).await.unwrap();
}

pub async fn a_large_batch_is_recorded(ports: &ApiKeyPorts) {
    for n in 0..50 {
        insert(ports, &key(&n.to_string())).await;
    }
    let uses: Vec<_> = (0..5000).map(|n| (id(&n.to_string()), after(n))).collect();
    ports.usage.record_use(&uses).await.unwrap();
    for n in [0, 7, 49] {
        assert_eq!(last_used(ports, &n.to_string()).await, Some(after(n)));
    }
}

pub async fn concurrent_batches_store_the_latest_use(ports: &ApiKeyPorts) {
    for n in 0..10 {
        insert(ports, &key(&n.to_string())).await;
    }
    // Each batch has the keys in a different order.
    let batch = |turn: u64| {
        (0..10).map(move |n| (id(&((n + turn) % 10).to_string()), after(turn))).collect::<Vec<_>>()
    };
    let batches: Vec<_> = (0..10).map(batch).collect();
    let replicas = [&ports.usage, &ports.other_replica];
    let recording = batches.iter().enumerate().map(|(n, uses)| replicas[n % 2].record_use(uses));
    for done in join_all(recording).await {
        done.unwrap();
    }
    for n in 0..10 {
        assert_eq!(last_used(ports, &n.to_string()).await, Some(after(9)));
    }
}

pub async fn a_verifier_is_replaced(ports: &ApiKeyPorts) {
    insert(ports, &key("1")).await;
    insert(ports, &key("2")).await;
    let old = key("1").verifier;
    let new = verifier(Some("00000000000000aa"), "aa");
    assert!(ports.usage.replace_verifier(&id("1"), &old, &new).await.unwrap());
    let kept = found(ports, "1").await;
    assert!(is(&kept.verifier, &new));
    assert_eq!(kept.key, key("1").key);
    assert!(is(&found(ports, "2").await.verifier, &old));
    let next = verifier(None, "bb");
    assert!(ports.usage.replace_verifier(&id("1"), &new, &next).await.unwrap());
    assert!(is(&found(ports, "1").await.verifier, &next));
}

pub async fn a_changed_verifier_is_not_replaced(ports: &ApiKeyPorts) {
    insert(ports, &key("1")).await;
    let stored = key("1").verifier;
    let new = verifier(None, "aa");
    let other_gate = KeyVerifier { gate: SecretString::from("bb".repeat(32)), ..stored.clone() };
    let other_hash = KeyVerifier { hash: SecretString::from("$argon2id$other"), ..stored.clone() };
    for old in [new.clone(), other_gate, other_hash] {
        assert!(!ports.usage.replace_verifier(&id("1"), &old, &new).await.unwrap());
        assert!(is(&found(ports, "1").await.verifier, &stored));
    }
}

pub async fn an_unknown_key_has_no_verifier_to_replace(ports: &ApiKeyPorts) {
    insert(ports, &key("a")).await;
    let stored = key("a").verifier;
    assert!(!ports.usage.replace_verifier(&id("A"), &stored, &verifier(None, "aa")).await.unwrap());
    assert!(is(&found(ports, "a").await.verifier, &stored));
}

pub async fn one_of_many_concurrent_replacements_succeeds(ports: &ApiKeyPorts) {
    insert(ports, &key("1")).await;
    let one = id("1");
    let old = key("1").verifier;
    let new: Vec<_> = (10..26).map(|n| verifier(None, &n.to_string())).collect();
    let replacing = new.iter().map(|new| ports.usage.replace_verifier(&one, &old, new));
    let outcomes = join_all(replacing).await;
    let winners: Vec<_> =
        new.iter().zip(outcomes).filter(|(_, won)| *won.as_ref().unwrap()).collect();
    assert_eq!(winners.len(), 1);
    assert!(is(&found(ports, "1").await.verifier, winners[0].0));
}

pub async fn active_keys_are_counted_by_pepper(ports: &ApiKeyPorts) {
    assert_eq!(ports.usage.count_by_pepper(EPOCH).await.unwrap(), []);
    let (a, b) = ("00000000000000aa", "00000000000000bb");
    for (n, (pepper_id, expiry)) in [
        (Some(b), None),
        (None, None),
        (Some(a), None),
        (Some(b), Some(11)),
        (Some(a), Some(10)),
        (Some(a), None),
    ]
    .into_iter()
    .enumerate()
    {
        let mut one = key(&n.to_string());
        one.verifier.pepper = pepper_id.map(pepper);
        one.key.expires_at = expiry.map(after);
        insert(ports, &one).await;
    }
    ports.keys.revoke(&id("5"), EPOCH, record()).await.unwrap();
    // Revoked from a future time on.
    ports.keys.revoke(&id("1"), after(12), record()).await.unwrap();
    let counted = |counts: Vec<(Option<PepperId>, u64)>| {
        let mut counts: Vec<_> = counts
            .into_iter()
            .map(|(id, count)| (id.map(|id| id.as_str().to_owned()), count))
            .collect();
        counts.sort();
        counts
    };
    let (a, b) = (Some(a.to_owned()), Some(b.to_owned()));
    let at = |seconds| ports.usage.count_by_pepper(after(seconds));
    assert_eq!(counted(at(9).await.unwrap()), [(None, 1), (a.clone(), 2), (b.clone(), 2)]);
    // A key that expires at this time is not active.
    assert_eq!(counted(at(10).await.unwrap()), [(None, 1), (a.clone(), 1), (b.clone(), 2)]);
    assert_eq!(counted(at(11).await.unwrap()), [(None, 1), (a.clone(), 1), (b.clone(), 1)]);
    assert_eq!(counted(at(12).await.unwrap()), [(a, 1), (b, 1)]);
}

/// A new listener may have missed changes.
pub async fn the_first_notification_reports_an_unknown_change(ports: &ApiKeyPorts) {
    assert_eq!(next_change(&*ports.usage).await, KeyChange::Unknown);
    assert_eq!(next_change(&*ports.other_replica).await, KeyChange::Unknown);
}

pub async fn a_new_key_is_reported(ports: &ApiKeyPorts) {
    listen(&*ports.usage).await;
    let notified = assert_notified(&*ports.usage, &["1"]);
    let new = key("1");
    tokio::join!(notified, insert(ports, &new));
    insert(ports, &key("2")).await;
    assert_notified(&*ports.usage, &["2"]).await;
}

pub async fn a_revoked_key_is_reported(ports: &ApiKeyPorts) {
    insert(ports, &key("1")).await;
    listen(&*ports.usage).await;
    ports.keys.revoke(&id("1"), EPOCH, record()).await.unwrap();
    assert_notified(&*ports.usage, &["1"]).await;
}

pub async fn both_keys_of_a_rotation_are_reported(ports: &ApiKeyPorts) {
    insert(ports, &key("1")).await;
    listen(&*ports.usage).await;
    ports.keys.rotate(&id("1"), &key("2"), after(60), None, records()).await.unwrap();
    assert_notified(&*ports.usage, &["1", "2"]).await;
}

pub async fn all_keys_of_a_revoke_all_are_reported(ports: &ApiKeyPorts) {
    for short in ["1", "2", "3"] {
        insert(ports, &key(short)).await;
    }
    listen(&*ports.usage).await;
    ports.keys.revoke_all(&user("ann"), EPOCH, record()).await.unwrap();
    assert_notified(&*ports.usage, &["1", "2", "3"]).await;
}

pub async fn a_new_verifier_is_reported(ports: &ApiKeyPorts) {
    insert(ports, &key("1")).await;
    listen(&*ports.usage).await;
    let replaced = ports
        .other_replica
        .replace_verifier(&id("1"), &key("1").verifier, &verifier(None, "aa"))
        .await;
    assert!(replaced.unwrap());
    assert_notified(&*ports.usage, &["1"]).await;
}

pub async fn changes_between_two_calls_are_reported_by_the_second(ports: &ApiKeyPorts) {
    listen(&*ports.usage).await;
    for short in ["1", "2", "3"] {
        insert(ports, &key(short)).await;
    }
    assert_notified(&*ports.usage, &["1", "2", "3"]).await;
}

pub async fn every_replica_is_notified_of_a_change(ports: &ApiKeyPorts) {
    listen(&*ports.usage).await;
    listen(&*ports.other_replica).await;
    insert(ports, &key("1")).await;
    assert_notified(&*ports.usage, &["1"]).await;
    assert_notified(&*ports.other_replica, &["1"]).await;
}

pub async fn a_cancelled_call_loses_no_notification(ports: &ApiKeyPorts) {
    listen(&*ports.usage).await;
    assert!(timeout(Duration::from_millis(50), ports.usage.next_change()).await.is_err());
    insert(ports, &key("1")).await;
    assert_notified(&*ports.usage, &["1"]).await;
}

pub async fn a_use_is_not_reported_as_a_change(ports: &ApiKeyPorts) {
    insert(ports, &key("1")).await;
    listen(&*ports.usage).await;
    ports.usage.record_use(&[(id("1"), after(1))]).await.unwrap();
    // Longer than any adapter needs to report a change.
    let reported = timeout(Duration::from_millis(2500), ports.usage.next_change()).await;
    assert!(reported.is_err(), "{reported:?}");
}
