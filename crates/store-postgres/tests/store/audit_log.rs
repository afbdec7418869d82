//! The audit log's commits, and readers who come while one is under way.

use std::time::{Duration, Instant};

use crate::place::Place;
use billing_domain::{AuditEntry, AuditQuery, Timestamp};
use billing_testkit::samples::{audit_event, user};
use sqlx::Executor;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

const GENEROUS: Duration = Duration::from_secs(30);

fn all() -> AuditQuery {
    AuditQuery { limit: 1000, ..AuditQuery::default() }
}

#[tokio::test]
async fn two_hundred_events_at_once_share_a_few_commits() {
    let place = Place::new().await;
    let store = place.migrated().await;
    let audits = [store.audit(), store.audit()];
    let events: Vec<_> =
        (0..200).map(|n| audit_event(&user("ann"), Timestamp::from_millis(n))).collect();
    let appending = events.iter().enumerate().map(|(n, event)| audits[n % 2].append(event));
    for result in futures_util::future::join_all(appending).await {
        result.unwrap();
    }
    // Each row knows the transaction that wrote it.
    let (rows, commits): (i64, i64) =
        sqlx::query_as("SELECT count(*), count(DISTINCT xmin::text) FROM audit_log")
            .fetch_one(&mut place.connect().await)
            .await
            .unwrap();
    assert_eq!(rows, 200);
    assert!(commits <= 20, "{commits} commits");
}

#[tokio::test]
async fn a_reader_waits_for_a_lower_number_that_is_not_committed_yet() {
    let place = Place::new().await;
    let (audit, other) = (place.migrated().await.audit(), place.store().audit());
    // Another replica's insert, caught between its number and its commit.
    let mut slow = place.connect().await;
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
    let deadline = Instant::now() + GENEROUS;
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut place.connect().await).await.unwrap()
        == 0
    {
        assert!(Instant::now() < deadline && !reading.is_finished(), "nobody waits");
        tokio::task::yield_now().await;
    }
    slow.execute("COMMIT").await.unwrap();
    let read = reading.await.unwrap().unwrap();
    assert_eq!(read.len(), 2);
    assert!(read[0].sequence < read[1].sequence);
    assert_eq!(read[1].entry, AuditEntry::Event(audit_event(&user("ann"), NOW)));
}

#[tokio::test]
async fn the_log_goes_on_where_it_was_after_an_outage() {
    let place = Place::new().await;
    let audit = place.migrated().await.audit();
    audit.append(&audit_event(&user("ann"), NOW)).await.unwrap();
    place
        .execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    audit.append(&audit_event(&user("bob"), NOW)).await.unwrap();
    assert_eq!(audit.read(&all()).await.unwrap().len(), 2);
}
