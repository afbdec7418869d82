//! Contract of every [`BillingMirror`](billing_domain::ports::BillingMirror) for a reading's
//! effects on links, claims, events and the audit log.

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use billing_domain::SubscriptionStatus::{Active, Canceled, Incomplete};
use billing_domain::{
    Actor, AuditAction, AuditEntry, AuditEvent, AuditQuery, CustomerId, FreshReading, InboxQuery,
    InboxState, LinkSummary, Mode, NamedOwner, ReadingOutcome, ReplayScope, RequestOrigin,
    SubscriptionStatus, Timestamp,
};
use futures_util::future::join_all;

use crate::BillingPorts;
use crate::billing_mirror_contract::{at, found, gone, stripe, update, write, written};
use crate::samples::{
    account, add_link, claimed, customer, event_id, link, provider_event, provider_key,
    remove_link, subscription, token, user,
};

/// Runs every case against a new database: `mirror_effect_contract!(make)`. `make` is an async
/// function that returns an `Arc<BillingPorts>` and the resources to keep alive.
#[macro_export]
macro_rules! mirror_effect_contract {
    ($make:path) => {
        $crate::contract_tests!(
            mirror_effect_contract,
            $make,
            [
                a_purchase_links_the_owner_and_is_audited,
                the_same_purchase_again_changes_nothing,
                a_customer_without_a_purchase_is_not_linked,
                a_customer_without_a_definite_owner_is_not_linked,
                a_link_is_never_replaced,
                the_next_reading_restores_a_removed_link,
                of_two_concurrent_customers_an_owner_is_linked_to_one,
                a_reading_fulfils_the_owners_claim_with_or_without_a_purchase,
                a_fulfilled_claim_keeps_its_customer,
                a_reading_creates_no_claim,
                a_deleted_customer_loses_links_and_claims,
                users_with_another_customer_keep_their_link,
                a_deleted_customer_is_not_linked,
                settled_events_are_applied,
                a_reading_without_settled_events_is_written,
                reading_after_a_later_claim_changes_nothing,
                expired_lease_settles_events_until_the_next_claim,
                one_lost_event_rolls_back_the_reading,
                a_replayed_event_loses_its_claim,
                an_outdated_reading_settles_nothing,
                of_concurrent_equal_settlements_one_is_written,
            ]
        );
    };
}

/// Returns a reading that names this owner.
fn owned(id: &str, expected_version: u64, owner: &str, status: SubscriptionStatus) -> FreshReading {
    let mut update =
        update(id, expected_version, &[subscription(&format!("sub_of_{id}"), status, at(0))]);
    update.reading.owner = NamedOwner::User(user(owner));
    update
}

fn settling(update: FreshReading, name: &str, events: &[&str]) -> FreshReading {
    FreshReading { settled_events: Some(claimed(name, events)), ..update }
}

fn linked(owner: &str) -> ReadingOutcome {
    ReadingOutcome::Written(LinkSummary { linked: Some(user(owner)), ..LinkSummary::default() })
}

pub(crate) async fn link_of(ports: &BillingPorts, owner: &str) -> Option<CustomerId> {
    ports.customers.find(&user(owner), &stripe()).await.unwrap()
}

pub(crate) async fn add_owner_link(ports: &BillingPorts, owner: &str, id: &str) {
    add_link(&*ports.customers, &link(&user(owner), &stripe(), &customer(id))).await.unwrap();
}

pub(crate) async fn add_claim(ports: &BillingPorts, owner: &str, id: Option<&str>) {
    let key = provider_key("key");
    ports.claims.claim(&user(owner), &stripe(), &key, at(0)).await.unwrap();
    if let Some(id) = id {
        ports.claims.fulfil(&user(owner), &stripe(), &key, &customer(id)).await.unwrap();
    }
}

/// Returns the customer of the user's claim; the outer `None` means no claim.
pub(crate) async fn claim_of(ports: &BillingPorts, owner: &str) -> Option<Option<CustomerId>> {
    ports.claims.find(&user(owner), &stripe()).await.unwrap().map(|claim| claim.customer)
}

pub(crate) async fn records(ports: &BillingPorts) -> Vec<AuditEntry> {
    let records =
        ports.audit.read(&AuditQuery { limit: 100, ..AuditQuery::default() }).await.unwrap();
    records.into_iter().map(|record| record.entry).collect()
}

pub(crate) fn record(action: AuditAction, owner: &str, id: &str, moment: Timestamp) -> AuditEntry {
    AuditEntry::Event(AuditEvent {
        at: moment,
        action,
        actor: Actor::Provider,
        owner: Some(user(owner)),
        key: None,
        customer: Some((stripe(), customer(id))),
        origin: RequestOrigin::default(),
    })
}

