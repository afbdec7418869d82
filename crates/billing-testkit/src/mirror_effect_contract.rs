//! What every [`BillingMirror`](billing_domain::ports::BillingMirror) promises about what a reading changes beside the mirror.

#![expect(missing_docs, reason = "the cases' names are the promises")]

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

/// Runs every case against fresh databases: `mirror_effect_contract!(make)`, where `make` is an async function that gives a
/// pair of an `Arc<BillingPorts>` and what must outlive it.
#[macro_export]
macro_rules! mirror_effect_contract {
    ($make:path) => {
        $crate::contract_tests!(
            mirror_effect_contract,
            $make,
            [
                a_purchase_links_the_owner_and_is_on_record,
                the_same_purchase_again_is_no_news,
                a_customer_who_bought_nothing_is_linked_to_nobody,
                an_owner_who_is_not_one_user_is_linked_to_nobody,
                a_link_is_never_replaced,
                a_removed_link_is_made_again_by_the_next_reading,
                of_two_customers_at_once_an_owner_is_linked_to_one,
                a_reading_fulfils_the_owners_claim_purchase_or_not,
                a_claim_that_has_a_customer_keeps_it,
                a_reading_makes_no_claim,
                a_customer_who_is_gone_loses_links_and_claims,
                those_who_have_another_customer_keep_it,
                a_customer_who_is_gone_is_linked_to_nobody,
                the_events_it_settles_are_applied,
                a_reading_that_settles_nothing_is_written,
                a_late_first_claimer_settles_nothing_and_changes_nothing,
                a_claim_that_ran_out_settles_until_somebody_else_has_the_events,
                one_lost_event_of_many_undoes_all,
                a_replayed_event_is_no_longer_the_claims,
                an_outdated_reading_settles_nothing,
                of_a_settlement_many_times_at_once_one_is_written,
            ]
        );
    };
}

/// A reading that names this owner.
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

pub(crate) async fn give_link(ports: &BillingPorts, owner: &str, id: &str) {
    add_link(&*ports.customers, &link(&user(owner), &stripe(), &customer(id))).await.unwrap();
}

pub(crate) async fn give_claim(ports: &BillingPorts, owner: &str, id: Option<&str>) {
    let key = provider_key("key");
    ports.claims.claim(&user(owner), &stripe(), &key, at(0)).await.unwrap();
    if let Some(id) = id {
        ports.claims.fulfil(&user(owner), &stripe(), &key, &customer(id)).await.unwrap();
    }
}

/// The customer of the user's claim, if there is a claim.
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

