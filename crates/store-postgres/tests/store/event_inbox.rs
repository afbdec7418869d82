//! The inbox with several replicas on it.

use crate::place::Place;
use crate::shared::event_inbox::{events, stripe};
use billing_domain::Timestamp;
use billing_testkit::samples::token;
use futures_util::future::join_all;
use sqlx::Executor;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

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
