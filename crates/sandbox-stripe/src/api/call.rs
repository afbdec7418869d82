//! A call of an operation and its reply.

use serde_json::Value;

use super::error::ApiError;
use super::params::Params;
use crate::model::Record;
use crate::state::{State, Table};
use crate::transaction::Transaction;

/// A call in progress.
pub(crate) struct Call<'a, 'state> {
    pub(crate) transaction: &'a mut Transaction<'state>,
    pub(crate) arguments: &'a [(String, String)],
    pub(crate) params: Params,
    /// The sandbox's public URL, without a trailing slash.
    pub(crate) base_url: &'a str,
}

/// The result of an operation.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The object with this id, rendered after the transaction commits.
    Object(String),
    /// A finished value.
    Value(Value),
    /// An error that still commits the transaction's changes, such as a declined payment.
    Refused(ApiError),
}

impl Call<'_, '_> {
    /// Returns an argument of the path.
    pub(crate) fn argument(&self, name: &str) -> &str {
        self.arguments.iter().find(|(argument, _)| argument == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn state(&self) -> &State {
        self.transaction.state()
    }

    /// Replies with the table's record whose id is the path argument.
    pub(crate) fn reply<T: Record>(
        &self,
        (table, what): (&Table<T>, &str),
        argument: &str,
        param: &'static str,
    ) -> Result<Reply, ApiError> {
        let id = self.argument(argument);
        let found = table.get(id).map(|record| Reply::Object(record.id().to_owned()));
        found.ok_or_else(|| ApiError::not_found(what, id, param))
    }
}
