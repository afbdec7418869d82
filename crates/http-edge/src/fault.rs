//! [`Fault`]: the refusals that the edge itself creates.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

/// Why the edge refused a request. The renderer of [`EdgeConfig`](crate::EdgeConfig) maps it to a
/// status and a code.
///
/// A handler or extractor may return it. [`edge_layers`](crate::edge_layers) turns it into the
/// final response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The head is not valid HTTP/1, or its framing is ambiguous.
    BadRequestHead {
        /// Instruction for the client.
        detail: String,
    },
    /// The request target is longer than 8 KiB.
    UriTooLong,
    /// There are more than 64 headers, or they exceed 16 KiB in total.
    HeadersTooLarge,
    /// The declared or actual length of the body exceeds the route's limit.
    PayloadTooLarge,
    /// The body has an unsupported media type, charset or content coding.
    UnsupportedMediaType,
    /// The head or the body missed its deadline.
    RequestTimeout,
    /// The body is not the JSON object that the route expects.
    InvalidBody {
        /// Instruction for the client, with the field name where there is one.
        detail: String,
    },
    /// No route has exactly this path.
    NotFound,
    /// The route does not support the method. The response has `Allow`.
    MethodNotAllowed,
    /// A handler panicked. The log contains the cause and the request id.
    Panic,
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
