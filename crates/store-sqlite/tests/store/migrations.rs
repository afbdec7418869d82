//! Migrations that meet other releases, other processes, and tables that stand in the way.

use std::process::{Command, Stdio};

use crate::place::{Place, open};
use billing_domain::ports::{OnConflict, RepoError, SchemaState};
use billing_domain::{Mode, Timestamp};
use billing_testkit::samples::{account, customer, key_id, link, stored_key, user};

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

const LATER_RELEASE: &str = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
    SELECT 9999, 'of a later release', success, checksum, 0 FROM _sqlx_migrations LIMIT 1";

#[tokio::test]
async fn an_unmigrated_database_is_a_schema_error_to_every_call() {
    let place = Place::new().await;
    let store = place.store();
    let (customers, keys) = (store.customers(), store.api_keys());
    let (ann, at, id) = (user("ann"), account("stripe", Mode::Test), key_id("000000000001"));
    let to = link(&ann, &at, &customer("cus_1"));
    let results = [
        customers.find(&ann, &at).await.err(),
        customers.link(&to, OnConflict::Keep, NOW).await.err(),
        customers.unlink(&ann, &at).await.err(),
        customers.list(&ann).await.err(),
        keys.insert(&stored_key("000000000001", &ann, NOW)).await.err(),
        keys.find(&id).await.err(),
        keys.list(None).await.err(),
        keys.list(Some(&ann)).await.err(),
        keys.revoke(&id, NOW).await.err(),
    ];
    for error in results {
        assert!(matches!(error, Some(RepoError::Schema(_))), "{error:?}");
    }
    // The store needs no restart once somebody has migrated.
    open(&place.url()).database().migrate().await.unwrap();
    assert_eq!(customers.find(&ann, &at).await.unwrap(), None);
}

#[tokio::test]
async fn migrations_of_a_later_release_are_accepted() {
    let place = Place::new().await;
    let database = place.migrated().await.database();
    place.execute(LATER_RELEASE).await;
    assert_eq!(database.schema().await.unwrap(), SchemaState::Newer);
    assert!(database.schema().await.unwrap().fits());
    assert_eq!(database.migrate().await.unwrap(), 0);
}

#[tokio::test]
async fn a_migration_that_changed_since_is_refused() {
    let place = Place::new().await;
    let database = place.migrated().await.database();
    place.execute("UPDATE _sqlx_migrations SET checksum = (SELECT checksum FROM _sqlx_migrations) || checksum").await;
    assert!(matches!(database.schema().await, Err(RepoError::Schema(_))));
    assert!(matches!(database.migrate().await, Err(RepoError::Schema(_))));
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    let place = Place::new().await;
    let database = place.store().database();
    let SchemaState::Behind { missing } = database.schema().await.unwrap() else { panic!("an empty database") };
    // The migration makes billing_customers before it finds this one in its way.
    place.execute("CREATE TABLE api_keys (id text)").await;
    assert!(matches!(database.migrate().await, Err(RepoError::Schema(_))));
    assert!(!place.has_table("billing_customers").await);
    assert_eq!(database.schema().await.unwrap(), SchemaState::Behind { missing });
    // Once the obstacle is gone, the same store migrates: the lock was not left behind either.
    place.execute("DROP TABLE api_keys").await;
    assert_eq!(database.migrate().await.unwrap(), missing);
    assert_eq!(database.schema().await.unwrap(), SchemaState::Current);
}

/// Runs itself in several other processes, which all migrate one database at once.
#[tokio::test]
async fn of_several_processes_that_migrate_at_once_each_step_runs_once() {
    const CHILD: &str = "MIGRATIONS_TEST_DATABASE";
    if let Ok(url) = std::env::var(CHILD) {
        let applied = open(&url).database().migrate().await.unwrap();
        println!("\napplied={applied};");
        return;
    }
    let place = Place::new().await;
    let children: Vec<_> = (0..6)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "migrations::of_several_processes_that_migrate_at_once_each_step_runs_once",
                    "--nocapture",
                ])
                .env(CHILD, place.url())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut total = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        let applied = text.split_once("applied=").unwrap().1.split_once(';').unwrap().0;
        total += applied.parse::<usize>().unwrap();
    }
    let database = place.store().database();
    assert_eq!(database.schema().await.unwrap(), SchemaState::Current);
    let steps: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations")
        .fetch_one(&mut place.connect().await)
        .await
        .unwrap();
    assert_eq!(i64::try_from(total).unwrap(), steps);
}
