//! Contract of every store for changes that commit together with their audit records.

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use std::collections::BTreeSet;
use std::time::Duration;

use billing_domain::ports::{InsertOutcome, LinkChange, RevokeOutcome, RotateOutcome};
use billing_domain::{
    ApiKeyId, AuditAction, AuditEntry, AuditEvent, AuditQuery, CustomerState, Effect,
    MirrorOutcome, MirrorUpdate, Mode, StoredApiKey, Timestamp,
};
use futures_util::future::join_all;

use crate::BillingPorts;
use crate::billing_mirror_contract::stripe;
use crate::mirror_effect_contract::{
    add_claim, add_owner_link, assert_untouched, claim_of, link_of, record, records,
};
use crate::samples::{account, audit_event, customer, key_id, link, stored_key, user};

/// Runs every case against a new database: `unit_of_work_contract!(make)`. `make` is an async
/// function that returns an `Arc<BillingPorts>` and the resources to keep alive.
#[macro_export]
macro_rules! unit_of_work_contract {
    ($make:path) => {
        $crate::contract_tests!(
            unit_of_work_contract,
            $make,
            [
                an_inserted_key_is_audited,
                a_refused_insert_leaves_no_record,
                a_rotation_has_both_records_in_order,
                a_refused_rotation_leaves_no_record,
                a_revocation_is_audited_once,
                revoke_all_audits_each_active_key,
                a_changed_link_is_audited,
                a_refused_link_change_leaves_no_record,
                concurrently_created_keys_have_one_record_each,
                concurrently_rotated_keys_have_one_record_each,
                concurrently_revoked_keys_have_one_record_each,
                effects_are_applied_independently_of_the_state,
                an_effect_that_expects_another_link_rolls_back_the_update,
                a_cancelled_call_leaves_a_key_with_its_record_or_neither,
            ]
        );
    };
}

const EPOCH: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn later() -> Timestamp {
    EPOCH.plus(Duration::from_secs(60))
}

/// Key ids have 12 characters or more.
fn id(n: u32) -> ApiKeyId {
    key_id(&format!("{n:0>12}"))
}

fn key(n: u32) -> StoredApiKey {
    stored_key(id(n).as_str(), &user("ann"), EPOCH)
}

fn event(action: AuditAction, key: Option<&ApiKeyId>) -> AuditEvent {
    AuditEvent { action, key: key.cloned(), ..audit_event(&user("ann"), EPOCH) }
}

fn created(key: &StoredApiKey) -> AuditEvent {
    event(AuditAction::KeyCreated, Some(&key.key.id))
}

fn rotated(old: &ApiKeyId, new: &StoredApiKey) -> [AuditEvent; 2] {
    [event(AuditAction::KeyRotated, Some(old)), created(new)]
}

async fn insert(ports: &BillingPorts, key: &StoredApiKey, limit: Option<u32>) -> InsertOutcome {
    ports.keys.insert(key, limit, &created(key)).await.unwrap()
}

async fn rotate(ports: &BillingPorts, old: u32, new: u32, limit: Option<u32>) -> RotateOutcome {
    let successor = key(new);
    let records = rotated(&id(old), &successor);
    ports.keys.rotate(&id(old), &successor, later(), limit, &records).await.unwrap()
}

async fn revoke(ports: &BillingPorts, n: u32) -> RevokeOutcome {
    let record = event(AuditAction::KeyRevoked, Some(&id(n)));
    ports.keys.revoke(&id(n), EPOCH, &record).await.unwrap()
}

/// Returns the log's events, oldest first.
async fn events(ports: &BillingPorts) -> Vec<AuditEvent> {
    let query = AuditQuery { limit: 1000, ..AuditQuery::default() };
    let records = ports.audit.read(&query).await.unwrap();
    records
        .into_iter()
        .map(|record| match record.entry {
            AuditEntry::Event(event) => event,
            AuditEntry::Denials(denials) => panic!("{denials:?}"),
        })
        .collect()
}

/// Returns the key ids in the log's records of this action. Asserts that each occurs once.
async fn on_record(ports: &BillingPorts, action: AuditAction) -> BTreeSet<ApiKeyId> {
    let ids: Vec<_> = events(ports)
        .await
        .into_iter()
        .filter(|event| event.action == action)
        .map(|event| event.key.unwrap())
        .collect();
    let distinct: BTreeSet<_> = ids.iter().cloned().collect();
    assert_eq!(ids.len(), distinct.len(), "{ids:?}");
    distinct
}

async fn kept(ports: &BillingPorts) -> BTreeSet<ApiKeyId> {
    ports.keys.list(None).await.unwrap().into_iter().map(|key| key.id).collect()
}

pub async fn an_inserted_key_is_audited(ports: &BillingPorts) {
    for (n, limit) in [(1, None), (2, Some(2))] {
        assert_eq!(insert(ports, &key(n), limit).await, InsertOutcome::Inserted);
    }
    assert_eq!(events(ports).await, [created(&key(1)), created(&key(2))]);
}

