//! The audit log with more rows than a batch, and without its writer task.

use crate::fixture::Fixture;
use billing_domain::ports::RepoError;
use billing_domain::{Mode, Timestamp};
use billing_testkit::samples::{account, audit_event, customer, provider_event, user};

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

#[tokio::test]
async fn prune_deletes_bounded_number_of_rows_per_call() {
    let fixture = Fixture::new().await;
    let audit = fixture.migrated().await.audit();
    fixture
        .execute(
            "WITH RECURSIVE n (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM n WHERE at < 100001)
             INSERT INTO audit_log (at, kind, action, actor) SELECT at, 'event', 'portal.opened', 'user' FROM n",
        )
        .await;
    assert_eq!(audit.prune(NOW).await.unwrap(), 100_000);
    assert_eq!(audit.prune(NOW).await.unwrap(), 1);
}

#[tokio::test]
async fn audit_log_and_inbox_fail_immediately_when_their_tasks_have_ended() {
    let fixture = Fixture::new().await;
    fixture.migrated().await;
    let (store, tasks) = fixture.with_tasks();
    let names: Vec<_> = tasks.iter().map(|task| task.name).collect();
    assert_eq!(names, ["audit writer", "inbox writer"]);
    drop(tasks);
    let appended = store.audit().append(&audit_event(&user("ann"), NOW)).await;
    assert!(matches!(appended, Err(RepoError::Unavailable(_))), "{appended:?}");
    let event = provider_event("evt_1", &customer("cus_1"), NOW);
    let accepted = store.inbox().accept(&account("stripe", Mode::Test), &event, NOW).await;
    assert!(matches!(accepted, Err(RepoError::Unavailable(_))), "{accepted:?}");
}
