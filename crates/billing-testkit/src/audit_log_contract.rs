//! Contract of every [`AuditLog`](billing_domain::ports::AuditLog), except forgetting users.

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use std::time::Duration;

use billing_domain::{
    Actor, AuditAction, AuditEntry, AuditEvent, AuditQuery, AuditRecord, Denials, Mode,
    RequestOrigin, Timestamp,
};
use futures_util::future::join_all;

use crate::BillingPorts;
use crate::samples::{account, audit_event, customer, key_id, user};

/// Runs every case against a new database: `audit_log_contract!(make)`. `make` is an async function
/// that returns an `Arc<BillingPorts>` and the resources to keep alive.
#[macro_export]
macro_rules! audit_log_contract {
    ($make:path) => {
        $crate::contract_tests!(
            audit_log_contract,
            $make,
            [
                a_new_log_is_empty,
                an_appended_event_is_stored_exactly,
                every_action_and_actor_is_stored,
                any_text_is_stored_exactly,
                appended_denials_are_stored_exactly,
                an_empty_batch_of_denials_is_allowed,
                events_and_denials_share_one_sequence,
                concurrent_events_are_all_stored_once,
                events_of_one_caller_keep_their_order,
                a_cancelled_append_does_not_lose_other_events,
                pages_have_no_gap_or_overlap,
                a_page_with_limit_zero_is_empty,
                records_are_filtered_by_user,
                records_are_filtered_by_time,
                a_query_combines_its_filters,
                prune_deletes_older_records,
                prune_deletes_more_than_one_batch,
                sequence_numbers_are_not_reused,
            ]
        );
    };
}

pub(crate) const EPOCH: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// More than a store's batch size.
pub(crate) const MANY: u64 = 12_000;

pub(crate) fn after(seconds: u64) -> Timestamp {
    EPOCH.plus(Duration::from_secs(seconds))
}

pub(crate) fn event(owner: &str, seconds: u64) -> AuditEvent {
    audit_event(&user(owner), after(seconds))
}

pub(crate) fn full_event(owner: &str) -> AuditEvent {
    AuditEvent {
        actor: Actor::ApiKey,
        key: Some(key_id("000000000001")),
        customer: Some((account("stripe", Mode::Live), customer("cus_1"))),
        origin: RequestOrigin {
            request_id: Some("req-1".to_owned()),
            source: Some("2001:db8::1".to_owned()),
        },
        ..event(owner, 0)
    }
}

pub(crate) fn denials(cause: &str, seconds: u64) -> Denials {
    Denials { at: after(seconds), cause: cause.to_owned(), source: None, key: None, count: 1 }
}

pub(crate) fn all() -> AuditQuery {
    AuditQuery { limit: u32::MAX, ..AuditQuery::default() }
}

pub(crate) async fn read(ports: &BillingPorts, query: &AuditQuery) -> Vec<AuditEntry> {
    ports.audit.read(query).await.unwrap().into_iter().map(|record| record.entry).collect()
}

pub(crate) async fn append(ports: &BillingPorts, events: &[AuditEvent]) {
    for event in events {
        ports.audit.append(event).await.unwrap();
    }
}

async fn assert_round_trip(ports: &BillingPorts, event: &AuditEvent) {
    ports.audit.append(event).await.unwrap();
    assert_eq!(read(ports, &all()).await.last(), Some(&AuditEntry::Event(event.clone())));
}

pub async fn a_new_log_is_empty(ports: &BillingPorts) {
    assert_eq!(read(ports, &all()).await, []);
    assert_eq!(ports.audit.prune(after(1_000_000)).await.unwrap(), 0);
    assert_eq!(ports.audit.forget(&user("ann")).await.unwrap(), 0);
}

pub async fn an_appended_event_is_stored_exactly(ports: &BillingPorts) {
    assert_round_trip(ports, &full_event("ann")).await;
    assert_round_trip(ports, &event("ann", 1)).await;
    let bare = AuditEvent { owner: None, at: Timestamp::from_millis(-1), ..event("ann", 2) };
    assert_round_trip(ports, &bare).await;
}

pub async fn every_action_and_actor_is_stored(ports: &BillingPorts) {
    for &action in AuditAction::ALL {
        for actor in [Actor::User, Actor::ApiKey, Actor::Operator] {
            assert_round_trip(ports, &AuditEvent { action, actor, ..event("ann", 0) }).await;
        }
    }
}

