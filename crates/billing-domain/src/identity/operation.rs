//! The operations that need a permission.

use crate::Permission;

/// An operation that a caller asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Opens the customer portal.
    OpenPortal,
    /// Starts a checkout.
    StartCheckout,
    /// Reads the current subscription.
    ReadSubscription,
    /// Manages the caller's API keys.
    ManageApiKeys,
}

impl Operation {
    /// The permission that the operation needs.
    #[must_use]
    pub fn permission(self) -> Permission {
        match self {
            Self::OpenPortal => Permission::portal(),
            Self::StartCheckout => Permission::checkout(),
            Self::ReadSubscription => Permission::read_subscription(),
            Self::ManageApiKeys => Permission::manage_api_keys(),
        }
    }
}
