//! The inbox with several replicas, and with more rows than a batch.

use crate::fixture::Fixture;
use billing_domain::{Mode, ProviderAccount, ProviderEvent, Timestamp};
use billing_testkit::samples::{account, customer, provider_event};
use futures_util::future::join_all;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

pub(crate) fn stripe() -> ProviderAccount {
    account("stripe", Mode::Test)
}

pub(crate) fn events(count: usize) -> Vec<ProviderEvent> {
    (0..count).map(|n| provider_event(&format!("evt_{n:04}"), &customer("cus_1"), NOW)).collect()
}

#[tokio::test]
async fn replicas_store_same_events_once_without_deadlock() {
    let fixture = Fixture::new().await;
    let (one, other) = (fixture.migrated().await.inbox(), fixture.store().inbox());
    let (at, events) = (stripe(), events(500));
    let forth = events.iter().map(|event| one.accept(&at, event, NOW));
    let back = events.iter().rev().map(|event| other.accept(&at, event, NOW));
    let (forth, back) = tokio::join!(join_all(forth), join_all(back));
    for accepted in forth.into_iter().chain(back) {
        accepted.unwrap();
    }
    assert_eq!(one.counts(&at).await.unwrap().pending, 500);
}

#[tokio::test]
async fn prune_deletes_bounded_number_of_rows_per_call() {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    fixture
        .execute(
            "WITH RECURSIVE rows (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM rows WHERE n < 100001)
             INSERT INTO webhook_events (provider, mode, event_id, kind, subject_kind, created_at, received_at, state,
                                         state_at, attempts)
             SELECT 'stripe', 'test', 'evt_' || n, 'kind', 'nobody', 0, 0, 'ignored', n, 1 FROM rows",
        )
        .await;
    fixture
        .execute(
            "WITH RECURSIVE rows (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM rows WHERE n < 100001)
             INSERT INTO checkout_requests (user_id, provider, mode, idempotency_key, content, provider_key, created_at)
             SELECT 'ann', 'stripe', 'test', 'key-' || n, '', 'key', n FROM rows",
        )
        .await;
    assert_eq!(store.inbox().prune(NOW).await.unwrap(), 100_000);
    assert_eq!(store.inbox().prune(NOW).await.unwrap(), 1);
    assert_eq!(store.checkouts().prune(NOW).await.unwrap(), 100_000);
    assert_eq!(store.checkouts().prune(NOW).await.unwrap(), 1);
}
