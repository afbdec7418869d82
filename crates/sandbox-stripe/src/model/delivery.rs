//! An event on its way to an endpoint.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// One event for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// Counts up; later ones were made later.
    pub(crate) id: u64,
    pub(crate) created: Timestamp,
    pub(crate) event: String,
    pub(crate) endpoint: String,
    /// Whether somebody has asked for it, for an event that was delivered before.
    pub(crate) resent: bool,
    pub(crate) state: DeliveryState,
    /// How often it was tried, in all runs of the sandbox.
    pub(crate) attempts: u32,
    /// What the receiver answered last.
    pub(crate) last_status: Option<u16>,
    /// Why the last attempt had no answer.
    pub(crate) last_error: Option<String>,
}

/// How far a delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeliveryState {
    /// It is to be tried, again or for the first time.
    Pending,
    /// The receiver has taken it.
    Delivered,
    /// It was tried as often as the settings say.
    Failed,
    /// It was lost on purpose.
    Lost,
    /// Its endpoint was deleted or disabled.
    Dropped,
}

impl DeliveryState {
    /// The word for it.
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
    /// Whether it is still to be delivered.
    pub(crate) fn is_pending(&self) -> bool {
        self.state == DeliveryState::Pending
    }
}
