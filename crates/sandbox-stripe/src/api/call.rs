//! A call of an operation, and its reply.

use serde_json::Value;

use super::error::ApiError;
use super::params::Params;
use crate::model::Record;
use crate::state::{State, Table};
use crate::transaction::Transaction;

/// A call under way.
pub(crate) struct Call<'a, 'state> {
    pub(crate) transaction: &'a mut Transaction<'state>,
    pub(crate) arguments: &'a [(String, String)],
    pub(crate) params: Params,
    /// Where browsers reach the sandbox, without a slash at the end.
    pub(crate) base_url: &'a str,
}

/// What an operation answers.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The object with this id, as it is once the transaction is done.
    Object(String),
    /// Just this.
    Value(Value),
    /// A failure that left its traces, as a declined payment does.
    Refused(ApiError),
}

impl Call<'_, '_> {
    /// An argument of the path.
    pub(crate) fn argument(&self, name: &str) -> &str {
        self.arguments.iter().find(|(argument, _)| argument == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn state(&self) -> &State {
        self.transaction.state()
    }

    /// Replies with the record of this table that the argument names.
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
