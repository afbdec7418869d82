//! Reports of key changes until the store is closed.

use std::time::Duration;

use crate::fixture::Fixture;
use billing_domain::ports::{ApiKeyUsage, KeyChange, RepoError};
use tokio::time::timeout;

const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) async fn next_change(usage: &dyn ApiKeyUsage) -> Result<KeyChange, RepoError> {
    timeout(TIMEOUT, usage.next_change()).await.unwrap()
}

#[tokio::test]
async fn next_change_fails_when_store_is_closed() {
    let fixture = Fixture::new().await;
    let store = fixture.migrated().await;
    let usage = store.usage();
    assert_eq!(next_change(&*usage).await.unwrap(), KeyChange::Unknown);
    let database = store.database();
    let (ended, ()) = tokio::join!(next_change(&*usage), database.close());
    assert!(matches!(ended, Err(RepoError::Unavailable(_))));
    assert!(matches!(next_change(&*usage).await, Err(RepoError::Unavailable(_))));
}
