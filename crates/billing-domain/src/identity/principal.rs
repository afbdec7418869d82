//! The authenticated caller.

use crate::{ApiKeyId, Operation, OriginPattern, Permission, Permissions, UserId};

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The owner of the billing account.
    pub owner: UserId,
    /// The authentication method.
    pub method: AuthMethod,
    /// The permissions of the credential.
    pub permissions: Permissions,
    /// Return origins of the credential, in addition to the deployment's.
    pub return_origins: Vec<OriginPattern>,
}

/// The authentication method of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// A JWT access token of the product.
    AccessToken,
    /// An API key of the user.
    ApiKey(ApiKeyId),
}

impl Principal {
    /// Returns whether the caller has this permission.
    #[must_use]
    pub fn has_permission(&self, permission: &Permission) -> bool {
        self.permissions.contains(permission)
    }

    /// Checks the permission for this operation. Routes check it before they read a body, and
    /// services check it again.
    ///
    /// # Errors
    /// The missing permission.
    pub fn authorize(&self, operation: Operation) -> Result<(), Permission> {
        let required = operation.permission();
        if self.has_permission(&required) { Ok(()) } else { Err(required) }
    }
}
