//! The name under which a request is found again in answers and logs.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header that carries the id in both directions.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const MAX_LENGTH: usize = 128;

/// Id of one request; handlers find it among the request's extensions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// A new UUIDv7 (RFC 9562, 5.7).
    #[must_use]
    pub fn fresh() -> Self {
        Self(Uuid::now_v7().to_string().into())
    }

    /// The client's id if it sent exactly one and that one is harmless, else a fresh one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut sent = headers.get_all(X_REQUEST_ID).iter();
        match (sent.next(), sent.next()) {
            (Some(only), None) => Self::parse(only.as_bytes()).unwrap_or_else(Self::fresh),
            _ => Self::fresh(),
        }
    }

    /// 1 to 128 of `A-Z a-z 0-9 . _ -`, or nothing.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let harmless =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let fits = (1..=MAX_LENGTH).contains(&bytes.len()) && bytes.iter().all(harmless);
        fits.then(|| Self(String::from_utf8_lossy(bytes).into()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn header_value(&self) -> HeaderValue {
        // Every id is made of characters that a header may hold; the empty fallback is never reached.
        HeaderValue::from_str(&self.0).unwrap_or(HeaderValue::from_static(""))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
