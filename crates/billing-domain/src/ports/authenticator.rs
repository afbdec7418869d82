//! The port that turns a credential into a caller.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

use super::RepoError;
use crate::{ApiKeyId, Credential, Principal};

/// Judges one kind of credential.
///
/// A caller whose credential holds, and who lacks what a route asks for, is still a principal: one with fewer
/// [`Permissions`](crate::Permissions). So 401 and 403 cannot be mixed up.
#[async_trait]
pub trait Authenticator: Debug + Send + Sync + 'static {
    /// Who presents this credential.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] and [`AuthError::Expired`] are the credential's fault and final; the others are ours and pass.
    async fn authenticate(&self, credential: &Credential) -> Result<Principal, AuthError>;

    /// The id of the API key that the credential is by its form and checksum, whether or not such a
    /// key exists. Costs no look-up. `None` for other credentials, and from authenticators of other
    /// types.
    fn presented_key_id(&self, credential: &Credential) -> Option<ApiKeyId>;
}

/// Why nobody was authenticated.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The credential does not hold. The reason is for the log: callers all get the same answer.
    #[error("the credential does not hold: {reason}")]
    Invalid {
        /// Why, without any part of the credential but a key's public id.
        reason: String,
    },
    /// The credential held once (its signature is good), and its time is over. Only where that is no secret.
    #[error("the credential has expired")]
    Expired,
    /// Judging it needs work for which there is no room now.
    #[error("no room to verify credentials")]
    Overloaded {
        /// When to come back.
        retry_after: Duration,
    },
    /// What judges it is not loaded yet, or gone.
    #[error("credentials cannot be verified now: {reason}")]
    NotReady {
        /// What is missing.
        reason: String,
    },
    /// The store that knows it failed.
    #[error(transparent)]
    Store(#[from] RepoError),
}

impl AuthError {
    /// An [`AuthError::Invalid`] with this reason.
    pub fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid { reason: reason.into() }
    }

    /// Whether the same credential may be accepted later without anybody mending anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Invalid { .. } | Self::Expired => false,
            Self::Overloaded { .. } | Self::NotReady { .. } => true,
            Self::Store(error) => error.is_transient(),
        }
    }
}
