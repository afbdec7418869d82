//! The mapping from driver errors to [`RepoError`].

use std::time::Duration;

use billing_domain::ports::RepoError;
use sqlx::Error;
use sqlx::migrate::MigrateError;

use crate::engine::{Engine, Kind};

/// An error inside a call, before it leaves as a [`RepoError`].
#[derive(Debug)]
pub enum StoreError {
    /// The driver's or the database's.
    Driver(Error),
    /// One that has its final form already.
    Repo(RepoError),
}

/// What the driver said, as text. The driver's own error stays inside: its `Debug` shows the row that a constraint refused,
/// and the row of a key must not reach a log.
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

impl StoreError {
    /// The error as the ports report it.
    #[must_use]
    pub fn into_repo<E: Engine>(self) -> RepoError {
        match self {
            Self::Repo(error) => error,
            Self::Driver(error) => match kind::<E>(&error) {
                Kind::Unavailable => unavailable(said(&error)),
                Kind::Schema => schema(said(&error)),
                Kind::Refused => refused(said(&error)),
            },
        }
    }
}

/// No answer within `limit`.
pub(crate) fn timed_out(limit: Duration) -> RepoError {
    unavailable(format!("no answer within {} s", limit.as_secs()))
}

/// A stored value that does not parse.
pub fn corrupt(table: &'static str, column: &'static str, reason: impl ToString) -> RepoError {
    RepoError::Corrupt { table, column, reason: reason.to_string() }
}

/// The database's migrations are not those that this binary expects.
pub fn schema(what: impl Into<String>) -> RepoError {
    RepoError::Schema(Box::new(Said(what.into())))
}

/// A statement that this version must not make.
pub fn refused(what: impl Into<String>) -> RepoError {
    RepoError::Refused(Box::new(Said(what.into())))
}

/// A later attempt may succeed.
pub fn unavailable(what: impl Into<String>) -> RepoError {
    RepoError::Unavailable(Box::new(Said(what.into())))
}

/// A copy of an error, for another caller that waited for the same work. All sources are text.
pub(crate) fn again(error: &RepoError) -> RepoError {
    match error {
        RepoError::Unavailable(source) => unavailable(source.to_string()),
        RepoError::Schema(source) => schema(source.to_string()),
        RepoError::Refused(source) => refused(source.to_string()),
        RepoError::Corrupt { table, column, reason } => corrupt(table, column, reason),
    }
}

/// A migration that fails is [`RepoError::Schema`], unless the connection failed.
pub fn migrate_error<E: Engine>(error: &MigrateError) -> StoreError {
    let failed = match error {
        MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)
            if kind::<E>(cause) == Kind::Unavailable =>
        {
            unavailable(said(cause))
        }
        MigrateError::Execute(cause) => schema(format!("migrating failed: {}", said(cause))),
        MigrateError::ExecuteMigration(cause, version) => {
            schema(format!("migration {version} failed: {}", said(cause)))
        }
        other => schema(other.to_string()),
    };
    failed.into()
}

fn kind<E: Engine>(error: &Error) -> Kind {
    match error {
        Error::Database(answer) => E::classify(answer.as_ref()),
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

/// The error in words, without the details that contain values of the row. SQLite names the constraint in its message.
fn said(error: &Error) -> String {
    match error {
        Error::Database(answer) => {
            let constraint =
                answer.constraint().map(|name| format!(" (constraint {name})")).unwrap_or_default();
            format!("{}: {}{constraint}", answer.code().unwrap_or_default(), answer.message())
        }
        Error::PoolTimedOut => {
            "no connection in time: the database does not answer, or all connections are in use"
                .to_owned()
        }
        other => other.to_string(),
    }
}