async fn add_events(ports: &BillingPorts, ids: &[&str]) {
    for id in ids {
        ports
            .inbox
            .accept(&stripe(), &provider_event(id, &customer("cus_1"), at(0)), at(0))
            .await
            .unwrap();
    }
}

async fn claim(ports: &BillingPorts, name: &str, now: u64, until: u64) -> usize {
    ports.inbox.claim(&stripe(), &token(name), 100, at(now), at(until)).await.unwrap().len()
}

async fn states(ports: &BillingPorts) -> Vec<InboxState> {
    let mut events =
        ports.inbox.list(&stripe(), &InboxQuery { state: None, limit: 100 }).await.unwrap();
    events.sort_by(|a, b| a.event.id.cmp(&b.event.id));
    events.into_iter().map(|kept| kept.state).collect()
}

pub async fn a_purchase_links_the_owner_and_is_audited(ports: &BillingPorts) {
    assert_eq!(write(ports, &owned("cus_1", 0, "ann", Canceled)).await, linked("ann"));
    assert_eq!(link_of(ports, "ann").await, Some(customer("cus_1")));
    assert_eq!(
        records(ports).await,
        [record(AuditAction::CustomerLinked, "ann", "cus_1", at(100))]
    );
}

pub async fn the_same_purchase_again_changes_nothing(ports: &BillingPorts) {
    add_owner_link(ports, "bob", "cus_1").await;
    write(ports, &owned("cus_1", 0, "ann", Active)).await;
    assert_eq!(write(ports, &owned("cus_1", 1, "ann", Active)).await, written());
    assert_eq!(link_of(ports, "bob").await, Some(customer("cus_1")));
    assert_eq!(records(ports).await.len(), 1);
}

pub async fn a_customer_without_a_purchase_is_not_linked(ports: &BillingPorts) {
    assert_eq!(write(ports, &owned("cus_1", 0, "ann", Incomplete)).await, written());
    assert_eq!(link_of(ports, "ann").await, None);
    assert_eq!(records(ports).await, []);
    assert_eq!(write(ports, &owned("cus_1", 1, "ann", Active)).await, linked("ann"));
}

pub async fn a_customer_without_a_definite_owner_is_not_linked(ports: &BillingPorts) {
    add_claim(ports, "ann", None).await;
    for (n, owner) in (0..).zip([NamedOwner::None, NamedOwner::Ambiguous]) {
        let mut update = owned("cus_1", n, "ann", Active);
        update.reading.owner = owner;
        assert_eq!(write(ports, &update).await, written());
    }
    assert_eq!(claim_of(ports, "ann").await, Some(None));
    assert_eq!(records(ports).await, []);
}

pub async fn a_link_is_never_replaced(ports: &BillingPorts) {
    add_owner_link(ports, "ann", "cus_old").await;
    let conflict = LinkSummary { conflict: Some(customer("cus_old")), ..LinkSummary::default() };
    assert_eq!(
        write(ports, &owned("cus_1", 0, "ann", Active)).await,
        ReadingOutcome::Written(conflict)
    );
    assert_eq!(link_of(ports, "ann").await, Some(customer("cus_old")));
    assert_eq!(found(ports, "cus_1").await.unwrap().version, 1);
    assert_eq!(records(ports).await, []);
}

pub async fn the_next_reading_restores_a_removed_link(ports: &BillingPorts) {
    write(ports, &owned("cus_1", 0, "ann", Active)).await;
    remove_link(&*ports.customers, &user("ann"), &stripe()).await.unwrap();
    assert_eq!(write(ports, &owned("cus_1", 1, "ann", Active)).await, linked("ann"));
}

pub async fn of_two_concurrent_customers_an_owner_is_linked_to_one(ports: &BillingPorts) {
    for round in 0..10 {
        let (owner, one, two) =
            (format!("ann{round}"), format!("cus_a{round}"), format!("cus_b{round}"));
        let (first, second) = (owned(&one, 0, &owner, Active), owned(&two, 0, &owner, Active));
        let (first, second) = tokio::join!(write(ports, &first), write(ports, &second));
        let winner = link_of(ports, &owner).await.unwrap();
        let effect = LinkSummary { conflict: Some(winner.clone()), ..LinkSummary::default() };
        let conflict = ReadingOutcome::Written(effect);
        let expected = if winner == customer(&one) {
            (linked(&owner), conflict)
        } else {
            (conflict, linked(&owner))
        };
        assert_eq!((first, second), expected);
    }
}