pub async fn a_refused_insert_leaves_no_record(ports: &BillingPorts) {
    insert(ports, &key(1), None).await;
    for limit in [None, Some(2)] {
        assert_eq!(insert(ports, &key(1), limit).await, InsertOutcome::IdTaken);
    }
    assert_eq!(insert(ports, &key(2), Some(1)).await, InsertOutcome::TooMany);
    assert_eq!(events(ports).await, [created(&key(1))]);
}

pub async fn a_rotation_has_both_records_in_order(ports: &BillingPorts) {
    insert(ports, &key(1), None).await;
    assert_eq!(rotate(ports, 1, 2, Some(1)).await, RotateOutcome::Rotated);
    let [ended, made] = rotated(&id(1), &key(2));
    assert_eq!(events(ports).await, [created(&key(1)), ended, made]);
}

pub async fn a_refused_rotation_leaves_no_record(ports: &BillingPorts) {
    for n in [1, 2, 3] {
        insert(ports, &key(n), None).await;
    }
    assert_eq!(revoke(ports, 3).await, RevokeOutcome::Revoked);
    let before = events(ports).await;
    assert_eq!(rotate(ports, 9, 4, None).await, RotateOutcome::NotFound);
    assert_eq!(rotate(ports, 3, 4, None).await, RotateOutcome::NotActive);
    assert_eq!(rotate(ports, 1, 4, Some(1)).await, RotateOutcome::TooMany);
    assert_eq!(rotate(ports, 1, 2, None).await, RotateOutcome::IdTaken);
    assert_eq!(events(ports).await, before);
}

pub async fn a_revocation_is_audited_once(ports: &BillingPorts) {
    insert(ports, &key(1), None).await;
    assert_eq!(revoke(ports, 1).await, RevokeOutcome::Revoked);
    assert_eq!(revoke(ports, 1).await, RevokeOutcome::AlreadyRevoked);
    assert_eq!(revoke(ports, 2).await, RevokeOutcome::NotFound);
    let revoked = event(AuditAction::KeyRevoked, Some(&id(1)));
    assert_eq!(events(ports).await, [created(&key(1)), revoked]);
}

pub async fn revoke_all_audits_each_active_key(ports: &BillingPorts) {
    for n in [3, 1, 2] {
        insert(ports, &key(n), None).await;
    }
    let other = stored_key(id(4).as_str(), &user("bob"), EPOCH);
    insert(ports, &other, None).await;
    revoke(ports, 2).await;
    let before = events(ports).await.len();
    let record = event(AuditAction::KeyRevoked, None);
    for expected in [vec![id(1), id(3)], Vec::new()] {
        let revoked = ports.keys.revoke_all(&user("ann"), EPOCH, &record).await.unwrap();
        assert_eq!(revoked, expected);
    }
    let revoked = [id(1), id(3)].map(|id| event(AuditAction::KeyRevoked, Some(&id)));
    assert_eq!(events(ports).await[before..], revoked);
}

pub async fn a_changed_link_is_audited(ports: &BillingPorts) {
    let to = |id| link(&user("ann"), &account("stripe", Mode::Test), &customer(id));
    let [linked, unlinked] = [AuditAction::CustomerLinked, AuditAction::CustomerUnlinked]
        .map(|action| event(action, None));
    let steps = [
        (LinkChange::Add(to("cus_1")), vec![linked.clone()]),
        (
            LinkChange::Replace { old: customer("cus_1"), new: to("cus_2") },
            vec![unlinked.clone(), linked],
        ),
        (LinkChange::Remove(to("cus_2")), vec![unlinked]),
    ];
    let mut expected = Vec::new();
    for (change, records) in steps {
        assert!(ports.customers.change(&change, EPOCH, &records).await.unwrap());
        expected.extend(records);
        assert_eq!(events(ports).await, expected);
    }
}

pub async fn a_refused_link_change_leaves_no_record(ports: &BillingPorts) {
    let to = |id| link(&user("ann"), &account("stripe", Mode::Test), &customer(id));
    let record = [event(AuditAction::CustomerLinked, None)];
    let first = LinkChange::Add(to("cus_1"));
    assert!(ports.customers.change(&first, EPOCH, &record).await.unwrap());
    for change in [first, LinkChange::Add(to("cus_2")), LinkChange::Remove(to("cus_2"))] {
        assert!(!ports.customers.change(&change, EPOCH, &record).await.unwrap());
    }
    assert_eq!(events(ports).await, record);
}

pub async fn concurrently_created_keys_have_one_record_each(ports: &BillingPorts) {
    let keys: Vec<_> = (0..60).map(key).collect();
    let outcomes = join_all(keys.iter().map(|key| insert(ports, key, Some(20)))).await;
    let made = outcomes.iter().filter(|outcome| **outcome == InsertOutcome::Inserted).count();
    assert_eq!(made, 20);
    let kept = kept(ports).await;
    assert_eq!(kept.len(), 20);
    assert_eq!(on_record(ports, AuditAction::KeyCreated).await, kept);
}

