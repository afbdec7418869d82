//! The operations that require a permission.

use crate::Permission;

/// An operation that requires a permission.
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
    /// Returns the required permission.
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
