//! Hearing of changes while the file or the store goes away.

use crate::place::Place;
use crate::shared::listening::heard;
use billing_domain::Timestamp;
use billing_domain::ports::{KeyChange, RepoError};
use billing_testkit::samples::{record, stored_key, user};

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// The trigger names its columns: one that a later migration adds must be added there.
#[tokio::test]
async fn every_column_but_the_one_is_a_change() {
    let place = Place::new().await;
    let store = place.migrated().await;
    store
        .api_keys()
        .insert(&stored_key("000000000001", &user("ann"), NOW), None, record())
        .await
        .unwrap();
    let mut connection = place.connect().await;
    let columns: Vec<String> =
        sqlx::query_scalar("SELECT name FROM pragma_table_xinfo('api_keys')")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let mut changes = 0;
    assert!(columns.len() > 12, "{columns:?}");
    for column in columns {
        place.execute(&format!("UPDATE api_keys SET {column} = {column}")).await;
        let before = changes;
        changes = sqlx::query_scalar("SELECT changes FROM _api_key_changes")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(changes > before, column != "last_used_at", "{column}");
    }
}

#[tokio::test]
async fn another_process_is_heard() {
    let place = Place::new().await;
    let store = place.migrated().await;
    let usage = store.usage();
    store
        .api_keys()
        .insert(&stored_key("000000000001", &user("ann"), NOW), None, record())
        .await
        .unwrap();
    assert_eq!(heard(&*usage).await.unwrap(), KeyChange::Unknown);
    for sql in ["UPDATE api_keys SET revoked_at = 1", "DELETE FROM api_keys"] {
        place.execute(sql).await;
        assert_eq!(heard(&*usage).await.unwrap(), KeyChange::Unknown);
    }
}

#[tokio::test]
async fn a_database_without_tables_is_an_error_and_then_a_change() {
    let place = Place::new().await;
    let store = place.store();
    let usage = store.usage();
    for _ in 0..2 {
        assert!(matches!(heard(&*usage).await, Err(RepoError::Schema(_))));
    }
    store.database().migrate().await.unwrap();
    assert_eq!(heard(&*usage).await.unwrap(), KeyChange::Unknown);
}
