//! The audit log while another process locks the file.

use crate::fixture::Fixture;
use billing_domain::ports::RepoError;
use billing_domain::{AuditQuery, Timestamp};
use billing_testkit::samples::{audit_event, user};
use sqlx::Executor;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

#[tokio::test]
async fn append_waits_for_other_writer() {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    let mut writer = fixture.connect().await;
    writer.execute("BEGIN IMMEDIATE").await.unwrap();
    let events: Vec<_> =
        (0..200).map(|n| audit_event(&user("ann"), Timestamp::from_millis(n))).collect();
    let audits = [store.audit(), store.audit()];
    let appending = events.iter().enumerate().map(|(n, event)| audits[n % 2].append(event));
    let (appended, ()) = tokio::join!(futures_util::future::join_all(appending), async {
        writer.execute("COMMIT").await.unwrap();
    });
    assert!(appended.iter().all(Result::is_ok), "{appended:?}");
    let query = AuditQuery { limit: 1000, ..AuditQuery::default() };
    assert_eq!(store.audit().read(&query).await.unwrap().len(), 200);
}

#[tokio::test]
async fn append_is_unavailable_while_file_is_locked() {
    let fixture = Fixture::new().await;
    let audit = fixture.migrated().await.audit();
    let mut writer = fixture.connect().await;
    writer.execute("BEGIN IMMEDIATE").await.unwrap();
    let refused = audit.append(&audit_event(&user("ann"), NOW)).await;
    assert!(matches!(refused, Err(RepoError::Unavailable(_))), "{refused:?}");
    writer.execute("ROLLBACK").await.unwrap();
    audit.append(&audit_event(&user("bob"), NOW)).await.unwrap();
}

#[tokio::test]
async fn forgotten_user_is_erased_from_file() {
    const NAME: &str = "user-to-be-forgotten";
    let fixture = Fixture::new().await;
    let audit = fixture.migrated().await.audit();
    for n in 0..200 {
        audit.append(&audit_event(&user(NAME), Timestamp::from_millis(n))).await.unwrap();
    }
    let is_in_the_file = async || {
        fixture.execute("PRAGMA wal_checkpoint(TRUNCATE)").await;
        std::fs::read(fixture.file())
            .unwrap()
            .windows(NAME.len())
            .any(|bytes| bytes == NAME.as_bytes())
    };
    assert!(is_in_the_file().await);
    audit.forget(&user(NAME)).await.unwrap();
    assert!(!is_in_the_file().await);
}

#[tokio::test]
async fn sequence_numbers_are_not_reused() {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    store.audit().append(&audit_event(&user("ann"), NOW)).await.unwrap();
    fixture.execute("DELETE FROM audit_log").await;
    store.audit().append(&audit_event(&user("ann"), NOW)).await.unwrap();
    let query = AuditQuery { limit: 10, ..AuditQuery::default() };
    assert_eq!(store.audit().read(&query).await.unwrap()[0].sequence, 2);
}
