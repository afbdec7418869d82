//! The inbox with several replicas on it, and with more rows than one batch has.

use crate::place::Place;
use billing_domain::{Mode, ProviderAccount, ProviderEvent, Timestamp};
use billing_testkit::samples::{account, customer, provider_event, token};
use futures_util::future::join_all;
use sqlx::Executor;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn stripe() -> ProviderAccount {
    account("stripe", Mode::Test)
}

fn events(count: usize) -> Vec<ProviderEvent> {
    (0..count).map(|n| provider_event(&format!("evt_{n:04}"), &customer("cus_1"), NOW)).collect()
}

#[tokio::test]
async fn two_hundred_events_at_once_share_a_few_commits() {
    let place = Place::new().await;
    let store = place.migrated().await;
    let (inboxes, at, events) = ([store.inbox(), store.inbox()], stripe(), events(200));
    let accepting =
        events.iter().enumerate().map(|(n, event)| inboxes[n % 2].accept(&at, event, NOW));
    for accepted in join_all(accepting).await {
        accepted.unwrap();
    }
    // Each row knows the transaction that wrote it.
    let (rows, commits): (i64, i64) =
        sqlx::query_as("SELECT count(*), count(DISTINCT xmin::text) FROM webhook_events")
            .fetch_one(&mut place.connect().await)
            .await
            .unwrap();
    assert_eq!(rows, 200);
    assert!(commits <= 20, "{commits} commits");
}

#[tokio::test]
async fn replicas_that_are_sent_the_same_events_do_not_wait_for_each_other_in_a_circle() {
    let place = Place::new().await;
    let (one, other) = (place.migrated().await.inbox(), place.store().inbox());
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
async fn what_another_claimer_has_locked_is_passed_over() {
    let place = Place::new().await;
    let inbox = place.migrated().await.inbox();
    for event in events(3) {
        inbox.accept(&stripe(), &event, NOW).await.unwrap();
    }
    let mut other = place.connect().await;
    other
        .execute("BEGIN; SELECT FROM webhook_events WHERE event_id = 'evt_0001' FOR UPDATE")
        .await
        .unwrap();
    let claimed = inbox.claim(&stripe(), &token("one"), 10, NOW, NOW).await.unwrap();
    assert_eq!(
        claimed.iter().map(|kept| kept.event.id.as_str()).collect::<Vec<_>>(),
        ["evt_0000", "evt_0002"]
    );
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(inbox.claim(&stripe(), &token("one"), 10, NOW, NOW).await.unwrap().len(), 1);
}

#[tokio::test]
async fn pruning_deletes_a_bounded_number_of_rows_and_goes_on_with_the_next_call() {
    let place = Place::new().await;
    let store = place.migrated().await;
    place
        .execute(
            "INSERT INTO webhook_events (provider, mode, event_id, kind, subject_kind, created_at, received_at, state,
                                         state_at, attempts)
             SELECT 'stripe', 'test', 'evt_' || n, 'kind', 'nobody', 0, 0, 'ignored', n, 1
             FROM generate_series(1, 100001) AS n;
             INSERT INTO checkout_requests (user_id, provider, mode, idempotency_key, content, provider_key, created_at)
             SELECT 'ann', 'stripe', 'test', 'key-' || n, '', 'key', n FROM generate_series(1, 100001) AS n",
        )
        .await;
    assert_eq!(store.inbox().prune(NOW).await.unwrap(), 100_000);
    assert_eq!(store.inbox().prune(NOW).await.unwrap(), 1);
    assert_eq!(store.checkouts().prune(NOW).await.unwrap(), 100_000);
    assert_eq!(store.checkouts().prune(NOW).await.unwrap(), 1);
}
