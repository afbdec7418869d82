//! Files that are not to be had: every call gives an answer, and later calls work.

use std::time::{Duration, Instant};

use crate::place::{Place, open};
use billing_domain::Mode;
use billing_domain::ports::{RepoError, SchemaState};
use billing_testkit::samples::{account, add_link, customer, link, user};
use sqlx::Executor;

/// The limit is 3 s; the rest is for a machine that is busy with something else.
const GENEROUS: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_writer_who_does_not_leave_makes_writing_unavailable_and_reading_goes_on() {
    let place = Place::new().await;
    let customers = place.migrated().await.customers();
    let (ann, at) = (user("ann"), account("stripe", Mode::Test));
    let to = link(&ann, &at, &customer("cus_1"));
    let mut writer = place.connect().await;
    writer.execute("BEGIN IMMEDIATE").await.unwrap();
    let start = Instant::now();
    let refused = add_link(&*customers, &to).await;
    assert!(matches!(refused, Err(RepoError::Unavailable(_))), "{refused:?}");
    assert!(start.elapsed() < GENEROUS);
    assert_eq!(customers.find(&ann, &at).await.unwrap(), None);
    writer.execute("ROLLBACK").await.unwrap();
    add_link(&*customers, &to).await.unwrap();
    assert_eq!(customers.find(&ann, &at).await.unwrap(), Some(customer("cus_1")));
}

#[tokio::test]
async fn a_path_that_cannot_be_a_file_is_unavailable_until_it_can() {
    let place = Place::new().await;
    std::fs::create_dir_all(place.file()).unwrap();
    let database = place.store().database();
    assert!(matches!(database.schema().await, Err(RepoError::Unavailable(_))));
    assert!(matches!(database.migrate().await, Err(RepoError::Unavailable(_))));
    std::fs::remove_dir(place.file()).unwrap();
    assert!(matches!(database.schema().await, Ok(SchemaState::Behind { .. })));
}

#[tokio::test]
async fn a_folder_that_is_a_file_is_unavailable() {
    let place = Place::new().await;
    let folder = place.file().parent().unwrap().to_owned();
    std::fs::write(&folder, "").unwrap();
    assert!(matches!(place.store().database().schema().await, Err(RepoError::Unavailable(_))));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_a_schema_error_and_stays_as_it_is() {
    let place = Place::new().await;
    std::fs::create_dir_all(place.file().parent().unwrap()).unwrap();
    let text = "not a database, and longer than a header of one hundred bytes. ".repeat(4);
    std::fs::write(place.file(), &text).unwrap();
    let database = place.store().database();
    assert!(matches!(database.schema().await, Err(RepoError::Schema(_))));
    assert!(matches!(database.migrate().await, Err(RepoError::Schema(_))));
    assert_eq!(std::fs::read_to_string(place.file()).unwrap(), text);
}

#[tokio::test]
async fn opening_touches_nothing() {
    let place = Place::new().await;
    let store = place.store();
    let _ports = (store.customers(), store.api_keys(), store.database());
    assert!(!place.file().parent().unwrap().exists());
}

#[tokio::test]
async fn many_stores_open_a_new_file_at_once() {
    for _ in 0..10 {
        let place = Place::new().await;
        let migrating: Vec<_> = (0..4)
            .map(|_| {
                let database = open(&place.url()).database();
                tokio::spawn(async move { database.migrate().await.unwrap() })
            })
            .collect();
        let mut total = 0;
        for one in migrating {
            total += one.await.unwrap();
        }
        assert_eq!(place.store().database().schema().await.unwrap(), SchemaState::Current);
        assert!(total > 0);
    }
}