async fn give_events(ports: &BillingPorts, ids: &[&str]) {
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

pub async fn a_purchase_links_the_owner_and_is_on_record(ports: &BillingPorts) {
    assert_eq!(write(ports, &owned("cus_1", 0, "ann", Canceled)).await, linked("ann"));
    assert_eq!(link_of(ports, "ann").await, Some(customer("cus_1")));
    assert_eq!(
        records(ports).await,
        [record(AuditAction::CustomerLinked, "ann", "cus_1", at(100))]
    );
}

pub async fn the_same_purchase_again_is_no_news(ports: &BillingPorts) {
    give_link(ports, "bob", "cus_1").await;
    write(ports, &owned("cus_1", 0, "ann", Active)).await;
    assert_eq!(write(ports, &owned("cus_1", 1, "ann", Active)).await, written());
    assert_eq!(link_of(ports, "bob").await, Some(customer("cus_1")));
    assert_eq!(records(ports).await.len(), 1);
}

pub async fn a_customer_who_bought_nothing_is_linked_to_nobody(ports: &BillingPorts) {
    assert_eq!(write(ports, &owned("cus_1", 0, "ann", Incomplete)).await, written());
    assert_eq!(link_of(ports, "ann").await, None);
    assert_eq!(records(ports).await, []);
    assert_eq!(write(ports, &owned("cus_1", 1, "ann", Active)).await, linked("ann"));
}

pub async fn an_owner_who_is_not_one_user_is_linked_to_nobody(ports: &BillingPorts) {
    give_claim(ports, "ann", None).await;
    for (n, owner) in (0..).zip([NamedOwner::None, NamedOwner::Ambiguous]) {
        let mut update = owned("cus_1", n, "ann", Active);
        update.reading.owner = owner;
        assert_eq!(write(ports, &update).await, written());
    }
    assert_eq!(claim_of(ports, "ann").await, Some(None));
    assert_eq!(records(ports).await, []);
}

pub async fn a_link_is_never_replaced(ports: &BillingPorts) {
    give_link(ports, "ann", "cus_old").await;
    let conflict = LinkSummary { conflict: Some(customer("cus_old")), ..LinkSummary::default() };
    assert_eq!(
        write(ports, &owned("cus_1", 0, "ann", Active)).await,
        ReadingOutcome::Written(conflict)
    );
    assert_eq!(link_of(ports, "ann").await, Some(customer("cus_old")));
    assert_eq!(found(ports, "cus_1").await.unwrap().version, 1);
    assert_eq!(records(ports).await, []);
}

pub async fn a_removed_link_is_made_again_by_the_next_reading(ports: &BillingPorts) {
    write(ports, &owned("cus_1", 0, "ann", Active)).await;
    remove_link(&*ports.customers, &user("ann"), &stripe()).await.unwrap();
    assert_eq!(write(ports, &owned("cus_1", 1, "ann", Active)).await, linked("ann"));
}

pub async fn of_two_customers_at_once_an_owner_is_linked_to_one(ports: &BillingPorts) {
    for round in 0..10 {
        let (owner, one, two) =
            (format!("ann{round}"), format!("cus_a{round}"), format!("cus_b{round}"));
        let (first, second) = (owned(&one, 0, &owner, Active), owned(&two, 0, &owner, Active));
        let (first, second) = tokio::join!(write(ports, &first), write(ports, &second));
        let winner = link_of(ports, &owner).await.unwrap();
        let effect = LinkSummary { conflict: Some(winner.clone()), ..LinkSummary::default() };
        let told = ReadingOutcome::Written(effect);
        let expected =
            if winner == customer(&one) { (linked(&owner), told) } else { (told, linked(&owner)) };
        assert_eq!((first, second), expected);
    }
}

pub async fn a_reading_fulfils_the_owners_claim_purchase_or_not(ports: &BillingPorts) {
    for (owner, id, status) in [("ann", "cus_1", Incomplete), ("bob", "cus_2", Active)] {
        give_claim(ports, owner, None).await;
        write(ports, &owned(id, 0, owner, status)).await;
        assert_eq!(claim_of(ports, owner).await, Some(Some(customer(id))));
    }
}

pub async fn a_claim_that_has_a_customer_keeps_it(ports: &BillingPorts) {
    give_claim(ports, "ann", Some("cus_old")).await;
    write(ports, &owned("cus_1", 0, "ann", Active)).await;
    assert_eq!(claim_of(ports, "ann").await, Some(Some(customer("cus_old"))));
}

pub async fn a_reading_makes_no_claim(ports: &BillingPorts) {
    write(ports, &owned("cus_1", 0, "ann", Active)).await;
    assert_eq!(claim_of(ports, "ann").await, None);
}

pub async fn a_customer_who_is_gone_loses_links_and_claims(ports: &BillingPorts) {
    for owner in ["cid", "ann", "bob"] {
        give_link(ports, owner, "cus_1").await;
    }
    for owner in ["ann", "dan"] {
        give_claim(ports, owner, Some("cus_1")).await;
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
    // The next purchase makes a new one.
    assert_eq!(write(ports, &gone("cus_1", 2)).await, written());
    assert_eq!(write(ports, &owned("cus_2", 0, "ann", Active)).await, linked("ann"));
}

pub async fn those_who_have_another_customer_keep_it(ports: &BillingPorts) {
    give_link(ports, "ann", "cus_2").await;
    give_claim(ports, "ann", Some("cus_2")).await;
    give_claim(ports, "bob", None).await;
    let live = account("stripe", Mode::Live);
    add_link(&*ports.customers, &link(&user("cid"), &live, &customer("cus_1"))).await.unwrap();
    assert_eq!(write(ports, &gone("cus_1", 0)).await, written());
    assert_eq!(link_of(ports, "ann").await, Some(customer("cus_2")));
    assert_eq!(claim_of(ports, "ann").await, Some(Some(customer("cus_2"))));
    assert_eq!(claim_of(ports, "bob").await, Some(None));
    assert_eq!(ports.customers.find(&user("cid"), &live).await.unwrap(), Some(customer("cus_1")));
}

pub async fn a_customer_who_is_gone_is_linked_to_nobody(ports: &BillingPorts) {
    give_claim(ports, "ann", None).await;
    let mut update = gone("cus_1", 0);
    update.reading.owner = NamedOwner::User(user("ann"));
    assert_eq!(write(ports, &update).await, written());
    assert_eq!((link_of(ports, "ann").await, claim_of(ports, "ann").await), (None, Some(None)));
}

pub async fn the_events_it_settles_are_applied(ports: &BillingPorts) {
    give_events(ports, &["evt_1", "evt_2", "evt_3"]).await;
    assert_eq!(claim(ports, "one", 1, 10).await, 3);
    let update = settling(owned("cus_1", 0, "ann", Active), "one", &["evt_1", "evt_3", "evt_1"]);
    assert_eq!(write(ports, &update).await, linked("ann"));
    let applied = InboxState::Applied(at(100));
    assert_eq!(states(ports).await, [applied, InboxState::Pending(at(0)), applied]);
    // What was not settled is the claim's still, and what was applied stays so.
    assert_eq!(write(ports, &settling(gone("cus_1", 1), "one", &["evt_2"])).await, {
        let effect = LinkSummary { unlinked: vec![user("ann")], ..LinkSummary::default() };
        ReadingOutcome::Written(effect)
    });
    assert_eq!(claim(ports, "two", 1000, 2000).await, 0);
}

pub async fn a_reading_that_settles_nothing_is_written(ports: &BillingPorts) {
    assert_eq!(write(ports, &settling(update("cus_1", 0, &[]), "one", &[])).await, written());
}

/// Nothing of a reading that named Ann as the owner is there.
pub(crate) async fn assert_untouched(ports: &BillingPorts) {
    assert_eq!(found(ports, "cus_1").await, None);
    assert_eq!((link_of(ports, "ann").await, claim_of(ports, "ann").await), (None, Some(None)));
    assert_eq!(records(ports).await, []);
}

pub async fn a_late_first_claimer_settles_nothing_and_changes_nothing(ports: &BillingPorts) {
    give_claim(ports, "ann", None).await;
    give_events(ports, &["evt_1"]).await;
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

pub async fn a_claim_that_ran_out_settles_until_somebody_else_has_the_events(ports: &BillingPorts) {
    give_events(ports, &["evt_1"]).await;
    claim(ports, "one", 1, 10).await;
    let mut late = settling(update("cus_1", 0, &[]), "one", &["evt_1"]);
    late.read_at = at(50);
    assert_eq!(write(ports, &late).await, written());
    assert_eq!(states(ports).await, [InboxState::Applied(at(50))]);
}

pub async fn one_lost_event_of_many_undoes_all(ports: &BillingPorts) {
    give_claim(ports, "ann", None).await;
    give_events(ports, &["evt_1", "evt_2"]).await;
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

pub async fn a_replayed_event_is_no_longer_the_claims(ports: &BillingPorts) {
    give_events(ports, &["evt_1"]).await;
    claim(ports, "one", 1, 10).await;
    ports.inbox.replay(&stripe(), &ReplayScope::Event(event_id("evt_1")), at(2)).await.unwrap();
    let update = settling(update("cus_1", 0, &[]), "one", &["evt_1"]);
    assert_eq!(write(ports, &update).await, ReadingOutcome::ClaimLost);
    assert_eq!(states(ports).await, [InboxState::Pending(at(2))]);
}

pub async fn an_outdated_reading_settles_nothing(ports: &BillingPorts) {
    give_events(ports, &["evt_1"]).await;
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

pub async fn of_a_settlement_many_times_at_once_one_is_written(ports: &BillingPorts) {
    give_events(ports, &["evt_1"]).await;
    claim(ports, "one", 1, 10).await;
    let update = settling(owned("cus_1", 0, "ann", Active), "one", &["evt_1"]);
    let outcomes = join_all((0..16).map(|_| write(ports, &update))).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == linked("ann")).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == ReadingOutcome::Outdated).count(), 15);
    assert_eq!(records(ports).await.len(), 1);
}
