//! What can go wrong with any store.

use std::error::Error;

/// A store's failure. Its text is for the log, never for a response.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// No connection, or no answer within the store's own limit of 3 s.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The database answered, and does not have the tables that this version needs.
    #[error("the database's schema does not fit this version")]
    Schema(#[source] Box<dyn Error + Send + Sync>),
    /// A stored value that does not parse: somebody wrote to the table by hand, or a bug did.
    #[error("table {table}, column {column}: {reason}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// What is wrong with the value, without the value.
        reason: String,
    },
    /// The database refused the statement: a bug of ours.
    #[error("the database refused a statement")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
}

impl RepoError {
    /// Whether the same call may succeed later without anybody mending anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Schema(_) | Self::Corrupt { .. } | Self::Refused(_) => false,
        }
    }
}