pub async fn a_reading_fulfils_the_owners_claim_with_or_without_a_purchase(ports: &BillingPorts) {
    for (owner, id, status) in [("ann", "cus_1", Incomplete), ("bob", "cus_2", Active)] {
        add_claim(ports, owner, None).await;
        write(ports, &owned(id, 0, owner, status)).await;
        assert_eq!(claim_of(ports, owner).await, Some(Some(customer(id))));
    }
}

pub async fn a_fulfilled_claim_keeps_its_customer(ports: &BillingPorts) {
    add_claim(ports, "ann", Some("cus_old")).await;
    write(ports, &owned("cus_1", 0, "ann", Active)).await;
    assert_eq!(claim_of(ports, "ann").await, Some(Some(customer("cus_old"))));
}

pub async fn a_reading_creates_no_claim(ports: &BillingPorts) {
    write(ports, &owned("cus_1", 0, "ann", Active)).await;
    assert_eq!(claim_of(ports, "ann").await, None);
}

pub async fn a_deleted_customer_loses_links_and_claims(ports: &BillingPorts) {
    for owner in ["cid", "ann", "bob"] {
        add_owner_link(ports, owner, "cus_1").await;
    }
    for owner in ["ann", "dan"] {
        add_claim(ports, owner, Some("cus_1")).await;
    }
    write(ports, &update("cus_1", 0, &[])).await;
    let unlinked = ["ann", "bob", "cid"];
    let effect = LinkSummary { unlinked: unlinked.map(user).to_vec(), ..LinkSummary::default() };
    assert_eq!(write(ports, &gone("cus_1", 1)).await, ReadingOutcome::Written(effect));
    for owner in ["ann", "bob", "cid", "dan"] {
        assert_eq!(
            (link_of(ports, owner).await, claim_of(ports, owner).await),
            (None, None),
            "{owner}"
        );
    }
    let expected =
        unlinked.map(|owner| record(AuditAction::CustomerUnlinked, owner, "cus_1", at(101)));
    assert_eq!(records(ports).await, expected);
    // The next purchase creates a new link.
    assert_eq!(write(ports, &gone("cus_1", 2)).await, written());
    assert_eq!(write(ports, &owned("cus_2", 0, "ann", Active)).await, linked("ann"));
}

pub async fn users_with_another_customer_keep_their_link(ports: &BillingPorts) {
    add_owner_link(ports, "ann", "cus_2").await;
    add_claim(ports, "ann", Some("cus_2")).await;
    add_claim(ports, "bob", None).await;
    let live = account("stripe", Mode::Live);
    add_link(&*ports.customers, &link(&user("cid"), &live, &customer("cus_1"))).await.unwrap();
    assert_eq!(write(ports, &gone("cus_1", 0)).await, written());
    assert_eq!(link_of(ports, "ann").await, Some(customer("cus_2")));
    assert_eq!(claim_of(ports, "ann").await, Some(Some(customer("cus_2"))));
    assert_eq!(claim_of(ports, "bob").await, Some(None));
    assert_eq!(ports.customers.find(&user("cid"), &live).await.unwrap(), Some(customer("cus_1")));
}

pub async fn a_deleted_customer_is_not_linked(ports: &BillingPorts) {
    add_claim(ports, "ann", None).await;
    let mut update = gone("cus_1", 0);
    update.reading.owner = NamedOwner::User(user("ann"));
    assert_eq!(write(ports, &update).await, written());
    assert_eq!((link_of(ports, "ann").await, claim_of(ports, "ann").await), (None, Some(None)));
}

pub async fn settled_events_are_applied(ports: &BillingPorts) {
    add_events(ports, &["evt_1", "evt_2", "evt_3"]).await;
    assert_eq!(claim(ports, "one", 1, 10).await, 3);
    let update = settling(owned("cus_1", 0, "ann", Active), "one", &["evt_1", "evt_3", "evt_1"]);
    assert_eq!(write(ports, &update).await, linked("ann"));
    let applied = InboxState::Applied(at(100));
    assert_eq!(states(ports).await, [applied, InboxState::Pending(at(0)), applied]);
    // The unsettled event still belongs to the claim, and the applied ones stay applied.
    assert_eq!(write(ports, &settling(gone("cus_1", 1), "one", &["evt_2"])).await, {
        let effect = LinkSummary { unlinked: vec![user("ann")], ..LinkSummary::default() };
        ReadingOutcome::Written(effect)
    });
    assert_eq!(claim(ports, "two", 1000, 2000).await, 0);
}

pub async fn a_reading_without_settled_events_is_written(ports: &BillingPorts) {
    assert_eq!(write(ports, &settling(update("cus_1", 0, &[]), "one", &[])).await, written());
}

