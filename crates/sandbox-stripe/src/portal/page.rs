//! Rendering: templates into responses, with the headers that keep a page to itself.

use askama::Template;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::assets;
use super::text::{Language, Text};

/// Nothing runs, nothing loads from elsewhere, nobody frames the page; forms post to the sandbox only.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                                       base-uri 'none'; frame-ancestors 'none'";

/// What every page has.
pub(crate) struct Frame {
    pub(crate) lang: &'static str,
    pub(crate) text: &'static Text,
    pub(crate) style: &'static str,
    pub(crate) icon: &'static str,
}

/// A page that says only that there is none, and why.
#[derive(Template)]
#[template(path = "closed.html")]
pub(crate) struct Closed {
    pub(crate) frame: Frame,
    pub(crate) title: &'static str,
    pub(crate) message: &'static str,
}

impl Frame {
    pub(crate) fn new(language: Language) -> Self {
        Self { lang: language.tag(), text: language.text(), style: &assets::STYLE.path, icon: &assets::ICON.path }
    }
}

/// Why there is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There was a session, and its time is over.
    Expired,
    /// There never was one, or long ago.
    Unknown,
    /// The sandbox failed.
    Failed,
}

impl Refusal {
    pub(super) fn response(self, language: Language) -> Response {
        let text = language.text();
        let (status, title, message) = match self {
            Self::Expired => (StatusCode::GONE, text.expired_title, text.expired_message),
            Self::Unknown => (StatusCode::NOT_FOUND, text.unknown_title, text.unknown_message),
            Self::Failed => (StatusCode::INTERNAL_SERVER_ERROR, text.failed_title, text.failed_message),
        };
        render(status, &Closed { frame: Frame::new(language), title, message })
    }
}

/// A page as a response.
pub(crate) fn render(status: StatusCode, page: &impl Template) -> Response {
    let (status, html) = match page.render() {
        Ok(html) => (status, html),
        Err(error) => {
            tracing::error!(%error, "a portal page could not be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, String::new())
        }
    };
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // The address is a credential: no other host may learn it from a followed link.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::VARY, "Accept-Language"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
