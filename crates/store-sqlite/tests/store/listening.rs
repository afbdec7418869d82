//! Reports of key changes.

use crate::fixture::Fixture;
use crate::shared::listening::next_change;
use billing_domain::Timestamp;
use billing_domain::ports::{KeyChange, RepoError};
use billing_testkit::samples::{record, stored_key, user};

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// The trigger lists its columns. A migration that adds a column must add it to the trigger.
#[tokio::test]
async fn change_of_any_column_except_last_use_is_counted() {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    store
        .api_keys()
        .insert(&stored_key("000000000001", &user("ann"), NOW), None, record())
        .await
        .unwrap();
    let mut connection = fixture.connect().await;
    let columns: Vec<String> =
        sqlx::query_scalar("SELECT name FROM pragma_table_xinfo('api_keys')")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let mut changes = 0;
    assert!(columns.len() > 12, "{columns:?}");
    for column in columns {
        fixture.execute(&format!("UPDATE api_keys SET {column} = {column}")).await;
        let before = changes;
        changes = sqlx::query_scalar("SELECT changes FROM _api_key_changes")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(changes > before, column != "last_used_at", "{column}");
    }
}

#[tokio::test]
async fn change_by_another_process_is_reported() {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    let usage = store.usage();
    store
        .api_keys()
        .insert(&stored_key("000000000001", &user("ann"), NOW), None, record())
        .await
        .unwrap();
    assert_eq!(next_change(&*usage).await.unwrap(), KeyChange::Unknown);
    for sql in ["UPDATE api_keys SET revoked_at = 1", "DELETE FROM api_keys"] {
        fixture.execute(sql).await;
        assert_eq!(next_change(&*usage).await.unwrap(), KeyChange::Unknown);
    }
}

#[tokio::test]
async fn next_change_fails_before_migration_and_then_reports_a_change() {
    let fixture = Fixture::new().await;
    let store = fixture.store();
    let usage = store.usage();
    for _ in 0..2 {
        assert!(matches!(next_change(&*usage).await, Err(RepoError::Schema(_))));
    }
    store.database().migrate().await.unwrap();
    assert_eq!(next_change(&*usage).await.unwrap(), KeyChange::Unknown);
}
