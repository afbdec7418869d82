//! The conversion of driver errors to [`RepoError`].

use std::time::Duration;

use billing_domain::ports::RepoError;
use sqlx::Error;
use sqlx::migrate::MigrateError;

use crate::engine::{Engine, ErrorKind};

/// An error inside a call.
#[derive(Debug)]
pub enum StoreError {
    /// An error of the driver or the database.
    Driver(Error),
    /// A converted error.
    Repo(RepoError),
}

/// The text of a driver error. The error itself is dropped: its `Debug` shows the rejected row, and
/// rows of keys must not reach a log.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct ErrorText(String);

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

impl StoreError {
    /// Converts the error to the error type of the ports.
    #[must_use]
    pub fn into_repo<E: Engine>(self) -> RepoError {
        match self {
            Self::Repo(error) => error,
            Self::Driver(error) => match kind::<E>(&error) {
                ErrorKind::Unavailable => unavailable(describe(&error)),
                ErrorKind::Schema => schema(describe(&error)),
                ErrorKind::Refused => refused(describe(&error)),
            },
        }
    }
}

/// Creates the error of a call without a response within `limit`.
pub(crate) fn timed_out(limit: Duration) -> RepoError {
    unavailable(format!("no response within {} s", limit.as_secs()))
}

/// Creates the error of an invalid stored value.
pub fn corrupt(table: &'static str, column: &'static str, reason: impl ToString) -> RepoError {
    RepoError::Corrupt { table, column, reason: reason.to_string() }
}

/// Creates the error of a schema that does not match this version.
pub fn schema(text: impl Into<String>) -> RepoError {
    RepoError::Schema(Box::new(ErrorText(text.into())))
}

/// Creates the error of a rejected statement.
pub fn refused(text: impl Into<String>) -> RepoError {
    RepoError::Refused(Box::new(ErrorText(text.into())))
}

/// Creates the error of an unavailable database.
pub fn unavailable(text: impl Into<String>) -> RepoError {
    RepoError::Unavailable(Box::new(ErrorText(text.into())))
}

/// Copies an error for another caller of the same batch. All sources are text.
pub(crate) fn copy(error: &RepoError) -> RepoError {
    match error {
        RepoError::Unavailable(source) => unavailable(source.to_string()),
        RepoError::Schema(source) => schema(source.to_string()),
        RepoError::Refused(source) => refused(source.to_string()),
        RepoError::Corrupt { table, column, reason } => corrupt(table, column, reason),
    }
}

/// Converts the error of a migration to [`RepoError::Schema`], unless the connection failed.
pub fn migrate_error<E: Engine>(error: &MigrateError) -> StoreError {
    let failed = match error {
        MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)
            if kind::<E>(cause) == ErrorKind::Unavailable =>
        {
            unavailable(describe(cause))
        }
        MigrateError::Execute(cause) => schema(format!("migration failed: {}", describe(cause))),
        MigrateError::ExecuteMigration(cause, version) => {
            schema(format!("migration {version} failed: {}", describe(cause)))
        }
        other => schema(other.to_string()),
    };
    failed.into()
}

fn kind<E: Engine>(error: &Error) -> ErrorKind {
    match error {
        Error::Database(error) => E::classify(error.as_ref()),
        Error::Io(_)
        | Error::Tls(_)
        | Error::Protocol(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed
        | Error::Configuration(_) => ErrorKind::Unavailable,
        _ => ErrorKind::Refused,
    }
}

/// Describes an error without values of the row. SQLite's message names the constraint.
fn describe(error: &Error) -> String {
    match error {
        Error::Database(error) => {
            let constraint =
                error.constraint().map(|name| format!(" (constraint {name})")).unwrap_or_default();
            format!("{}: {}{constraint}", error.code().unwrap_or_default(), error.message())
        }
        Error::PoolTimedOut => {
            "no connection in time: the database does not respond, or all connections are in use"
                .to_owned()
        }
        other => other.to_string(),
    }
}
