//! Commits of the audit log, and readers during a commit.

use std::time::{Duration, Instant};

use crate::fixture::Fixture;
use billing_domain::{AuditEntry, AuditQuery, Timestamp};
use billing_testkit::samples::{audit_event, user};
use sqlx::Executor;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

const TIMEOUT: Duration = Duration::from_secs(30);

fn all() -> AuditQuery {
    AuditQuery { limit: 1000, ..AuditQuery::default() }
}

#[tokio::test]
async fn concurrent_events_share_commits() {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    let audits = [store.audit(), store.audit()];
    let events: Vec<_> =
        (0..200).map(|n| audit_event(&user("ann"), Timestamp::from_millis(n))).collect();
    let appending = events.iter().enumerate().map(|(n, event)| audits[n % 2].append(event));
    for result in futures_util::future::join_all(appending).await {
        result.unwrap();
    }
    // `xmin` is the transaction that wrote the row.
    let (rows, commits): (i64, i64) =
        sqlx::query_as("SELECT count(*), count(DISTINCT xmin::text) FROM audit_log")
            .fetch_one(&mut fixture.connect().await)
            .await
            .unwrap();
    assert_eq!(rows, 200);
    assert!(commits <= 20, "{commits} commits");
}

#[tokio::test]
async fn reader_waits_for_uncommitted_lower_number() {
    let fixture = Fixture::new().await;
    let (audit, other) = (fixture.migrated().await.audit(), fixture.store().audit());
    // The insert of another replica has a number and is not committed.
    let mut slow = fixture.connect().await;
    slow.execute(
        "BEGIN; SELECT pg_advisory_xact_lock_shared(7022629598041763687);
         INSERT INTO audit_log (at, kind, action, actor) VALUES (1, 'event', 'portal.opened', 'user')",
    )
    .await
    .unwrap();
    audit.append(&audit_event(&user("ann"), NOW)).await.unwrap();
    let reading = tokio::spawn(async move { other.read(&all()).await });
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'";
    let deadline = Instant::now() + TIMEOUT;
    while sqlx::query_scalar::<_, i64>(waiting)
        .fetch_one(&mut fixture.connect().await)
        .await
        .unwrap()
        == 0
    {
        assert!(Instant::now() < deadline && !reading.is_finished(), "the reader does not wait");
        tokio::task::yield_now().await;
    }
    slow.execute("COMMIT").await.unwrap();
    let read = reading.await.unwrap().unwrap();
    assert_eq!(read.len(), 2);
    assert!(read[0].sequence < read[1].sequence);
    assert_eq!(read[1].entry, AuditEntry::Event(audit_event(&user("ann"), NOW)));
}

#[tokio::test]
async fn append_works_after_an_outage() {
    let fixture = Fixture::new().await;
    let audit = fixture.migrated().await.audit();
    audit.append(&audit_event(&user("ann"), NOW)).await.unwrap();
    fixture
        .execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    audit.append(&audit_event(&user("bob"), NOW)).await.unwrap();
    assert_eq!(audit.read(&all()).await.unwrap().len(), 2);
}
