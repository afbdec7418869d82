//! Who is calling, once an authenticator has vouched for it.

use crate::{ApiKeyId, Operation, OriginPattern, Permission, Permissions, UserId};

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Whose billing account it is.
    pub owner: UserId,
    /// How the caller proved it.
    pub method: AuthMethod,
    /// What the credential may do.
    pub permissions: Permissions,
    /// Return origins of the credential's own, beside the deployment's.
    pub return_origins: Vec<OriginPattern>,
}

/// How a caller proved who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// A JWT access token of the product's own.
    AccessToken,
    /// One of the end user's API keys.
    ApiKey(ApiKeyId),
}

impl Principal {
    /// Whether this caller may do that.
    #[must_use]
    pub fn has_permission(&self, permission: &Permission) -> bool {
        self.permissions.contains(permission)
    }

    /// Checks that this caller may do that. Routes check before they read a body, and services check
    /// again.
    ///
    /// # Errors
    /// The permission that the caller lacks.
    pub fn authorize(&self, operation: Operation) -> Result<(), Permission> {
        let needed = operation.permission();
        if self.has_permission(&needed) { Ok(()) } else { Err(needed) }
    }
}
