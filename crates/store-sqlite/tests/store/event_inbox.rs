//! The inbox while another process locks the file.

use crate::fixture::Fixture;
use crate::shared::event_inbox::{events, stripe};
use billing_domain::Timestamp;
use billing_domain::ports::RepoError;
use futures_util::future::join_all;
use sqlx::Executor;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

#[tokio::test]
async fn accept_waits_for_other_writer() {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    let mut writer = fixture.connect().await;
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
async fn accept_is_unavailable_while_file_is_locked() {
    let fixture = Fixture::new().await;
    let inbox = fixture.migrated().await.inbox();
    let mut writer = fixture.connect().await;
    writer.execute("BEGIN IMMEDIATE").await.unwrap();
    let refused = inbox.accept(&stripe(), &events(1)[0], NOW).await;
    assert!(matches!(refused, Err(RepoError::Unavailable(_))), "{refused:?}");
    writer.execute("ROLLBACK").await.unwrap();
    inbox.accept(&stripe(), &events(1)[0], NOW).await.unwrap();
}
