//! Changes of keys, until the store is closed.

use std::time::Duration;

use crate::place::Place;
use billing_domain::ports::{ApiKeyUsage, KeyChange, RepoError};
use tokio::time::timeout;

const GENEROUS: Duration = Duration::from_secs(30);

pub(crate) async fn heard(usage: &dyn ApiKeyUsage) -> Result<KeyChange, RepoError> {
    timeout(GENEROUS, usage.next_change()).await.unwrap()
}

#[tokio::test]
async fn closing_the_store_ends_listening() {
    let place = Place::new().await;
    let store = place.migrated().await;
    let usage = store.usage();
    assert_eq!(heard(&*usage).await.unwrap(), KeyChange::Unknown);
    let database = store.database();
    let (ended, ()) = tokio::join!(heard(&*usage), database.close());
    assert!(matches!(ended, Err(RepoError::Unavailable(_))));
    assert!(matches!(heard(&*usage).await, Err(RepoError::Unavailable(_))));
}
