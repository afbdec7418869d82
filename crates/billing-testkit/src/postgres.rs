//! A Postgres for tests: a throwaway cluster of the installed server, or the server in
//! `TEST_POSTGRES_URL`. Each test gets a new database.
//!
//! The cluster lives in a temporary directory and listens only on a Unix socket there. If the
//! caller is root, it runs as a plain user. When the test process ends, also by a kill, its
//! processes and files are removed. A test without Postgres fails and names the package to
//! install.

mod binaries;
mod cluster;
mod database;
mod keeper;

pub use cluster::Cluster;
pub use database::TestDatabase;
