//! [`RequestId`] identifies a request in responses and logs.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// Request and response header with the id.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const MAX_LENGTH: usize = 128;

/// Id of one request. Handlers read it from the request extensions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Creates a UUIDv7 (RFC 9562, 5.7).
    #[must_use]
    pub fn fresh() -> Self {
        Self(Uuid::now_v7().to_string().into())
    }

    /// Returns the client's id if it sent exactly one valid id, else a new id.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut sent = headers.get_all(X_REQUEST_ID).iter();
        match (sent.next(), sent.next()) {
            (Some(only), None) => Self::parse(only.as_bytes()).unwrap_or_else(Self::fresh),
            _ => Self::fresh(),
        }
    }

    /// Parses 1 to 128 characters of `A-Z a-z 0-9 . _ -`.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let is_allowed =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let is_valid = (1..=MAX_LENGTH).contains(&bytes.len()) && bytes.iter().all(is_allowed);
        is_valid.then(|| Self(String::from_utf8_lossy(bytes).into()))
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn header_value(&self) -> HeaderValue {
        // Every id is a valid header value, so the empty fallback is unreachable.
        HeaderValue::from_str(&self.0).unwrap_or(HeaderValue::from_static(""))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
