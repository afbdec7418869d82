//! Webhook deliveries.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// The delivery of an event to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// Ascending; a later delivery has a higher id.
    pub(crate) id: u64,
    pub(crate) created: Timestamp,
    pub(crate) event: String,
    pub(crate) endpoint: String,
    /// Whether an operator requested it with `resend`.
    pub(crate) resent: bool,
    pub(crate) state: DeliveryState,
    /// Attempts in all runs of the sandbox.
    pub(crate) attempts: u32,
    /// The status of the last response.
    pub(crate) last_status: Option<u16>,
    /// The error of the last attempt, if there was no response.
    pub(crate) last_error: Option<String>,
}

/// The state of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeliveryState {
    /// The next attempt is due now or later.
    Pending,
    /// The receiver has accepted it.
    Delivered,
    /// All attempts failed.
    Failed,
    /// A fault rule discarded it.
    Lost,
    /// Its endpoint was deleted or disabled.
    Dropped,
}

impl DeliveryState {
    /// Returns the API's word for the state.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Lost => "lost",
            Self::Dropped => "dropped",
        }
    }
}

impl Delivery {
    /// Returns whether it is still to be delivered.
    pub(crate) fn is_pending(&self) -> bool {
        self.state == DeliveryState::Pending
    }
}
