//! Contract of every [`EventInbox`](billing_domain::ports::EventInbox) for stored events.

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use std::time::Duration;

use billing_domain::Mode::{Live, Test};
use billing_domain::ports::{Disposition, RepoError};
use billing_domain::{
    CustomerReading, CustomerState, EventSubject, FreshReading, InboxCounts, InboxEvent,
    InboxQuery, InboxState, InboxStatus, NamedOwner, ProviderAccount, ProviderEvent, ReplayScope,
    SubscriptionStatus, Timestamp,
};
use futures_util::future::join_all;

use crate::BillingPorts;
use crate::samples::{
    account, claimed, customer, event_id, provider_event, subscription, subscription_id, token,
};

/// Runs every case against a new database: `event_inbox_contract!(make)`. `make` is an async
/// function that returns an `Arc<BillingPorts>` and the resources to keep alive.
#[macro_export]
macro_rules! event_inbox_contract {
    ($make:path) => {
        $crate::contract_tests!(
            event_inbox_contract,
            $make,
            [
                a_new_inbox_is_empty,
                an_accepted_event_is_stored_exactly,
                a_duplicate_event_changes_nothing,
                concurrent_duplicates_are_stored_once,
                concurrent_events_are_all_stored,
                providers_and_modes_are_isolated,
                events_are_listed_last_received_first_then_by_id,
                events_are_listed_by_state,
                a_list_has_at_most_the_limit,
                counts_report_pending_dead_and_the_oldest,
                an_event_about_a_customer_is_pending_until_it_is_processed,
                an_event_about_a_customers_subscription_is_pending_for_the_customer,
                prune_deletes_events_processed_before_the_limit,
                prune_deletes_more_than_one_batch,
                an_unreachable_database_is_unavailable,
            ]
        );
    };
}

/// More than a store's batch size.
const MANY: usize = 6_000;

pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000).plus(Duration::from_secs(seconds))
}

pub(crate) fn stripe() -> ProviderAccount {
    account("stripe", Test)
}

pub(crate) fn event(id: &str) -> ProviderEvent {
    provider_event(id, &customer("cus_1"), at(0))
}

fn all() -> InboxQuery {
    InboxQuery { state: None, limit: u32::MAX }
}

pub(crate) fn ids(events: &[InboxEvent]) -> Vec<&str> {
    events.iter().map(|kept| kept.event.id.as_str()).collect()
}

pub(crate) async fn accept(ports: &BillingPorts, id: &str, seconds: u64) {
    ports.inbox.accept(&stripe(), &event(id), at(seconds)).await.unwrap();
}

pub(crate) async fn claim(
    ports: &BillingPorts,
    name: &str,
    limit: u32,
    now: u64,
    until: u64,
) -> Vec<InboxEvent> {
    ports.inbox.claim(&stripe(), &token(name), limit, at(now), at(until)).await.unwrap()
}

pub(crate) async fn release(
    ports: &BillingPorts,
    name: &str,
    events: &[&str],
    disposition: Disposition,
) -> u64 {
    ports.inbox.release(&stripe(), &claimed(name, events), &disposition).await.unwrap()
}

pub(crate) async fn replay(ports: &BillingPorts, which: ReplayScope, seconds: u64) -> u64 {
    ports.inbox.replay(&stripe(), &which, at(seconds)).await.unwrap()
}

pub(crate) async fn listed(ports: &BillingPorts) -> Vec<InboxEvent> {
    ports.inbox.list(&stripe(), &all()).await.unwrap()
}

pub(crate) async fn state(ports: &BillingPorts, id: &str) -> InboxState {
    listed(ports).await.into_iter().find(|kept| kept.event.id.as_str() == id).unwrap().state
}

async fn pending(ports: &BillingPorts, id: &str) -> bool {
    ports.inbox.has_pending(&stripe(), &customer(id)).await.unwrap()
}

pub async fn a_new_inbox_is_empty(ports: &BillingPorts) {
    assert_eq!(listed(ports).await, []);
    assert_eq!(claim(ports, "one", 10, 0, 10).await, []);
    assert_eq!(ports.inbox.counts(&stripe()).await.unwrap(), InboxCounts::default());
    assert!(!pending(ports, "cus_1").await);
    assert_eq!(replay(ports, ReplayScope::AllDead, 0).await, 0);
    assert_eq!(ports.inbox.prune(at(1000)).await.unwrap(), 0);
}

