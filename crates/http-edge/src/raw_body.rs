//! [`RawBody`]: the bytes as they came, for routes whose callers sign them.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};

use crate::fault::Fault;
use crate::json::{BodyLimit, DEFAULT_BODY_LIMIT, collect};

/// Extracts the body, whatever its media type, up to the route's limit.
///
/// It reads the body, so it runs last, as [`StrictJson`](crate::StrictJson) does.
///
/// # Errors
/// [`Fault::PayloadTooLarge`], [`Fault::RequestTimeout`], and [`Fault::InvalidBody`] for a body that breaks off.
#[derive(Clone, Debug, Default)]
pub struct RawBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Fault;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Fault> {
        let limit =
            request.extensions().get().map_or(DEFAULT_BODY_LIMIT, |BodyLimit(limit)| *limit);
        collect(request.into_body(), limit, || Ok(())).await.map(Self)
    }
}
