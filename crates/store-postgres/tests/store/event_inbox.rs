//! The inbox with several replicas.

use crate::fixture::Fixture;
use crate::shared::event_inbox::{events, stripe};
use billing_domain::Timestamp;
use billing_testkit::samples::token;
use futures_util::future::join_all;
use sqlx::Executor;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

#[tokio::test]
async fn concurrent_events_share_commits() {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    let (inboxes, at, events) = ([store.inbox(), store.inbox()], stripe(), events(200));
    let accepting =
        events.iter().enumerate().map(|(n, event)| inboxes[n % 2].accept(&at, event, NOW));
    for accepted in join_all(accepting).await {
        accepted.unwrap();
    }
    // `xmin` is the transaction that wrote the row.
    let (rows, commits): (i64, i64) =
        sqlx::query_as("SELECT count(*), count(DISTINCT xmin::text) FROM webhook_events")
            .fetch_one(&mut fixture.connect().await)
            .await
            .unwrap();
    assert_eq!(rows, 200);
    assert!(commits <= 20, "{commits} commits");
}

#[tokio::test]
async fn claim_skips_locked_events() {
    let fixture = Fixture::new().await;
    let inbox = fixture.migrated().await.inbox();
    for event in events(3) {
        inbox.accept(&stripe(), &event, NOW).await.unwrap();
    }
    let mut other = fixture.connect().await;
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