pub async fn an_accepted_event_is_stored_exactly(ports: &BillingPorts) {
    let subjects = [
        EventSubject::Customer(customer(&"'".repeat(255))),
        EventSubject::Subscription(subscription_id(&"s".repeat(255))),
        EventSubject::Unrelated,
    ];
    for (n, subject) in (0..).zip(subjects) {
        let event = ProviderEvent {
            id: event_id(&format!("{n}{}", "e".repeat(254))),
            kind: "k".repeat(255).parse().unwrap(),
            subject,
            created: Timestamp::from_millis(-1),
        };
        ports.inbox.accept(&stripe(), &event, at(n)).await.unwrap();
        let kept = InboxEvent {
            event,
            received: at(n),
            state: InboxState::Pending(at(n)),
            attempts: 0,
            error: None,
        };
        assert_eq!(listed(ports).await[0], kept);
        let claimed = ports.inbox.claim(&stripe(), &token("one"), 1, at(n), at(n)).await.unwrap();
        assert_eq!(claimed, [InboxEvent { attempts: 1, ..kept }]);
    }
}

pub async fn a_duplicate_event_changes_nothing(ports: &BillingPorts) {
    accept(ports, "evt_1", 0).await;
    let first = listed(ports).await;
    let duplicate =
        ProviderEvent { subject: EventSubject::Unrelated, created: at(9), ..event("evt_1") };
    ports.inbox.accept(&stripe(), &duplicate, at(9)).await.unwrap();
    assert_eq!(listed(ports).await, first);
    claim(ports, "one", 1, 1, 10).await;
    accept(ports, "evt_1", 2).await;
    assert_eq!(claim(ports, "two", 1, 2, 10).await, []);
    release(ports, "one", &["evt_1"], Disposition::Ignored(at(3))).await;
    accept(ports, "evt_1", 4).await;
    assert_eq!(state(ports, "evt_1").await, InboxState::Ignored(at(3)));
}

pub async fn concurrent_duplicates_are_stored_once(ports: &BillingPorts) {
    // In both orders, so that two batches which lock the same rows could deadlock.
    let forth = (0..200).map(|n| format!("evt_{:02}", n % 20));
    let back = (0..200).rev().map(|n| format!("evt_{:02}", n % 20));
    let events: Vec<ProviderEvent> = forth.chain(back).map(|id| event(&id)).collect();
    let account = stripe();
    for accepted in
        join_all(events.iter().map(|event| ports.inbox.accept(&account, event, at(0)))).await
    {
        accepted.unwrap();
    }
    let mut kept: Vec<_> =
        listed(ports).await.into_iter().map(|kept| kept.event.id.to_string()).collect();
    kept.sort_unstable();
    assert_eq!(kept, (0..20).map(|n| format!("evt_{n:02}")).collect::<Vec<_>>());
}

pub(crate) async fn accept_many(ports: &BillingPorts, count: usize) {
    let (events, account): (Vec<_>, _) =
        ((0..count).map(|n| event(&format!("evt_{n:05}"))).collect(), stripe());
    for chunk in events.chunks(500) {
        for accepted in
            join_all(chunk.iter().map(|event| ports.inbox.accept(&account, event, at(0)))).await
        {
            accepted.unwrap();
        }
    }
}

pub async fn concurrent_events_are_all_stored(ports: &BillingPorts) {
    accept_many(ports, 1000).await;
    let expected: Vec<_> = (0..1000).map(|n| format!("evt_{n:05}")).collect();
    assert_eq!(ids(&listed(ports).await), expected);
}

