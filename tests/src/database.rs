//! A database for the processes under test: a new SQLite file or Postgres database.

use std::path::{Path, PathBuf};

use billing_testkit::postgres::TestDatabase;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};
use tempfile::TempDir;

use crate::runtime;

/// The database system of the processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Store {
    /// A SQLite file.
    Sqlite,
    /// A Postgres database.
    Postgres,
}

/// A database. Dropping this value deletes it.
#[derive(Debug)]
pub struct Database {
    store: Store,
    url: String,
    folder: TempDir,
    postgres: Option<TestDatabase>,
}

/// One value in a database.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The value's table.
    pub table: String,
    /// The value's column.
    pub column: String,
    /// The column's declared type, in lower case.
    pub kind: String,
    /// The value as text.
    pub value: String,
}

impl Store {
    /// Both stores.
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// Returns `sqlite` or `postgres`, the prefix of test names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

impl Database {
    /// Creates an empty database, without our tables.
    ///
    /// # Panics
    /// When a folder or a server cannot be created.
    #[must_use]
    pub fn create(store: Store) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let postgres = (store == Store::Postgres).then(|| runtime::wait(TestDatabase::create()));
        let url = match &postgres {
            Some(database) => database.url().to_owned(),
            None => format!("sqlite://{}/data/portal.db", folder.path().display()),
        };
        Self { store, url, folder, postgres }
    }

    /// Returns the database system.
    #[must_use]
    pub const fn store(&self) -> Store {
        self.store
    }

    /// Returns the value for `BILLING_DATABASE_URL`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the working folder of the processes. It exists as long as the database.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the path of the SQLite file, which may not exist.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("data/portal.db")
    }

    /// Runs one statement.
    ///
    /// # Panics
    /// When the statement fails.
    pub fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        runtime::wait(async {
            match &self.postgres {
                Some(database) => {
                    sqlx::raw_sql(sql)
                        .execute(&mut database.connect().await)
                        .await
                        .expect("the statement succeeds");
                }
                None => {
                    sqlx::raw_sql(sql)
                        .execute(&mut self.sqlite().await)
                        .await
                        .expect("the statement succeeds");
                }
            }
        });
    }

    /// Returns the first column of a query's rows as text.
    ///
    /// # Panics
    /// When the query fails or the column is not text.
    #[must_use]
    pub fn texts(&self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        runtime::wait(async {
            match &self.postgres {
                Some(database) => {
                    sqlx::query_scalar(sql).fetch_all(&mut database.connect().await).await
                }
                None => sqlx::query_scalar(sql).fetch_all(&mut self.sqlite().await).await,
            }
        })
        .expect("the query succeeds")
    }

    /// Returns all values in the database.
    ///
    /// # Panics
    /// When the database cannot be read.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        runtime::wait(async {
            match &self.postgres {
                Some(database) => postgres_cells(database).await,
                None => sqlite_cells(&mut self.sqlite().await).await,
            }
        })
    }

    async fn sqlite(&self) -> SqliteConnection {
        SqliteConnection::connect(&format!("sqlite://{}", self.file().display()))
            .await
            .expect("the file opens")
    }
}

async fn sqlite_cells(connection: &mut SqliteConnection) -> Vec<Cell> {
    let columns = "SELECT m.name AS t, c.name AS c, lower(c.type) AS k FROM sqlite_master m, pragma_table_info(m.name) c \
                   WHERE m.type = 'table'";
    let columns = sqlx::query(columns).fetch_all(&mut *connection).await.expect("columns");
    let mut cells = Vec::new();
    for row in columns {
        let (table, column, kind): (String, String, String) =
            (row.get("t"), row.get("c"), row.get("k"));
        let sql = format!(
            "SELECT CAST(\"{column}\" AS TEXT) AS v FROM \"{table}\" WHERE \"{column}\" IS NOT NULL"
        );
        let values =
            sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *connection).await.expect("values");
        for value in values {
            // Values that are not text, such as a checksum's bytes, are skipped.
            let value: String = value.try_get("v").unwrap_or_default();
            cells.push(Cell {
                table: table.clone(),
                column: column.clone(),
                kind: kind.clone(),
                value,
            });
        }
    }
    cells
}

async fn postgres_cells(database: &TestDatabase) -> Vec<Cell> {
    let mut connection = database.connect().await;
    let columns = "SELECT table_schema::text AS s, table_name::text AS t, column_name::text AS c, data_type::text AS k \
                   FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema')";
    let columns = sqlx::query(columns).fetch_all(&mut connection).await.expect("columns");
    let mut cells = Vec::new();
    for row in columns {
        let (schema, table, column, kind): (String, String, String, String) =
            (row.get("s"), row.get("t"), row.get("c"), row.get("k"));
        let sql = format!(
            "SELECT \"{column}\"::text AS v FROM \"{schema}\".\"{table}\" WHERE \"{column}\" IS NOT NULL"
        );
        let values =
            sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection).await.expect("values");
        for value in values {
            let table = format!("{schema}.{table}");
            cells.push(Cell {
                table,
                column: column.clone(),
                kind: kind.clone(),
                value: value.get("v"),
            });
        }
    }
    cells
}