/// Asserts that a reading with the owner Ann changed nothing.
pub(crate) async fn assert_untouched(ports: &BillingPorts) {
    assert_eq!(found(ports, "cus_1").await, None);
    assert_eq!((link_of(ports, "ann").await, claim_of(ports, "ann").await), (None, Some(None)));
    assert_eq!(records(ports).await, []);
}

pub async fn reading_after_a_later_claim_changes_nothing(ports: &BillingPorts) {
    add_claim(ports, "ann", None).await;
    add_events(ports, &["evt_1"]).await;
    claim(ports, "one", 1, 10).await;
    assert_eq!(claim(ports, "two", 10, 20).await, 1);
    let late = settling(owned("cus_1", 0, "ann", Active), "one", &["evt_1"]);
    assert_eq!(write(ports, &late).await, ReadingOutcome::ClaimLost);
    assert_untouched(ports).await;
    assert_eq!(states(ports).await, [InboxState::Pending(at(0))]);
    let second = settling(owned("cus_1", 0, "ann", Active), "two", &["evt_1"]);
    assert_eq!(write(ports, &second).await, linked("ann"));
    let later = settling(owned("cus_1", 1, "ann", Active), "one", &["evt_1"]);
    assert_eq!(write(ports, &later).await, ReadingOutcome::ClaimLost);
    assert_eq!(found(ports, "cus_1").await.unwrap().version, 1);
}

pub async fn expired_lease_settles_events_until_the_next_claim(ports: &BillingPorts) {
    add_events(ports, &["evt_1"]).await;
    claim(ports, "one", 1, 10).await;
    let mut late = settling(update("cus_1", 0, &[]), "one", &["evt_1"]);
    late.read_at = at(50);
    assert_eq!(write(ports, &late).await, written());
    assert_eq!(states(ports).await, [InboxState::Applied(at(50))]);
}

pub async fn one_lost_event_rolls_back_the_reading(ports: &BillingPorts) {
    add_claim(ports, "ann", None).await;
    add_events(ports, &["evt_1", "evt_2"]).await;
    claim(ports, "one", 1, 10).await;
    for lost in ["evt_9", "evt_2"] {
        if lost == "evt_2" {
            ports
                .inbox
                .replay(&stripe(), &ReplayScope::Event(event_id("evt_2")), at(2))
                .await
                .unwrap();
        }
        let update = settling(owned("cus_1", 0, "ann", Active), "one", &["evt_1", lost]);
        assert_eq!(write(ports, &update).await, ReadingOutcome::ClaimLost);
        assert_untouched(ports).await;
        assert_eq!(states(ports).await[0], InboxState::Pending(at(0)));
    }
    let alone = settling(owned("cus_1", 0, "ann", Active), "one", &["evt_1"]);
    assert_eq!(write(ports, &alone).await, linked("ann"));
}

pub async fn a_replayed_event_loses_its_claim(ports: &BillingPorts) {
    add_events(ports, &["evt_1"]).await;
    claim(ports, "one", 1, 10).await;
    ports.inbox.replay(&stripe(), &ReplayScope::Event(event_id("evt_1")), at(2)).await.unwrap();
    let update = settling(update("cus_1", 0, &[]), "one", &["evt_1"]);
    assert_eq!(write(ports, &update).await, ReadingOutcome::ClaimLost);
    assert_eq!(states(ports).await, [InboxState::Pending(at(2))]);
}

pub async fn an_outdated_reading_settles_nothing(ports: &BillingPorts) {
    add_events(ports, &["evt_1"]).await;
    claim(ports, "one", 1, 10).await;
    write(ports, &update("cus_1", 0, &[])).await;
    assert_eq!(
        write(ports, &settling(update("cus_1", 0, &[]), "one", &["evt_1"])).await,
        ReadingOutcome::Outdated
    );
    assert_eq!(states(ports).await, [InboxState::Pending(at(0))]);
    assert_eq!(
        write(ports, &settling(update("cus_1", 1, &[]), "one", &["evt_1"])).await,
        written()
    );
}

pub async fn of_concurrent_equal_settlements_one_is_written(ports: &BillingPorts) {
    add_events(ports, &["evt_1"]).await;
    claim(ports, "one", 1, 10).await;
    let update = settling(owned("cus_1", 0, "ann", Active), "one", &["evt_1"]);
    let outcomes = join_all((0..16).map(|_| write(ports, &update))).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == linked("ann")).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == ReadingOutcome::Outdated).count(), 15);
    assert_eq!(records(ports).await.len(), 1);
}