pub async fn providers_and_modes_are_isolated(ports: &BillingPorts) {
    let live = account("stripe", Live);
    accept(ports, "evt_1", 0).await;
    for other in [live.clone(), account("sandbox", Test)] {
        assert_eq!(ports.inbox.claim(&other, &token("one"), 9, at(1), at(9)).await.unwrap(), []);
        assert_eq!(ports.inbox.list(&other, &all()).await.unwrap(), []);
        assert_eq!(ports.inbox.counts(&other).await.unwrap(), InboxCounts::default());
        assert!(!ports.inbox.has_pending(&other, &customer("cus_1")).await.unwrap());
        assert_eq!(
            ports
                .inbox
                .replay(&other, &ReplayScope::Event(event_id("evt_1")), at(1))
                .await
                .unwrap(),
            0
        );
        assert_eq!(
            ports
                .inbox
                .release(&other, &claimed("one", &["evt_1"]), &Disposition::Ignored(at(1)))
                .await
                .unwrap(),
            0
        );
    }
    ports.inbox.accept(&live, &event("evt_1"), at(5)).await.unwrap();
    assert_eq!(ports.inbox.list(&live, &all()).await.unwrap()[0].received, at(5));
    assert_eq!(listed(ports).await[0].received, at(0));
}

pub async fn events_are_listed_last_received_first_then_by_id(ports: &BillingPorts) {
    for (id, seconds) in [("evt_b", 1), ("evt_C", 1), ("evt_a", 1), ("evt_z", 0), ("evt_d", 2)] {
        accept(ports, id, seconds).await;
    }
    assert_eq!(ids(&listed(ports).await), ["evt_d", "evt_C", "evt_a", "evt_b", "evt_z"]);
}

pub async fn events_are_listed_by_state(ports: &BillingPorts) {
    for (n, id) in (0..).zip(["evt_1", "evt_2", "evt_3", "evt_4"]) {
        accept(ports, id, n).await;
    }
    claim(ports, "one", 2, 9, 20).await;
    release(ports, "one", &["evt_1"], Disposition::Ignored(at(9))).await;
    release(ports, "one", &["evt_2"], Disposition::Dead(at(9), "x".to_owned())).await;
    for (status, expected) in [
        (InboxStatus::Pending, vec!["evt_4", "evt_3"]),
        (InboxStatus::Ignored, vec!["evt_1"]),
        (InboxStatus::Dead, vec!["evt_2"]),
        (InboxStatus::Applied, vec![]),
    ] {
        let query = InboxQuery { state: Some(status), ..all() };
        assert_eq!(
            ids(&ports.inbox.list(&stripe(), &query).await.unwrap()),
            expected,
            "{status:?}"
        );
    }
}

pub async fn a_list_has_at_most_the_limit(ports: &BillingPorts) {
    for (n, id) in (0..).zip(["evt_1", "evt_2", "evt_3"]) {
        accept(ports, id, n).await;
    }
    for state in [None, Some(InboxStatus::Pending)] {
        let list = ports.inbox.list(&stripe(), &InboxQuery { state, limit: 2 }).await.unwrap();
        assert_eq!(ids(&list), ["evt_3", "evt_2"]);
        assert_eq!(ports.inbox.list(&stripe(), &InboxQuery { state, limit: 0 }).await.unwrap(), []);
    }
}

pub async fn counts_report_pending_dead_and_the_oldest(ports: &BillingPorts) {
    for (id, seconds) in [("evt_1", 5), ("evt_2", 3), ("evt_3", 4)] {
        accept(ports, id, seconds).await;
    }
    claim(ports, "one", 1, 9, 20).await;
    let full = InboxCounts { pending: 3, dead: 0, oldest_pending: Some(at(3)) };
    assert_eq!(ports.inbox.counts(&stripe()).await.unwrap(), full);
    release(ports, "one", &["evt_2"], Disposition::Dead(at(9), "x".to_owned())).await;
    let counts = ports.inbox.counts(&stripe()).await.unwrap();
    assert_eq!(counts, InboxCounts { pending: 2, dead: 1, oldest_pending: Some(at(4)) });
    claim(ports, "two", 9, 9, 20).await;
    release(ports, "two", &["evt_1", "evt_3"], Disposition::Ignored(at(9))).await;
    let counts = ports.inbox.counts(&stripe()).await.unwrap();
    assert_eq!(counts, InboxCounts { pending: 0, dead: 1, oldest_pending: None });
}

