//! Both dialects have migrations with the same numbers and names, which create the same tables.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use billing_testkit::postgres::TestDatabase;
use secrecy::SecretString;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, FromRow};
use store_postgres::{PgSettings, PgStore};
use store_sqlite::{SqliteSettings, SqliteStore};

/// The properties of a table that both dialects share.
#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    /// Columns in order.
    columns: Vec<Column>,
    primary_key: Vec<String>,
    /// Indices by name, with uniqueness and ordered columns. The primary key's index is omitted.
    indices: BTreeMap<String, (Vec<String>, bool)>,
    /// Names of primary key, unique, check and foreign key constraints.
    constraints: BTreeSet<String>,
}

#[derive(Debug, PartialEq, Eq, FromRow)]
struct Column {
    name: String,
    /// The type's name in Postgres.
    kind: String,
    nullable: bool,
    default_value: Option<String>,
}

/// One column of one index.
#[derive(FromRow)]
struct IndexColumn {
    index_name: String,
    column_name: String,
    is_unique: bool,
    is_primary: bool,
}

impl Table {
    fn add_indices(&mut self, columns: Vec<IndexColumn>) {
        for column in columns {
            if column.is_primary {
                self.primary_key.push(column.column_name);
            } else {
                let (columns, unique) = self.indices.entry(column.index_name).or_default();
                columns.push(column.column_name);
                *unique = column.is_unique;
            }
        }
    }
}

/// Reads the tables. Tables with a leading underscore are internal to one dialect and omitted.
async fn sqlite_tables(connection: &mut SqliteConnection) -> BTreeMap<String, Table> {
    let listed: Vec<(String, String)> = sqlx::query_as(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'
                        AND name <> 'sqlite_sequence'",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    let mut tables = BTreeMap::new();
    for (name, sql) in listed {
        let columns = sqlx::query_as(
            "SELECT name, CASE type WHEN 'TEXT' THEN 'text' WHEN 'INTEGER' THEN 'bigint' ELSE type END AS kind,
                    \"notnull\" = 0 AS nullable, dflt_value AS default_value
             FROM pragma_table_xinfo(?1) ORDER BY cid",
        );
        let columns = columns.bind(&name).fetch_all(&mut *connection).await.unwrap();
        let constraints =
            sql.split("CONSTRAINT ").skip(1).filter_map(|rest| rest.split_whitespace().next());
        let mut table = Table {
            columns,
            constraints: constraints.map(str::to_owned).collect(),
            ..Table::default()
        };
        let indices = sqlx::query_as(
            "SELECT list.name AS index_name, info.name AS column_name, list.\"unique\" = 1 AS is_unique,
                    list.origin = 'pk' AS is_primary
             FROM pragma_index_list(?1) AS list, pragma_index_info(list.name) AS info ORDER BY list.name, info.seqno",
        );
        table.add_indices(indices.bind(&name).fetch_all(&mut *connection).await.unwrap());
        if table.primary_key.is_empty() {
            // An integer primary key is the row id and needs no index.
            let key = sqlx::query_scalar(
                "SELECT name FROM pragma_table_xinfo(?1) WHERE pk > 0 ORDER BY pk",
            );
            table.primary_key = key.bind(&name).fetch_all(&mut *connection).await.unwrap();
        }
        tables.insert(name, table);
    }
    tables
}

/// Reads the tables, like `sqlite_tables`.
async fn postgres_tables(connection: &mut PgConnection) -> BTreeMap<String, Table> {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND NOT starts_with(tablename, '_')",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    let mut tables = BTreeMap::new();
    for name in names {
        let columns = sqlx::query_as(
            "SELECT column_name::text AS name, data_type::text AS kind, is_nullable = 'YES' AS nullable,
                    column_default::text AS default_value
             FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1 ORDER BY ordinal_position",
        );
        let columns = columns.bind(&name).fetch_all(&mut *connection).await.unwrap();
        let constraints = sqlx::query_scalar::<_, String>(
            "SELECT conname::text FROM pg_constraint WHERE conrelid = $1::regclass AND contype IN ('p', 'u', 'c', 'f')",
        );
        let constraints = constraints.bind(&name).fetch_all(&mut *connection).await.unwrap();
        let mut table =
            Table { columns, constraints: constraints.into_iter().collect(), ..Table::default() };
        let indices = sqlx::query_as(
            "SELECT class.relname::text AS index_name, attribute.attname::text AS column_name,
                    pg_index.indisunique AS is_unique, pg_index.indisprimary AS is_primary
             FROM pg_index
             JOIN pg_class AS class ON class.oid = indexrelid
             JOIN unnest(indkey::int2[]) WITH ORDINALITY AS key (number, place) ON true
             JOIN pg_attribute AS attribute ON attribute.attrelid = indrelid AND attribute.attnum = key.number
             WHERE indrelid = $1::regclass ORDER BY class.relname, key.place",
        );
        table.add_indices(indices.bind(&name).fetch_all(&mut *connection).await.unwrap());
        tables.insert(name, table);
    }
    tables
}

#[tokio::test]
async fn both_stores_have_the_same_tables() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("billing.db");
    let settings =
        SqliteSettings::from_url(&SecretString::from(format!("sqlite://{}", file.display())))
            .unwrap();
    SqliteStore::open(settings).0.database().migrate().await.unwrap();
    let mut connection = SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
    let on_sqlite = sqlite_tables(&mut connection).await;

    let database = TestDatabase::create().await;
    let settings = PgSettings::from_url(&SecretString::from(database.url())).unwrap();
    PgStore::open(settings).0.database().migrate().await.unwrap();
    let on_postgres = postgres_tables(&mut database.connect().await).await;

    let names: Vec<_> = on_sqlite.keys().map(String::as_str).collect();
    let expected = [
        "api_keys",
        "audit_log",
        "billing_customers",
        "checkout_requests",
        "customer_claims",
        "customer_mirror",
        "leaderships",
        "subscription_mirror",
        "webhook_events",
    ];
    assert_eq!(names, expected);
    assert!(on_sqlite.values().all(|table| table.constraints.len() > 1), "{on_sqlite:?}");
    assert!(
        on_sqlite.values().filter(|table| table.indices.is_empty()).count() == 2,
        "{on_sqlite:?}"
    );
    for (name, table) in &on_sqlite {
        assert!(!table.columns.is_empty() && !table.primary_key.is_empty(), "{name}: {table:?}");
        assert_eq!(Some(table), on_postgres.get(name), "{name}: left is SQLite, right is Postgres");
    }
    assert_eq!(on_sqlite.len(), on_postgres.len());
}

fn migrations(dialect: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(dialect);
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn both_stores_have_migrations_of_the_same_numbers_and_names() {
    let names = migrations("sqlite");
    assert_eq!(names, migrations("postgres"));
    // Numbers start at 0001 without a gap, so that no new migration precedes an applied one.
    for (number, name) in (1..).zip(&names) {
        assert!(name.starts_with(&format!("{number:04}_")) && name.ends_with(".sql"), "{name}");
    }
}
