//! [`Problem`]: an error response in `application/problem+json` (RFC 9457).

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::request_id::RequestId;

/// An error response. [`edge_layers`](crate::edge_layers) adds the request id and the prefix of
/// `type`, and turns the problem into the final response.
#[derive(Clone, Debug)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable error code. It is also the last part of `type`.
    pub code: &'static str,
    /// Short text, the same for every problem with this code.
    pub title: &'static str,
    /// Instruction for the client.
    pub detail: String,
    /// Additional headers, such as `Retry-After` or `WWW-Authenticate`.
    pub headers: HeaderMap,
    /// Additional members of the JSON object.
    pub members: Map<String, Value>,
}

impl Problem {
    /// Creates a problem without additional headers and members.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code,
            title,
            detail: detail.into(),
            headers: HeaderMap::new(),
            members: Map::new(),
        }
    }

    /// Adds a header and keeps existing headers of the same name.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Adds a member to the JSON object.
    #[must_use]
    pub fn with_member(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.members.insert(name.into(), value.into());
        self
    }

    /// Renders the response. Headers of the `carrier` response (such as `Allow`) stay.
    pub(crate) fn render(self, types: &str, id: &RequestId, carrier: HeaderMap) -> Response {
        let document = Document {
            kind: format!("{types}{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            request_id: id.as_str(),
            members: &self.members,
        };
        // Strings, numbers and JSON values always serialise, so the empty fallback is unreachable.
        let mut response =
            Response::new(Body::from(serde_json::to_vec(&document).unwrap_or_default()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        *headers = carrier;
        headers.extend(self.headers);
        headers.remove(CONTENT_LENGTH);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(rename = "requestId")]
    request_id: &'a str,
    #[serde(flatten)]
    members: &'a Map<String, Value>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
