//! The inbox while others hold the file, and with more rows than one batch has.

use crate::place::Place;
use billing_domain::ports::RepoError;
use billing_domain::{Mode, ProviderAccount, ProviderEvent, Timestamp};
use billing_testkit::samples::{account, customer, provider_event};
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
async fn events_wait_for_another_writer_and_are_then_committed() {
    let place = Place::new().await;
    let store = place.migrated().await;
    let mut writer = place.connect().await;
    writer.execute("BEGIN IMMEDIATE").await.unwrap();
    let (inboxes, at, events) = ([store.inbox(), store.inbox()], stripe(), events(200));
    let accepting =
        events.iter().enumerate().map(|(n, event)| inboxes[n % 2].accept(&at, event, NOW));
    let (accepted, ()) = tokio::join!(join_all(accepting), async {
        writer.execute("COMMIT").await.unwrap();
    });
    assert!(accepted.iter().all(Result::is_ok), "{accepted:?}");
    assert_eq!(store.inbox().counts(&at).await.unwrap().pending, 200);
}

#[tokio::test]
async fn processes_that_are_sent_the_same_events_keep_each_once() {
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
async fn a_writer_who_does_not_leave_makes_accepting_unavailable() {
    let place = Place::new().await;
    let inbox = place.migrated().await.inbox();
    let mut writer = place.connect().await;
    writer.execute("BEGIN IMMEDIATE").await.unwrap();
    let refused = inbox.accept(&stripe(), &events(1)[0], NOW).await;
    assert!(matches!(refused, Err(RepoError::Unavailable(_))), "{refused:?}");
    writer.execute("ROLLBACK").await.unwrap();
    inbox.accept(&stripe(), &events(1)[0], NOW).await.unwrap();
}

#[tokio::test]
async fn pruning_deletes_a_bounded_number_of_rows_and_goes_on_with_the_next_call() {
    let place = Place::new().await;
    let store = place.migrated().await;
    place
        .execute(
            "WITH RECURSIVE rows (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM rows WHERE n < 100001)
             INSERT INTO webhook_events (provider, mode, event_id, kind, subject_kind, created_at, received_at, state,
                                         state_at, attempts)
             SELECT 'stripe', 'test', 'evt_' || n, 'kind', 'nobody', 0, 0, 'ignored', n, 1 FROM rows",
        )
        .await;
    place
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
