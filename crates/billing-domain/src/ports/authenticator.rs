//! The port that authenticates callers.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use super::RepoError;
use crate::{ApiKeyId, Credential, Principal};

/// Verifies one kind of credential.
///
/// A caller with a valid credential and too few [`Permissions`](crate::Permissions) is still a
/// principal. This separates 401 from 403.
#[async_trait]
pub trait Authenticator: Debug + Send + Sync + 'static {
    /// Returns the caller that presents this credential.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] and [`AuthError::Expired`] are permanent faults of the credential. The
    /// other errors are faults of the service.
    async fn authenticate(&self, credential: &Credential) -> Result<Principal, AuthError>;

    /// Returns the key id in the credential, if its form and checksum are those of an API key.
    ///
    /// This method does not check whether the key exists. Other authenticators return `None`.
    fn presented_key_id(&self, credential: &Credential) -> Option<ApiKeyId>;
}

/// The reasons why authentication fails.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The credential is invalid. The reason is for the log: all callers get the same response.
    #[error("the credential is invalid: {reason}")]
    Invalid {
        /// The reason. It contains no part of the credential except a key's public id.
        reason: String,
    },
    /// The credential has a valid signature and has expired. Only for credentials with a visible
    /// expiry.
    #[error("the credential has expired")]
    Expired,
    /// The verifier has no free capacity.
    #[error("no capacity to verify credentials")]
    Overloaded {
        /// The delay before a retry.
        retry_after: Duration,
    },
    /// The verification keys are not loaded or no longer usable.
    #[error("credentials cannot be verified now: {reason}")]
    NotReady {
        /// The missing part.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RepoError),
}

impl AuthError {
    /// Creates an [`AuthError::Invalid`] with this reason.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid { reason: reason.into() }
    }

    /// Returns whether a retry can succeed without a change by the operator.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Invalid { .. } | Self::Expired => false,
            Self::Overloaded { .. } | Self::NotReady { .. } => true,
            Self::Store(error) => error.is_transient(),
        }
    }
}
