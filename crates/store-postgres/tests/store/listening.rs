//! Reports of key changes while the server or the connection fails.

use std::time::Duration;

use crate::fixture::Fixture;
use crate::shared::listening::next_change;
use billing_domain::Timestamp;
use billing_domain::ports::{KeyChange, RepoError};
use billing_testkit::postgres::Cluster;
use billing_testkit::samples::{key_id, record, stored_key, user};
use tokio::time::timeout;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

#[tokio::test]
async fn change_is_reported_with_key_id() {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    let (keys, usage) = (store.api_keys(), store.usage());
    assert_eq!(next_change(&*usage).await.unwrap(), KeyChange::Unknown);
    keys.insert(&stored_key("000000000001", &user("ann"), NOW), None, record()).await.unwrap();
    assert_eq!(next_change(&*usage).await.unwrap(), KeyChange::Key(key_id("000000000001")));
    keys.revoke(&key_id("000000000001"), NOW, record()).await.unwrap();
    assert_eq!(next_change(&*usage).await.unwrap(), KeyChange::Key(key_id("000000000001")));
    // Uses of the key are not reported.
    usage.record_use(&[(key_id("000000000001"), NOW)]).await.unwrap();
    fixture.execute("DELETE FROM api_keys").await;
    assert_eq!(next_change(&*usage).await.unwrap(), KeyChange::Key(key_id("000000000001")));
    fixture.execute("TRUNCATE api_keys").await;
    assert_eq!(next_change(&*usage).await.unwrap(), KeyChange::Unknown);
}

#[tokio::test]
async fn change_of_any_column_except_last_use_is_reported() {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    let usage = store.usage();
    store
        .api_keys()
        .insert(&stored_key("000000000001", &user("ann"), NOW), None, record())
        .await
        .unwrap();
    assert_eq!(next_change(&*usage).await.unwrap(), KeyChange::Unknown);
    for change in [
        "user_id = 'bob'",
        "name = 'b'",
        "description = 'b'",
        "permissions = ''",
        "return_origins = '*'",
        "pepper_id = '0123456789abcdef'",
        "secret_gate = reverse(secret_gate)",
        "secret_hash = '$b'",
        "created_at = 1",
        "expires_at = 1",
        "revoked_at = 1",
        "revoked_at = NULL, last_used_at = 1",
    ] {
        fixture.execute(&format!("UPDATE api_keys SET {change}")).await;
        assert_eq!(
            next_change(&*usage).await.unwrap(),
            KeyChange::Key(key_id("000000000001")),
            "{change}"
        );
    }
}

#[tokio::test]
async fn lost_connection_is_an_error_and_then_a_change() {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    let usage = store.usage();
    assert_eq!(next_change(&*usage).await.unwrap(), KeyChange::Unknown);
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    for _ in 0..2 {
        fixture.execute(cut).await;
        assert!(matches!(next_change(&*usage).await, Err(RepoError::Unavailable(_))));
        assert_eq!(next_change(&*usage).await.unwrap(), KeyChange::Unknown);
        store.api_keys().revoke_all(&user("ann"), NOW, record()).await.unwrap();
    }
    store
        .api_keys()
        .insert(&stored_key("000000000001", &user("ann"), NOW), None, record())
        .await
        .unwrap();
    assert_eq!(next_change(&*usage).await.unwrap(), KeyChange::Key(key_id("000000000001")));
}

#[tokio::test]
async fn next_change_fails_while_server_is_down() {
    let cluster = Cluster::start();
    let fixture = Fixture(cluster.database().await);
    let usage = fixture.migrated().await.usage();
    assert_eq!(next_change(&*usage).await.unwrap(), KeyChange::Unknown);
    cluster.stop();
    assert!(matches!(next_change(&*usage).await, Err(RepoError::Unavailable(_))));
    assert!(matches!(next_change(&*usage).await, Err(RepoError::Unavailable(_))));
    cluster.resume().await;
    assert_eq!(next_change(&*usage).await.unwrap(), KeyChange::Unknown);
}

#[tokio::test]
async fn idle_connection_is_no_error() {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    let usage = store.usage();
    assert_eq!(next_change(&*usage).await.unwrap(), KeyChange::Unknown);
    // The connection is tested several times meanwhile; cancelled calls do no harm.
    assert!(timeout(Duration::from_millis(2500), usage.next_change()).await.is_err());
    store
        .api_keys()
        .insert(&stored_key("000000000001", &user("ann"), NOW), None, record())
        .await
        .unwrap();
    assert_eq!(next_change(&*usage).await.unwrap(), KeyChange::Key(key_id("000000000001")));
}
