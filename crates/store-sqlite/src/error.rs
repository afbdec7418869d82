//! What the driver's errors mean to the ports.

use std::time::Duration;

use billing_domain::ports::RepoError;
use sqlx::Error;
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;

/// What goes wrong inside a call, before it leaves as a [`RepoError`].
#[derive(Debug)]
pub(crate) enum StoreError {
    Driver(Error),
    Repo(RepoError),
}

/// What the driver said, as text. The driver's own error stays inside: its `Debug` shows the row that a constraint refused,
/// and a key's row must not reach a log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Said(String);

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl From<RepoError> for StoreError {
    fn from(error: RepoError) -> Self {
        Self::Repo(error)
    }
}

impl From<StoreError> for RepoError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Driver(error) => repo_error(&error),
            StoreError::Repo(error) => error,
        }
    }
}

/// No answer within `limit`.
pub(crate) fn timed_out(limit: Duration) -> RepoError {
    unavailable(format!("no answer within {} s", limit.as_secs()))
}

/// A stored value that does not parse.
pub(crate) fn corrupt(
    table: &'static str,
    column: &'static str,
    reason: impl ToString,
) -> RepoError {
    RepoError::Corrupt { table, column, reason: reason.to_string() }
}

/// The database is migrated otherwise than this binary expects.
pub(crate) fn schema(what: impl Into<String>) -> RepoError {
    RepoError::Schema(Box::new(Said(what.into())))
}

/// A statement that this version must not make.
pub(crate) fn refused(what: impl Into<String>) -> RepoError {
    RepoError::Refused(Box::new(Said(what.into())))
}

pub(crate) fn unavailable(what: impl Into<String>) -> RepoError {
    RepoError::Unavailable(Box::new(Said(what.into())))
}

/// The same error once more, for another caller whom it concerns. All sources are text.
pub(crate) fn again(error: &RepoError) -> RepoError {
    match error {
        RepoError::Unavailable(source) => unavailable(source.to_string()),
        RepoError::Schema(source) => schema(source.to_string()),
        RepoError::Refused(source) => refused(source.to_string()),
        RepoError::Corrupt { table, column, reason } => corrupt(table, column, reason),
    }
}

pub(crate) fn repo_error(error: &Error) -> RepoError {
    match kind(error) {
        Kind::Unavailable => unavailable(said(error)),
        Kind::Schema => schema(said(error)),
        Kind::Refused => refused(said(error)),
    }
}

/// A migration that fails is [`RepoError::Schema`], unless it was the connection that failed.
pub(crate) fn migrate_error(error: &MigrateError) -> RepoError {
    match error {
        MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)
            if kind(cause) == Kind::Unavailable =>
        {
            repo_error(cause)
        }
        MigrateError::Execute(cause) => schema(format!("migrating failed: {}", said(cause))),
        MigrateError::ExecuteMigration(cause, version) => {
            schema(format!("migration {version} failed: {}", said(cause)))
        }
        other => schema(other.to_string()),
    }
}

/// Whether this says that there is no such table.
pub(crate) fn is_missing_table(error: &MigrateError) -> bool {
    matches!(error, MigrateError::Execute(Error::Database(answer)) if answer.message().starts_with("no such table"))
}

/// Whether another connection is in the way, and waiting may help.
pub(crate) fn is_busy(error: &Error) -> bool {
    matches!(error, Error::Database(answer) if matches!(primary_code(answer.as_ref()), BUSY | LOCKED))
}

#[derive(PartialEq, Eq)]
enum Kind {
    Unavailable,
    Schema,
    Refused,
}

// Primary result codes: <https://www.sqlite.org/rescode.html>.
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const NO_MEMORY: u32 = 7;
const INTERRUPTED: u32 = 9;
const IO_ERROR: u32 = 10;
const FULL: u32 = 13;
const CANNOT_OPEN: u32 = 14;
const LOCK_PROTOCOL: u32 = 15;
const NOT_A_DATABASE: u32 = 26;

fn kind(error: &Error) -> Kind {
    match error {
        Error::Database(answer) => kind_of_answer(answer.as_ref()),
        Error::Io(_)
        | Error::Tls(_)
        | Error::Protocol(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed
        | Error::Configuration(_) => Kind::Unavailable,
        _ => Kind::Refused,
    }
}

fn kind_of_answer(answer: &dyn DatabaseError) -> Kind {
    match primary_code(answer) {
        BUSY | LOCKED | NO_MEMORY | INTERRUPTED | IO_ERROR | FULL | CANNOT_OPEN | LOCK_PROTOCOL => {
            Kind::Unavailable
        }
        NOT_A_DATABASE => Kind::Schema,
        // A missing table or column has no code of its own.
        _ if answer.message().starts_with("no such")
            || answer.message().contains("has no column named") =>
        {
            Kind::Schema
        }
        _ => Kind::Refused,
    }
}

/// The low byte of an extended code is the primary one.
fn primary_code(answer: &dyn DatabaseError) -> u32 {
    answer.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or_default() & 0xff
}

/// The error in words. SQLite's name the constraint and no values.
fn said(error: &Error) -> String {
    match error {
        Error::Database(answer) => {
            format!("{}: {}", answer.code().unwrap_or_default(), answer.message())
        }
        Error::PoolTimedOut => "no connection in time: all are in use".to_owned(),
        other => other.to_string(),
    }
}
