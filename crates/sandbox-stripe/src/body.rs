//! Request bodies, with limits on size and time.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

/// Maximum size, far above any call or form.
const MAX_BYTES: usize = 1024 * 1024;

/// Time limit for receiving a body.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The reason why a body is refused. Responses contain these messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("The request body is larger than the maximum of 1 MiB.")]
    TooLarge,
    #[error("The request body is incomplete.")]
    Broken,
    #[error("The request body did not arrive in time.")]
    Late,
}

impl BodyError {
    /// Returns the response status.
    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::TooLarge => 413,
            Self::Broken => 400,
            Self::Late => 408,
        }
    }
}

/// Reads the whole body.
pub(crate) async fn read(body: Body) -> Result<Bytes, BodyError> {
    match tokio::time::timeout(TIMEOUT, Limited::new(body, MAX_BYTES).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Ok(Err(_)) => Err(BodyError::Broken),
        Err(_) => Err(BodyError::Late),
    }
}