pub async fn any_text_is_stored_exactly(ports: &BillingPorts) {
    let longest = "🦀".repeat(255);
    for text in ["빌링", "'; DROP TABLE audit_log; --", "NULL", "", "{\"a\":1}", ",", &longest] {
        let origin =
            RequestOrigin { request_id: Some(text.to_owned()), source: Some(text.to_owned()) };
        let owner = (!text.is_empty()).then(|| user(text));
        assert_round_trip(ports, &AuditEvent { owner, origin, ..event("ann", 0) }).await;
    }
}

pub async fn appended_denials_are_stored_exactly(ports: &BillingPorts) {
    let batch = [
        denials("invalid_token", 60),
        Denials {
            source: Some("192.0.2.1".to_owned()),
            key: Some(key_id("000000000001")),
            count: 4_000_000_000_000,
            ..denials("invalid_api_key", 60)
        },
        Denials { count: 0, ..denials("rate_limited", 0) },
    ];
    ports.audit.append_denials(&batch).await.unwrap();
    assert_eq!(read(ports, &all()).await, batch.map(AuditEntry::Denials));
}

pub async fn an_empty_batch_of_denials_is_allowed(ports: &BillingPorts) {
    ports.audit.append_denials(&[]).await.unwrap();
    assert_eq!(read(ports, &all()).await, []);
}

pub async fn events_and_denials_share_one_sequence(ports: &BillingPorts) {
    append(ports, &[event("ann", 3)]).await;
    ports.audit.append_denials(&[denials("a", 2), denials("b", 9)]).await.unwrap();
    append(ports, &[event("bob", 1)]).await;
    let records = ports.audit.read(&all()).await.unwrap();
    assert!(records.is_sorted_by(|a, b| a.sequence < b.sequence));
    let entries: Vec<_> = records.into_iter().map(|record| record.entry).collect();
    let expected = [
        AuditEntry::Event(event("ann", 3)),
        AuditEntry::Denials(denials("a", 2)),
        AuditEntry::Denials(denials("b", 9)),
        AuditEntry::Event(event("bob", 1)),
    ];
    assert_eq!(entries, expected);
}

pub async fn concurrent_events_are_all_stored_once(ports: &BillingPorts) {
    let events: Vec<_> = (0..200).map(|n| event(&format!("user{n:03}"), n)).collect();
    for result in join_all(events.iter().map(|event| ports.audit.append(event))).await {
        result.unwrap();
    }
    let mut kept = read(ports, &all()).await;
    kept.sort_by_key(|entry| match entry {
        AuditEntry::Event(event) => event.at,
        AuditEntry::Denials(denials) => denials.at,
    });
    assert_eq!(kept, events.into_iter().map(AuditEntry::Event).collect::<Vec<_>>());
}

pub async fn events_of_one_caller_keep_their_order(ports: &BillingPorts) {
    let callers = ["ann", "bob", "cid"].map(|owner| async move {
        append(ports, &(0..20).map(|n| event(owner, n)).collect::<Vec<_>>()).await;
    });
    join_all(callers).await;
    for owner in ["ann", "bob", "cid"] {
        let own = read(ports, &AuditQuery { owner: Some(user(owner)), ..all() }).await;
        assert_eq!(own, (0..20).map(|n| AuditEntry::Event(event(owner, n))).collect::<Vec<_>>());
    }
}

pub async fn a_cancelled_append_does_not_lose_other_events(ports: &BillingPorts) {
    for round in 0..10 {
        let (cancelled, awaited): (Vec<_>, Vec<_>) =
            (0..20).map(|n| (event("cancelled", n), event("awaited", round * 100 + n))).unzip();
        // Each is cancelled after one poll: before, during or after the commit of the others.
        let polled = cancelled
            .iter()
            .map(|event| futures_util::future::FutureExt::now_or_never(ports.audit.append(event)));
        polled.for_each(drop);
        for result in join_all(awaited.iter().map(|event| ports.audit.append(event))).await {
            result.unwrap();
        }
        let kept = read(ports, &AuditQuery { owner: Some(user("awaited")), ..all() }).await;
        assert_eq!(kept.len() as u64, (round + 1) * 20);
    }
}

