//! The search path selects the schema of the tables only if it is in the URL.

use crate::fixture::Fixture;
use crate::shared::fixture::open;
use billing_domain::Mode;
use billing_domain::ports::{RepoError, SchemaState};
use billing_testkit::samples::{account, add_link, customer, link, user};
use sqlx::AssertSqlSafe;

#[tokio::test]
async fn search_path_of_database_is_ignored() {
    let fixture = Fixture::new().await;
    // The default path is `"$user", public`, and the user `postgres` has a schema of this name.
    fixture.execute("CREATE SCHEMA elsewhere; CREATE SCHEMA postgres").await;
    fixture
        .execute(&format!("ALTER DATABASE {} SET search_path = elsewhere", fixture.0.name()))
        .await;
    let store = fixture.migrated().await;
    for table in ["billing_customers", "api_keys", "_sqlx_migrations"] {
        assert!(fixture.has_table_in("public", table).await, "{table}");
        assert!(!fixture.has_table_in("elsewhere", table).await, "{table}");
        assert!(!fixture.has_table_in("postgres", table).await, "{table}");
    }
    let to = link(&user("ann"), &account("stripe", Mode::Test), &customer("cus_1"));
    add_link(&*store.customers(), &to).await.unwrap();
    let count = "SELECT count(*) FROM public.billing_customers";
    assert_eq!(
        sqlx::query_scalar::<_, i64>(count).fetch_one(&mut fixture.connect().await).await.unwrap(),
        1
    );
}

#[tokio::test]
async fn search_path_of_role_is_ignored() {
    let fixture = Fixture::new().await;
    let role = format!("role_{}", fixture.0.name());
    fixture
        .execute(&format!(
            "CREATE ROLE {role} SUPERUSER LOGIN PASSWORD 'test'; CREATE SCHEMA elsewhere"
        ))
        .await;
    fixture
        .execute(&format!("ALTER ROLE {role} SET search_path = elsewhere; ALTER ROLE {role} SET statement_timeout = 1"))
        .await;
    let url = format!("{}?user={role}&password=test", fixture.url());
    let store = open(&url);
    store.database().migrate().await.unwrap();
    assert_eq!(store.database().schema().await.unwrap(), SchemaState::Current);
    assert!(fixture.has_table_in("public", "api_keys").await);
    assert!(!fixture.has_table_in("elsewhere", "api_keys").await);
    store.database().close().await;
    let mut admin = fixture.connect().await;
    sqlx::raw_sql(AssertSqlSafe(format!(
        "REASSIGN OWNED BY {role} TO CURRENT_USER; DROP ROLE {role}"
    )))
    .execute(&mut admin)
    .await
    .unwrap();
}

#[tokio::test]
async fn search_path_of_url_selects_schema() {
    let fixture = Fixture::new().await;
    fixture.execute("CREATE SCHEMA billing").await;
    let (own, public) =
        (open(&format!("{}?options=-csearch_path%3Dbilling", fixture.url())), fixture.store());
    own.database().migrate().await.unwrap();
    for table in ["billing_customers", "api_keys", "_sqlx_migrations"] {
        assert!(fixture.has_table_in("billing", table).await, "{table}");
        assert!(!fixture.has_table_in("public", table).await, "{table}");
    }
    assert!(matches!(public.database().schema().await.unwrap(), SchemaState::Behind { .. }));
    // Two installations in one database share no data.
    public.database().migrate().await.unwrap();
    let to = link(&user("ann"), &account("stripe", Mode::Test), &customer("cus_1"));
    add_link(&*own.customers(), &to).await.unwrap();
    assert_eq!(public.customers().list(&to.owner).await.unwrap(), []);
}

#[tokio::test]
async fn search_path_with_missing_schema_fails_to_migrate() {
    let fixture = Fixture::new().await;
    let database = open(&format!("{}?options[search_path]=missing", fixture.url())).database();
    assert!(matches!(database.schema().await.unwrap(), SchemaState::Behind { .. }));
    let error = database.migrate().await;
    assert!(matches!(error, Err(RepoError::Schema(_))), "{error:?}");
}
