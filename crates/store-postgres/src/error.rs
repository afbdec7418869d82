//! What the driver's errors mean to the ports.

use std::time::Duration;

use billing_domain::ports::RepoError;
use sqlx::Error;
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
    matches!(error, MigrateError::Execute(Error::Database(answer)) if answer.code().as_deref() == Some(UNDEFINED_TABLE))
}

#[derive(PartialEq, Eq)]
enum Kind {
    Unavailable,
    Schema,
    Refused,
}

const UNDEFINED_TABLE: &str = "42P01";

fn kind(error: &Error) -> Kind {
    match error {
        Error::Database(answer) => kind_of_code(&answer.code().unwrap_or_default()),
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

/// The codes' classes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn kind_of_code(code: &str) -> Kind {
    match (code.get(..2).unwrap_or_default(), code) {
        // No table, no column, no schema, and no schema on the search path to make a table in.
        (_, UNDEFINED_TABLE | "42703" | "3F000") => Kind::Schema,
        // Connection exceptions, refused logins, no such database, rollbacks that ask to be repeated, a server that is full,
        // shutting down, starting up or broken; a standby that takes no writes yet; a transaction that was left alone; a lock that was not had in time.
        ("08" | "28" | "3D" | "40" | "53" | "57" | "58", _) | (_, "25006" | "25P03" | "55P03") => {
            Kind::Unavailable
        }
        _ => Kind::Refused,
    }
}

/// The error in words, without its details: those hold values.
fn said(error: &Error) -> String {
    match error {
        Error::Database(answer) => {
            let constraint = answer.constraint().map(|name| format!(" (constraint {name})")).unwrap_or_default();
            format!("{}: {}{constraint}", answer.code().unwrap_or_default(), answer.message())
        }
        Error::PoolTimedOut => {
            "no connection in time: the server refuses them or does not answer, or all connections are in use"
                .to_owned()
        }
        other => other.to_string(),
    }
}