pub async fn an_event_about_a_customer_is_pending_until_it_is_processed(ports: &BillingPorts) {
    accept(ports, "evt_1", 100).await;
    // Due or not, claimed or not.
    assert!(pending(ports, "cus_1").await);
    assert!(!pending(ports, "cus_2").await);
    claim(ports, "one", 9, 100, 200).await;
    assert!(pending(ports, "cus_1").await);
    release(ports, "one", &["evt_1"], Disposition::Retry(at(900), "x".to_owned())).await;
    assert!(pending(ports, "cus_1").await);
    claim(ports, "two", 9, 900, 999).await;
    release(ports, "two", &["evt_1"], Disposition::Dead(at(901), "x".to_owned())).await;
    assert!(!pending(ports, "cus_1").await);
}

pub async fn an_event_about_a_customers_subscription_is_pending_for_the_customer(
    ports: &BillingPorts,
) {
    let about = |subject: EventSubject| ProviderEvent { subject, ..event("evt_1") };
    let event = about(EventSubject::Subscription(subscription_id("sub_1")));
    ports.inbox.accept(&stripe(), &event, at(0)).await.unwrap();
    // Only the mirror relates a subscription to its customer.
    assert!(!pending(ports, "cus_1").await);
    let own = subscription("sub_1", SubscriptionStatus::Active, at(0));
    let update = FreshReading {
        account: stripe(),
        customer: customer("cus_1"),
        expected_version: 0,
        reading: CustomerReading {
            state: CustomerState::Present(vec![own]),
            owner: NamedOwner::None,
        },
        read_at: at(0),
        settled_events: None,
    };
    update.save(&*ports.mirror, &*ports.customers).await.unwrap();
    assert!(pending(ports, "cus_1").await);
    assert!(!pending(ports, "sub_1").await);
    assert!(!pending(ports, "cus_2").await);
}

pub async fn prune_deletes_events_processed_before_the_limit(ports: &BillingPorts) {
    for id in ["evt_1", "evt_2", "evt_3", "evt_4"] {
        accept(ports, id, 0).await;
    }
    claim(ports, "one", 3, 0, 10).await;
    release(ports, "one", &["evt_1"], Disposition::Ignored(at(1))).await;
    release(ports, "one", &["evt_2"], Disposition::Ignored(at(2))).await;
    release(ports, "one", &["evt_3"], Disposition::Dead(at(1), "x".to_owned())).await;
    assert_eq!(ports.inbox.prune(at(2)).await.unwrap(), 1);
    assert_eq!(ids(&listed(ports).await), ["evt_2", "evt_3", "evt_4"]);
    assert_eq!(ports.inbox.prune(at(100)).await.unwrap(), 1);
    assert_eq!(ids(&listed(ports).await), ["evt_3", "evt_4"]);
}

pub async fn prune_deletes_more_than_one_batch(ports: &BillingPorts) {
    accept_many(ports, MANY).await;
    loop {
        let batch = claim(ports, "one", 1000, 1, 10).await;
        if batch.is_empty() {
            break;
        }
        assert_eq!(
            release(ports, "one", &ids(&batch), Disposition::Ignored(at(2))).await,
            batch.len() as u64
        );
    }
    assert_eq!(ports.inbox.prune(at(3)).await.unwrap(), MANY as u64);
    assert_eq!(listed(ports).await, []);
}

pub async fn an_unreachable_database_is_unavailable(ports: &BillingPorts) {
    ports.database.close().await;
    let inbox = &ports.inbox;
    let account = stripe();
    let errors = [
        inbox.accept(&account, &event("evt_1"), at(0)).await.err(),
        inbox.claim(&account, &token("one"), 1, at(0), at(1)).await.err(),
        inbox
            .release(&account, &claimed("one", &["evt_1"]), &Disposition::Ignored(at(0)))
            .await
            .err(),
        inbox.replay(&account, &ReplayScope::AllDead, at(0)).await.err(),
        inbox.list(&account, &all()).await.err(),
        inbox.counts(&account).await.err(),
        inbox.has_pending(&account, &customer("cus_1")).await.err(),
        inbox.prune(at(0)).await.err(),
    ];
    assert!(
        errors.iter().all(|error| matches!(error, Some(RepoError::Unavailable(_)))),
        "{errors:?}"
    );
}
