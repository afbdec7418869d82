//! Events.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// An event with a snapshot of its object as the API renders it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    /// `customer.updated`, …
    pub(crate) kind: String,
    /// The object as JSON text.
    pub(crate) object: String,
    /// The previous values of changed fields as JSON text; only for updates.
    pub(crate) previous: Option<String>,
    pub(crate) origin: Origin,
}

/// The request that caused an event. Empty for a page or the clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) request: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}
