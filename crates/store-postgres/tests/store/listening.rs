//! Hearing of changes while the server or the line goes away.

use std::time::Duration;

use crate::place::Place;
use crate::shared::listening::heard;
use billing_domain::Timestamp;
use billing_domain::ports::{KeyChange, RepoError};
use billing_testkit::postgres::Cluster;
use billing_testkit::samples::{key_id, record, stored_key, user};
use tokio::time::timeout;

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

#[tokio::test]
async fn a_change_is_told_by_the_keys_id() {
    let place = Place::new().await;
    let store = place.migrated().await;
    let (keys, usage) = (store.api_keys(), store.usage());
    assert_eq!(heard(&*usage).await.unwrap(), KeyChange::Unknown);
    keys.insert(&stored_key("000000000001", &user("ann"), NOW), None, record()).await.unwrap();
    assert_eq!(heard(&*usage).await.unwrap(), KeyChange::Key(key_id("000000000001")));
    keys.revoke(&key_id("000000000001"), NOW, record()).await.unwrap();
    assert_eq!(heard(&*usage).await.unwrap(), KeyChange::Key(key_id("000000000001")));
    // Uses in between are not told.
    usage.record_use(&[(key_id("000000000001"), NOW)]).await.unwrap();
    place.execute("DELETE FROM api_keys").await;
    assert_eq!(heard(&*usage).await.unwrap(), KeyChange::Key(key_id("000000000001")));
    place.execute("TRUNCATE api_keys").await;
    assert_eq!(heard(&*usage).await.unwrap(), KeyChange::Unknown);
}

#[tokio::test]
async fn every_column_but_the_one_is_a_change() {
    let place = Place::new().await;
    let store = place.migrated().await;
    let usage = store.usage();
    store
        .api_keys()
        .insert(&stored_key("000000000001", &user("ann"), NOW), None, record())
        .await
        .unwrap();
    assert_eq!(heard(&*usage).await.unwrap(), KeyChange::Unknown);
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
        place.execute(&format!("UPDATE api_keys SET {change}")).await;
        assert_eq!(
            heard(&*usage).await.unwrap(),
            KeyChange::Key(key_id("000000000001")),
            "{change}"
        );
    }
}

#[tokio::test]
async fn a_line_that_was_cut_is_an_error_and_then_a_change() {
    let place = Place::new().await;
    let store = place.migrated().await;
    let usage = store.usage();
    assert_eq!(heard(&*usage).await.unwrap(), KeyChange::Unknown);
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    for _ in 0..2 {
        place.execute(cut).await;
        assert!(matches!(heard(&*usage).await, Err(RepoError::Unavailable(_))));
        assert_eq!(heard(&*usage).await.unwrap(), KeyChange::Unknown);
        store.api_keys().revoke_all(&user("ann"), NOW, record()).await.unwrap();
    }
    store
        .api_keys()
        .insert(&stored_key("000000000001", &user("ann"), NOW), None, record())
        .await
        .unwrap();
    assert_eq!(heard(&*usage).await.unwrap(), KeyChange::Key(key_id("000000000001")));
}

#[tokio::test]
async fn a_server_that_is_down_is_an_error_until_it_comes_back() {
    let cluster = Cluster::start();
    let place = Place(cluster.database().await);
    let usage = place.migrated().await.usage();
    assert_eq!(heard(&*usage).await.unwrap(), KeyChange::Unknown);
    cluster.stop();
    assert!(matches!(heard(&*usage).await, Err(RepoError::Unavailable(_))));
    assert!(matches!(heard(&*usage).await, Err(RepoError::Unavailable(_))));
    cluster.resume().await;
    assert_eq!(heard(&*usage).await.unwrap(), KeyChange::Unknown);
}

#[tokio::test]
async fn a_long_silence_is_no_error() {
    let place = Place::new().await;
    let store = place.migrated().await;
    let usage = store.usage();
    assert_eq!(heard(&*usage).await.unwrap(), KeyChange::Unknown);
    // The line is asked several times meanwhile; callers who give up amid that do no harm.
    assert!(timeout(Duration::from_millis(2500), usage.next_change()).await.is_err());
    store
        .api_keys()
        .insert(&stored_key("000000000001", &user("ann"), NOW), None, record())
        .await
        .unwrap();
    assert_eq!(heard(&*usage).await.unwrap(), KeyChange::Key(key_id("000000000001")));
}
