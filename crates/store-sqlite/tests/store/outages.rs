//! Unavailable files: every call returns, and later calls work.

use std::time::{Duration, Instant};

use crate::fixture::Fixture;
use crate::shared::fixture::open;
use billing_domain::Mode;
use billing_domain::ports::{RepoError, SchemaState};
use billing_testkit::samples::{account, add_link, customer, link, user};
use sqlx::Executor;

/// The limit is 3 s; the rest is for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn locked_file_blocks_writes_and_allows_reads() {
    let fixture = Fixture::new().await;
    let customers = fixture.migrated().await.customers();
    let (ann, at) = (user("ann"), account("stripe", Mode::Test));
    let to = link(&ann, &at, &customer("cus_1"));
    let mut writer = fixture.connect().await;
    writer.execute("BEGIN IMMEDIATE").await.unwrap();
    let start = Instant::now();
    let refused = add_link(&*customers, &to).await;
    assert!(matches!(refused, Err(RepoError::Unavailable(_))), "{refused:?}");
    assert!(start.elapsed() < TIMEOUT);
    assert_eq!(customers.find(&ann, &at).await.unwrap(), None);
    writer.execute("ROLLBACK").await.unwrap();
    add_link(&*customers, &to).await.unwrap();
    assert_eq!(customers.find(&ann, &at).await.unwrap(), Some(customer("cus_1")));
}

#[tokio::test]
async fn path_is_unavailable_while_it_is_a_folder() {
    let fixture = Fixture::new().await;
    std::fs::create_dir_all(fixture.file()).unwrap();
    let database = fixture.store().database();
    assert!(matches!(database.schema().await, Err(RepoError::Unavailable(_))));
    assert!(matches!(database.migrate().await, Err(RepoError::Unavailable(_))));
    std::fs::remove_dir(fixture.file()).unwrap();
    assert!(matches!(database.schema().await, Ok(SchemaState::Behind { .. })));
}

#[tokio::test]
async fn path_is_unavailable_when_parent_is_a_file() {
    let fixture = Fixture::new().await;
    let folder = fixture.file().parent().unwrap().to_owned();
    std::fs::write(&folder, "").unwrap();
    assert!(matches!(fixture.store().database().schema().await, Err(RepoError::Unavailable(_))));
}

#[tokio::test]
async fn other_file_is_a_schema_error_and_is_not_changed() {
    let fixture = Fixture::new().await;
    std::fs::create_dir_all(fixture.file().parent().unwrap()).unwrap();
    let text = "not a database, and longer than a header of one hundred bytes. ".repeat(4);
    std::fs::write(fixture.file(), &text).unwrap();
    let database = fixture.store().database();
    assert!(matches!(database.schema().await, Err(RepoError::Schema(_))));
    assert!(matches!(database.migrate().await, Err(RepoError::Schema(_))));
    assert_eq!(std::fs::read_to_string(fixture.file()).unwrap(), text);
}

#[tokio::test]
async fn open_creates_no_file() {
    let fixture = Fixture::new().await;
    let store = fixture.store();
    let _ports = (store.customers(), store.api_keys(), store.database());
    assert!(!fixture.file().parent().unwrap().exists());
}

#[tokio::test]
async fn concurrent_stores_create_and_migrate_a_new_file() {
    for _ in 0..10 {
        let fixture = Fixture::new().await;
        let migrating: Vec<_> = (0..4)
            .map(|_| {
                let database = open(&fixture.url()).database();
                tokio::spawn(async move { database.migrate().await.unwrap() })
            })
            .collect();
        let mut total = 0;
        for one in migrating {
            total += one.await.unwrap();
        }
        assert_eq!(fixture.store().database().schema().await.unwrap(), SchemaState::Current);
        assert!(total > 0);
    }
}
