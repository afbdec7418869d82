//! The error type of all stores.

use std::error::Error;

/// An error of a store. Its text is for the log. Responses never contain it.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// No connection, or no response within the store's time limit (3 s).
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The database lacks tables or columns that this version needs.
    #[error("the database schema does not match this version")]
    Schema(#[source] Box<dyn Error + Send + Sync>),
    /// A stored value is invalid, because of a bug or a manual change.
    #[error("table {table}, column {column}: {reason}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The reason, without the value.
        reason: String,
    },
    /// The database rejected a statement. This is a bug.
    #[error("the database rejected a statement")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
}

impl RepoError {
    /// Returns whether a retry can succeed without a change by the operator.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Schema(_) | Self::Corrupt { .. } | Self::Refused(_) => false,
        }
    }
}
