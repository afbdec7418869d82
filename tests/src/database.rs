//! A database for the processes under test: a SQLite file or a Postgres database of their own.

use std::path::{Path, PathBuf};

use billing_testkit::postgres::TestDatabase;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};
use tempfile::TempDir;

use crate::runtime;

/// Which store the processes use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Store {
    /// A SQLite file.
    Sqlite,
    /// A Postgres database.
    Postgres,
}

/// A database that is gone with this value.
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
    /// Its table.
    pub table: String,
    /// Its column.
    pub column: String,
    /// The column's declared type, in lower case.
    pub kind: String,
    /// The value as text.
    pub value: String,
}

impl Store {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    /// `sqlite` or `postgres`, as test names start.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

impl Database {
    /// Makes an empty one, without our tables.
    ///
    /// # Panics
    /// When the system does not give a folder or a server.
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

    /// Which store it is.
    #[must_use]
    pub const fn store(&self) -> Store {
        self.store
    }

    /// What `BILLING_DATABASE_URL` is set to.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A folder that lives as long as the database: the working folder of its processes.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The SQLite file, whether it exists or not.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("data/portal.db")
    }

    /// Runs one statement.
    ///
    /// # Panics
    /// When the database refuses it.
    pub fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        runtime::wait(async {
            match &self.postgres {
                Some(database) => {
                    sqlx::raw_sql(sql)
                        .execute(&mut database.connect().await)
                        .await
                        .expect("the statement holds");
                }
                None => {
                    sqlx::raw_sql(sql)
                        .execute(&mut self.sqlite().await)
                        .await
                        .expect("the statement holds");
                }
            }
        });
    }

    /// The first column of what a query finds, as text.
    ///
    /// # Panics
    /// When the database refuses it, or the column is no text.
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
        .expect("the query holds")
    }

    /// Everything that is in it.
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
            // What is no text (a checksum's bytes) cannot hold one of our texts.
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