pub async fn pages_have_no_gap_or_overlap(ports: &BillingPorts) {
    append(ports, &(0..25).map(|n| event("ann", 1000 - n)).collect::<Vec<_>>()).await;
    let mut query = AuditQuery { limit: 10, ..AuditQuery::default() };
    let mut pages = Vec::new();
    loop {
        let page: Vec<AuditRecord> = ports.audit.read(&query).await.unwrap();
        let Some(last) = page.last() else { break };
        query.after = Some(last.sequence);
        pages.push(page);
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
    let entries: Vec<_> = pages.into_iter().flatten().map(|record| record.entry).collect();
    assert_eq!(
        entries,
        (0..25).map(|n| AuditEntry::Event(event("ann", 1000 - n))).collect::<Vec<_>>()
    );
    query.after = Some(i64::MAX);
    assert_eq!(read(ports, &query).await, []);
}

pub async fn a_page_with_limit_zero_is_empty(ports: &BillingPorts) {
    append(ports, &[event("ann", 0)]).await;
    assert_eq!(read(ports, &AuditQuery::default()).await, []);
}

pub async fn records_are_filtered_by_user(ports: &BillingPorts) {
    append(ports, &[event("ann", 0), event("Ann", 1), AuditEvent { owner: None, ..event("x", 2) }])
        .await;
    ports.audit.append_denials(&[denials("a", 3)]).await.unwrap();
    append(ports, &[event("ann", 4)]).await;
    let own = read(ports, &AuditQuery { owner: Some(user("ann")), ..all() }).await;
    assert_eq!(own, [event("ann", 0), event("ann", 4)].map(AuditEntry::Event));
    assert_eq!(read(ports, &AuditQuery { owner: Some(user("unknown")), ..all() }).await, []);
}

pub async fn records_are_filtered_by_time(ports: &BillingPorts) {
    append(ports, &[event("ann", 5), event("ann", 3), event("ann", 4)]).await;
    ports.audit.append_denials(&[denials("a", 2), denials("b", 6)]).await.unwrap();
    let recent = read(ports, &AuditQuery { since: Some(after(4)), ..all() }).await;
    let expected = [
        AuditEntry::Event(event("ann", 5)),
        AuditEntry::Event(event("ann", 4)),
        AuditEntry::Denials(denials("b", 6)),
    ];
    assert_eq!(recent, expected);
}

pub async fn a_query_combines_its_filters(ports: &BillingPorts) {
    append(
        ports,
        &(0..10).map(|n| event(if n % 2 == 0 { "ann" } else { "bob" }, n)).collect::<Vec<_>>(),
    )
    .await;
    let mut query =
        AuditQuery { owner: Some(user("ann")), since: Some(after(3)), after: None, limit: 2 };
    let first = ports.audit.read(&query).await.unwrap();
    assert_eq!(
        first.iter().map(|record| record.entry.clone()).collect::<Vec<_>>(),
        [AuditEntry::Event(event("ann", 4)), AuditEntry::Event(event("ann", 6)),]
    );
    query.after = Some(first[1].sequence);
    assert_eq!(read(ports, &query).await, [AuditEntry::Event(event("ann", 8))]);
}

pub async fn prune_deletes_older_records(ports: &BillingPorts) {
    append(ports, &[event("ann", 5), event("ann", 3), event("ann", 4)]).await;
    ports.audit.append_denials(&[denials("a", 2), denials("b", 4)]).await.unwrap();
    assert_eq!(ports.audit.prune(after(4)).await.unwrap(), 2);
    let expected = [
        AuditEntry::Event(event("ann", 5)),
        AuditEntry::Event(event("ann", 4)),
        AuditEntry::Denials(denials("b", 4)),
    ];
    assert_eq!(read(ports, &all()).await, expected);
    assert_eq!(ports.audit.prune(after(4)).await.unwrap(), 0);
}

pub async fn prune_deletes_more_than_one_batch(ports: &BillingPorts) {
    let old: Vec<_> = (0..MANY).map(|n| denials("a", n % 100)).collect();
    ports.audit.append_denials(&old).await.unwrap();
    append(ports, &[event("ann", 100)]).await;
    assert_eq!(ports.audit.prune(after(100)).await.unwrap(), MANY);
    assert_eq!(read(ports, &all()).await, [AuditEntry::Event(event("ann", 100))]);
}

pub async fn sequence_numbers_are_not_reused(ports: &BillingPorts) {
    append(ports, &[event("ann", 0), event("ann", 0)]).await;
    let last = ports.audit.read(&all()).await.unwrap()[1].sequence;
    assert_eq!(ports.audit.prune(after(1)).await.unwrap(), 2);
    append(ports, &[event("ann", 1)]).await;
    assert!(ports.audit.read(&all()).await.unwrap()[0].sequence > last);
    assert_eq!(read(ports, &AuditQuery { after: Some(last), ..all() }).await.len(), 1);
}
