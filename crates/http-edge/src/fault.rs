//! Everything that the edge itself may refuse, before and beside the handlers.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

/// Why the edge refused a request. Which status and code that is, the renderer of
/// [`EdgeConfig`](crate::EdgeConfig) decides.
///
/// A handler or extractor may return it: as a response it is a carrier that only [`edge_layers`](crate::edge_layers) turns into an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The head is not HTTP/1, or is framed in a way that two readers could understand differently.
    BadRequestHead {
        /// What the client has to mend.
        detail: String,
    },
    /// The request target is longer than 8 KiB.
    UriTooLong,
    /// The headers are more than 64, or longer than 16 KiB together.
    HeadersTooLarge,
    /// The declared or actual length of the body is over the route's limit.
    PayloadTooLarge,
    /// A body of another media type, charset or content coding.
    UnsupportedMediaType,
    /// Head or body did not arrive within their deadline.
    RequestTimeout,
    /// The body is not the JSON object that the route asks for.
    InvalidBody {
        /// What the client has to mend; names the field where there is one.
        detail: String,
    },
    /// No route has exactly this path.
    NotFound,
    /// The path is known, the method is not; the answer has `Allow`.
    MethodNotAllowed,
    /// A handler panicked. The log has the cause under the request id.
    Panic,
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
