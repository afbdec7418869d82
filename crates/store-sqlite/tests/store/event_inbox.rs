//! The inbox while others hold the file.

use crate::place::Place;
use crate::shared::event_inbox::{events, stripe};
use billing_domain::Timestamp;
use billing_domain::ports::RepoError;
use futures_util::future::join_all;
use sqlx::Executor;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

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
