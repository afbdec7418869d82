//! Unavailable servers: every call returns in time, and later calls work.

use std::time::{Duration, Instant};

use crate::fixture::Fixture;
use crate::shared::fixture::open;
use billing_domain::Mode;
use billing_domain::ports::{CustomerRepo, RepoError, SchemaState};
use billing_testkit::postgres::Cluster;
use billing_testkit::samples::{account, add_link, customer, link, remove_link, user};
use sqlx::Executor;
use tokio::net::TcpListener;

/// The limit is 3 s; the rest is for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(20);

async fn find_is_unavailable(customers: &dyn CustomerRepo) {
    let start = Instant::now();
    let result = customers.find(&user("ann"), &account("stripe", Mode::Test)).await;
    assert!(matches!(result, Err(RepoError::Unavailable(_))), "{result:?}");
    assert!(start.elapsed() < TIMEOUT);
}

#[tokio::test]
async fn first_call_after_server_restart_succeeds() {
    let cluster = Cluster::start();
    let fixture = Fixture(cluster.database().await);
    let customers = fixture.migrated().await.customers();
    let (ann, at) = (user("ann"), account("stripe", Mode::Test));
    let to = link(&ann, &at, &customer("cus_1"));
    add_link(&*customers, &to).await.unwrap();
    // The pool has several idle connections when the server stops.
    tokio::join!(customers.list(&ann), customers.list(&ann), customers.list(&ann)).0.unwrap();

    cluster.stop();
    find_is_unavailable(&*customers).await;
    cluster.resume().await;
    assert_eq!(customers.find(&ann, &at).await.unwrap(), Some(customer("cus_1")));

    // The same without a failed call in between, and with a write.
    tokio::join!(customers.list(&ann), customers.list(&ann), customers.list(&ann)).0.unwrap();
    cluster.stop();
    cluster.resume().await;
    remove_link(&*customers, &ann, &at).await.unwrap();
    assert_eq!(customers.find(&ann, &at).await.unwrap(), None);
}

#[tokio::test]
async fn store_opens_before_server_starts() {
    let cluster = Cluster::start();
    let fixture = Fixture(cluster.database().await);
    cluster.stop();
    let database = fixture.store().database();
    assert!(matches!(database.schema().await, Err(RepoError::Unavailable(_))));
    assert!(matches!(database.migrate().await, Err(RepoError::Unavailable(_))));
    cluster.resume().await;
    assert!(database.migrate().await.unwrap() > 0);
    assert_eq!(database.schema().await.unwrap(), SchemaState::Current);
}

#[tokio::test]
async fn silent_server_is_unavailable_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let store = open(&format!("postgres://u:canary@{}/d", listener.local_addr().unwrap()));
    let (customers, database) = (store.customers(), store.database());
    let (_, schema, migrated) =
        tokio::join!(find_is_unavailable(&*customers), database.schema(), database.migrate());
    assert!(matches!(schema, Err(RepoError::Unavailable(_))), "{schema:?}");
    assert!(matches!(migrated, Err(RepoError::Unavailable(_))), "{migrated:?}");
    assert!(!format!("{schema:?} {store:?} {customers:?} {database:?}").contains("canary"));
}

#[tokio::test]
async fn closed_port_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let store = open(&format!("postgres://u@{}/d", listener.local_addr().unwrap()));
    drop(listener);
    find_is_unavailable(&*store.customers()).await;
}

#[tokio::test]
async fn missing_database_is_unavailable() {
    let fixture = Fixture::new().await;
    let url = fixture.url().replace(fixture.0.name(), "billing_no_such_database");
    find_is_unavailable(&*open(&url).customers()).await;
}

#[tokio::test]
async fn blocked_statement_is_cancelled_by_client_and_server() {
    let fixture = Fixture::new().await;
    let customers = fixture.migrated().await.customers();
    let to = link(&user("ann"), &account("stripe", Mode::Test), &customer("cus_1"));
    let mut other = fixture.connect().await;
    other.execute("BEGIN; LOCK TABLE billing_customers IN ACCESS EXCLUSIVE MODE").await.unwrap();
    // More calls than connections in the pool.
    let calls = (0..15).map(|_| find_is_unavailable(&*customers));
    futures_util::future::join_all(calls).await;
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let deadline = Instant::now() + TIMEOUT;
    while sqlx::query_scalar::<_, i64>(waiting)
        .fetch_one(&mut fixture.connect().await)
        .await
        .unwrap()
        > 0
    {
        assert!(Instant::now() < deadline, "the server still runs cancelled statements");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    other.execute("ROLLBACK").await.unwrap();
    add_link(&*customers, &to).await.unwrap();
    assert_eq!(customers.list(&to.owner).await.unwrap(), [to]);
}

#[tokio::test]
async fn waiting_migration_is_not_limited_by_call_limit() {
    let fixture = Fixture::new().await;
    let database = fixture.store().database();
    // Another process migrates for longer than the limit of a call.
    let mut other = fixture.connect().await;
    sqlx::migrate::Migrate::lock(&mut other).await.unwrap();
    let migrating = tokio::spawn({
        let database = database.clone();
        async move { database.migrate().await }
    });
    other.execute("SELECT pg_sleep(4)").await.unwrap();
    assert!(!migrating.is_finished());
    sqlx::migrate::Migrate::unlock(&mut other).await.unwrap();
    assert!(migrating.await.unwrap().unwrap() > 0);
}
