//! An HTML page as a response.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};

/// Pages contain text and one inline style sheet. The policy denies everything else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Returns a page without script.
pub(crate) fn page(html: impl Into<Body>) -> Response {
    page_with_policy(POLICY, html)
}

/// Returns a page with this `Content-Security-Policy`.
pub(crate) fn page_with_policy(policy: &'static str, html: impl Into<Body>) -> Response {
    let headers = [(CONTENT_SECURITY_POLICY, policy), (CONTENT_TYPE, "text/html; charset=utf-8")];
    (headers, html.into()).into_response()
}

/// Splits a text at its backticks: text and code in turn.
pub(crate) fn spans(text: &str) -> impl Iterator<Item = Span<'_>> {
    let parts = text.split('`').enumerate();
    parts.map(|(at, text)| Span { text, is_code: at % 2 == 1 })
}

/// A part of a text.
pub(crate) struct Span<'a> {
    pub(crate) text: &'a str,
    pub(crate) is_code: bool,
}
