//! A Postgres for tests: a throwaway cluster started from the installed server binaries, or the server that
//! `TEST_POSTGRES_URL` names; and in it a fresh database for each test.
//!
//! The throwaway cluster lives in a directory of its own, speaks over a Unix socket there and on no TCP port, runs as a plain
//! user where the caller is root, and is gone, processes and files, when the test process is: however that ends. A test
//! that finds no Postgres fails and says what to install; none is skipped.

mod binaries;
mod cluster;
mod database;
mod keeper;

pub use cluster::Cluster;
pub use database::TestDatabase;
