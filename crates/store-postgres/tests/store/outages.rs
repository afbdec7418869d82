//! Servers that are not to be had: every call gives an answer in time, and later calls work.

use std::time::{Duration, Instant};

use crate::place::{Place, open};
use billing_domain::Mode;
use billing_domain::ports::{CustomerRepo, RepoError, SchemaState};
use billing_testkit::postgres::Cluster;
use billing_testkit::samples::{account, add_link, customer, link, remove_link, user};
use sqlx::Executor;
use tokio::net::TcpListener;

/// The limit is 3 s; the rest is for a machine that is busy with something else.
const GENEROUS: Duration = Duration::from_secs(20);

async fn find_is_unavailable(customers: &dyn CustomerRepo) {
    let start = Instant::now();
    let result = customers.find(&user("ann"), &account("stripe", Mode::Test)).await;
    assert!(matches!(result, Err(RepoError::Unavailable(_))), "{result:?}");
    assert!(start.elapsed() < GENEROUS);
}

#[tokio::test]
async fn a_server_that_comes_back_is_used_again_without_one_failed_call() {
    let cluster = Cluster::start();
    let place = Place(cluster.database().await);
    let customers = place.migrated().await.customers();
    let (ann, at) = (user("ann"), account("stripe", Mode::Test));
    let to = link(&ann, &at, &customer("cus_1"));
    add_link(&*customers, &to).await.unwrap();
    // Several connections are idle in the pool when the server dies.
    tokio::join!(customers.list(&ann), customers.list(&ann), customers.list(&ann)).0.unwrap();

    cluster.stop();
    find_is_unavailable(&*customers).await;
    cluster.resume().await;
    assert_eq!(customers.find(&ann, &at).await.unwrap(), Some(customer("cus_1")));

    // The same without a call in between: only the dead connections know. Reads and writes alike.
    tokio::join!(customers.list(&ann), customers.list(&ann), customers.list(&ann)).0.unwrap();
    cluster.stop();
    cluster.resume().await;
    remove_link(&*customers, &ann, &at).await.unwrap();
    assert_eq!(customers.find(&ann, &at).await.unwrap(), None);
}

#[tokio::test]
async fn a_store_opens_before_its_server() {
    let cluster = Cluster::start();
    let place = Place(cluster.database().await);
    cluster.stop();
    let database = place.store().database();
    assert!(matches!(database.schema().await, Err(RepoError::Unavailable(_))));
    assert!(matches!(database.migrate().await, Err(RepoError::Unavailable(_))));
    cluster.resume().await;
    assert!(database.migrate().await.unwrap() > 0);
    assert_eq!(database.schema().await.unwrap(), SchemaState::Current);
}

#[tokio::test]
async fn a_listener_that_never_answers_is_unavailable_in_time() {
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
async fn a_port_that_nobody_listens_on_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let store = open(&format!("postgres://u@{}/d", listener.local_addr().unwrap()));
    drop(listener);
    find_is_unavailable(&*store.customers()).await;
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_unavailable() {
    let place = Place::new().await;
    let url = place.url().replace(place.0.name(), "billing_no_such_database");
    find_is_unavailable(&*open(&url).customers()).await;
}

#[tokio::test]
async fn a_statement_that_waits_too_long_is_given_up_on_both_sides() {
    let place = Place::new().await;
    let customers = place.migrated().await.customers();
    let to = link(&user("ann"), &account("stripe", Mode::Test), &customer("cus_1"));
    let mut other = place.connect().await;
    other.execute("BEGIN; LOCK TABLE billing_customers IN ACCESS EXCLUSIVE MODE").await.unwrap();
    // More calls than the pool has connections.
    let calls = (0..15).map(|_| find_is_unavailable(&*customers));
    futures_util::future::join_all(calls).await;
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let deadline = Instant::now() + GENEROUS;
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut place.connect().await).await.unwrap()
        > 0
    {
        assert!(Instant::now() < deadline, "the server still works on what nobody waits for");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    other.execute("ROLLBACK").await.unwrap();
    add_link(&*customers, &to).await.unwrap();
    assert_eq!(customers.list(&to.owner).await.unwrap(), [to]);
}

#[tokio::test]
async fn a_migration_that_waits_for_another_one_is_not_bound_by_a_calls_limit() {
    let place = Place::new().await;
    let database = place.store().database();
    // Somebody else migrates: what they do takes longer than a call may.
    let mut other = place.connect().await;
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
