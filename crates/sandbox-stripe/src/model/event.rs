//! What has happened to an object.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// An event; its object is a snapshot in the API's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    /// `customer.updated`, …
    pub(crate) kind: String,
    /// The object as JSON text.
    pub(crate) object: String,
    /// What changed, as it was before, as JSON text; only of updates.
    pub(crate) previous: Option<String>,
    pub(crate) origin: Origin,
}

/// The request that caused an event; empty where a page or time did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) request: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}
