//! Contract of every [`Database`].

#![expect(missing_docs, reason = "the cases' names state the guarantees")]

use billing_domain::ports::{Database, RepoError, SchemaState};
use futures_util::future::join_all;

/// Runs every case against a database without tables: `database_contract!(make)`. `make` is an
/// async function that returns an `Arc<dyn Database>` and the resources to keep alive.
#[macro_export]
macro_rules! database_contract {
    ($make:path) => {
        $crate::contract_tests!(
            database_contract,
            $make,
            [
                an_empty_database_lacks_all_migrations,
                a_migrated_database_is_current,
                migrating_again_applies_nothing,
                concurrent_migrations_run_each_step_once,
                a_closed_database_is_unavailable,
                closing_twice_is_allowed,
            ]
        );
    };
}

async fn missing(database: &dyn Database) -> usize {
    match database.schema().await.unwrap() {
        SchemaState::Behind { missing } => missing,
        other => panic!("an empty database is {other:?}"),
    }
}

pub async fn an_empty_database_lacks_all_migrations(database: &dyn Database) {
    let all = missing(database).await;
    assert!(all > 0);
    // Reading the state changes nothing.
    assert_eq!(missing(database).await, all);
    assert!(!database.schema().await.unwrap().is_compatible());
}

pub async fn a_migrated_database_is_current(database: &dyn Database) {
    let all = missing(database).await;
    assert_eq!(database.migrate().await.unwrap(), all);
    assert_eq!(database.schema().await.unwrap(), SchemaState::Current);
}

pub async fn migrating_again_applies_nothing(database: &dyn Database) {
    database.migrate().await.unwrap();
    assert_eq!(database.migrate().await.unwrap(), 0);
    assert_eq!(database.schema().await.unwrap(), SchemaState::Current);
}

pub async fn concurrent_migrations_run_each_step_once(database: &dyn Database) {
    let all = missing(database).await;
    let counts = join_all((0..8).map(|_| database.migrate())).await;
    assert_eq!(counts.into_iter().map(Result::unwrap).sum::<usize>(), all);
    assert_eq!(database.schema().await.unwrap(), SchemaState::Current);
}

pub async fn a_closed_database_is_unavailable(database: &dyn Database) {
    database.migrate().await.unwrap();
    database.close().await;
    assert!(matches!(database.schema().await, Err(RepoError::Unavailable(_))));
    assert!(matches!(database.migrate().await, Err(RepoError::Unavailable(_))));
}

pub async fn closing_twice_is_allowed(database: &dyn Database) {
    database.close().await;
    database.close().await;
}
