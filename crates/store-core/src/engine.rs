//! [`Engine`]: what a database tells the shared code about itself.

use std::fmt::Debug;

use sqlx::error::DatabaseError;
use sqlx::{Connection, Database, Error};

/// A connection to an engine's database.
pub type ConnectionOf<E> = <<E as Engine>::Driver as Database>::Connection;

/// How to connect to an engine's database.
pub type OptionsOf<E> = <ConnectionOf<E> as Connection>::Options;

/// What an error of the database itself means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A later attempt may succeed.
    Unavailable,
    /// The tables are not those of this release.
    Schema,
    /// The statement is at fault.
    Refused,
}

/// The differences between the databases that every call depends on.
pub trait Engine: Debug + Send + Sync + 'static {
    /// The driver.
    type Driver: Database;

    /// The statement that begins a transaction which writes.
    const BEGIN_WRITE: &'static str;

    /// Whether many rows are written in one statement, which needs no transaction around it.
    const BATCH_IS_ONE_STATEMENT: bool;

    /// Prepares the place for connections, at the first call.
    fn prepare(&self) -> impl Future<Output = Result<(), Error>> + Send;

    /// What an error of the database means, by its code.
    fn classify(answer: &dyn DatabaseError) -> Kind;

    /// Whether the database reports that a table does not exist.
    fn is_missing_table(answer: &dyn DatabaseError) -> bool;
}