pub async fn concurrently_rotated_keys_have_one_record_each(ports: &BillingPorts) {
    for n in 0..4 {
        insert(ports, &key(n), None).await;
    }
    let attempts = (100..130).map(|new| rotate(ports, new % 4, new, Some(20)));
    let outcomes = join_all(attempts).await;
    let made = outcomes.iter().filter(|outcome| **outcome == RotateOutcome::Rotated).count();
    assert_eq!(made, 4);
    assert_eq!(
        on_record(ports, AuditAction::KeyRotated).await,
        BTreeSet::from([0, 1, 2, 3].map(id))
    );
    assert_eq!(on_record(ports, AuditAction::KeyCreated).await, kept(ports).await);
}

pub async fn concurrently_revoked_keys_have_one_record_each(ports: &BillingPorts) {
    for n in 0..3 {
        insert(ports, &key(n), None).await;
    }
    let record = event(AuditAction::KeyRevoked, None);
    let ann = user("ann");
    let one_by_one = (0..24).map(|n| revoke(ports, n % 3));
    let all = (0..4).map(|_| ports.keys.revoke_all(&ann, EPOCH, &record));
    let (outcomes, revoked) = tokio::join!(join_all(one_by_one), join_all(all));
    let single = outcomes.iter().filter(|outcome| **outcome == RevokeOutcome::Revoked).count();
    let together: usize = revoked.into_iter().map(|ids| ids.unwrap().len()).sum();
    assert_eq!(single + together, 3);
    assert_eq!(on_record(ports, AuditAction::KeyRevoked).await.len(), 3);
}

pub async fn a_cancelled_call_leaves_a_key_with_its_record_or_neither(ports: &BillingPorts) {
    for n in 0..4 {
        insert(ports, &key(n), None).await;
    }
    // Cancels calls at different times: before, during and after their transaction.
    let dropped = (0..20).map(|n| async move {
        let call = async {
            if n % 2 == 0 {
                let _outcome = insert(ports, &key(200 + n), Some(50)).await;
            } else {
                let _outcome = rotate(ports, n % 4, 200 + n, None).await;
            }
        };
        let cancel_after = Duration::from_micros(u64::from(n) * 300);
        let _in_time = tokio::time::timeout(cancel_after, call).await;
    });
    let creations = join_all((300..330).map(|n| async move { insert(ports, &key(n), None).await }));
    tokio::join!(join_all(dropped), creations);
    assert!(kept(ports).await.len() >= 34);
    // The transaction of a cancelled call may finish later.
    for _ in 0..200 {
        let before = kept(ports).await;
        let listed = ports.keys.list(None).await.unwrap();
        let ended = listed.into_iter().filter(|key| key.revoked_at.is_some());
        let ended: BTreeSet<_> = ended.map(|key| key.id).collect();
        let created = on_record(ports, AuditAction::KeyCreated).await;
        if created == before && on_record(ports, AuditAction::KeyRotated).await == ended {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("a key has no record, or a record no key");
}

async fn apply(ports: &BillingPorts, effects: &[Effect]) -> MirrorOutcome {
    let update = MirrorUpdate {
        account: stripe(),
        customer: customer("cus_1"),
        expected_version: 0,
        state: CustomerState::Gone,
        read_at: EPOCH,
    };
    ports.mirror.apply(&update, effects).await.unwrap()
}

pub async fn effects_are_applied_independently_of_the_state(ports: &BillingPorts) {
    let AuditEntry::Event(on_record) = record(AuditAction::CustomerLinked, "eve", "cus_9", EPOCH)
    else {
        panic!("a record is an event");
    };
    add_claim(ports, "ann", None).await;
    add_owner_link(ports, "bob", "cus_1").await;
    let effects = [
        Effect::Link(user("ann")),
        Effect::Unlink(user("bob")),
        Effect::Link(user("bob")),
        Effect::FulfilClaim(user("ann")),
        Effect::FulfilClaim(user("eve")),
        Effect::Audit(on_record.clone()),
    ];
    assert_eq!(apply(ports, &effects).await, MirrorOutcome::Applied);
    let owners = ports.customers.owners(&stripe(), &customer("cus_1")).await.unwrap();
    assert_eq!(owners, ["ann", "bob"].map(user));
    assert_eq!(claim_of(ports, "ann").await, Some(Some(customer("cus_1"))));
    assert_eq!(claim_of(ports, "eve").await, None);
    assert_eq!(records(ports).await, [AuditEntry::Event(on_record)]);
}

pub async fn an_effect_that_expects_another_link_rolls_back_the_update(ports: &BillingPorts) {
    add_claim(ports, "ann", None).await;
    add_owner_link(ports, "bob", "cus_2").await;
    for failing in [Effect::Link(user("bob")), Effect::Unlink(user("bob"))] {
        let effects = [Effect::Link(user("ann")), Effect::FulfilClaim(user("ann")), failing];
        assert_eq!(apply(ports, &effects).await, MirrorOutcome::LinksChanged);
        assert_untouched(ports).await;
        assert_eq!(link_of(ports, "bob").await, Some(customer("cus_2")));
    }
}
