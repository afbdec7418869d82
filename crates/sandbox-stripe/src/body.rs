//! Bodies of requests: none that is too large, and none that never comes.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

/// Far more than any call or form needs.
const LARGEST: usize = 1024 * 1024;

/// A body that takes longer is not coming.
const SLOWEST: Duration = Duration::from_secs(10);

/// Why there is no body. The texts are fit for whoever sent the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("The request's body is larger than the sandbox takes (1 MiB).")]
    TooLarge,
    #[error("The request's body did not arrive whole.")]
    Broken,
    #[error("The request's body did not arrive in time.")]
    Late,
}

impl BodyError {
    /// The status that answers it.
    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::TooLarge => 413,
            Self::Broken => 400,
            Self::Late => 408,
        }
    }
}

/// The whole body.
pub(crate) async fn read(body: Body) -> Result<Bytes, BodyError> {
    match tokio::time::timeout(SLOWEST, Limited::new(body, LARGEST).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Ok(Err(_)) => Err(BodyError::Broken),
        Err(_) => Err(BodyError::Late),
    }
}
