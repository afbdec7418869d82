//! [`Engine`]: the properties of a database that the shared code needs.

use std::fmt::Debug;

use sqlx::error::DatabaseError;
use sqlx::{Connection, Database, Error};

/// A connection to an engine's database.
pub type ConnectionOf<E> = <<E as Engine>::Driver as Database>::Connection;

/// The connection options of an engine's database.
pub type OptionsOf<E> = <ConnectionOf<E> as Connection>::Options;

/// The kind of a database error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A retry may succeed.
    Unavailable,
    /// The schema does not match this version.
    Schema,
    /// The statement is invalid or breaks a constraint.
    Refused,
}

/// The differences between the databases.
pub trait Engine: Debug + Send + Sync + 'static {
    /// The driver.
    type Driver: Database;

    /// The statement that begins a write transaction.
    const BEGIN_WRITE: &'static str;

    /// Whether a batch of rows is one statement, which needs no explicit transaction.
    const BATCH_IS_ONE_STATEMENT: bool;

    /// Prepares the database file before the first connection.
    fn prepare(&self) -> impl Future<Output = Result<(), Error>> + Send;

    /// Classifies a database error by its code.
    fn classify(error: &dyn DatabaseError) -> ErrorKind;

    /// Returns whether the error reports a missing table.
    fn is_missing_table(error: &dyn DatabaseError) -> bool;
}
