//! [`RawBody`] extracts the unparsed body, for routes that verify a signature over it.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};

use crate::fault::Fault;
use crate::json::{BodyLimit, DEFAULT_BODY_LIMIT, collect};

/// Extracts a body of any media type up to the route's limit.
///
/// It consumes the body, so it must be the last extractor, like [`StrictJson`](crate::StrictJson).
///
/// # Errors
/// [`Fault::PayloadTooLarge`], [`Fault::RequestTimeout`], and [`Fault::InvalidBody`] for an
/// incomplete body.
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
