//! The pages of sessions that cannot be paid.

use std::io;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::success;
use crate::locale::Language;
use crate::model::CheckoutSession;
use crate::portal::page::{Frame, Refusal, render};
use crate::portal::side::ReturnLink;

/// The page's template.
#[derive(Template)]
#[template(path = "checkout_unavailable.html")]
struct Page {
    frame: Frame,
    title: &'static str,
    message: &'static str,
    link: Option<ReturnLink>,
    /// Whether the session was paid.
    good: bool,
}

/// The reason why a session cannot be paid.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unavailable {
    /// The session does not exist.
    Unknown,
    Expired,
    /// It was paid; the value is the success URL.
    Complete(String),
    /// Its customer was deleted or now pays in another currency.
    Gone,
    /// The form is invalid or forged; the value links to the session's page.
    Refused(Refusal, Option<String>),
    /// The sandbox failed.
    Failed,
}

impl From<io::Error> for Unavailable {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "a checkout page failed");
        Self::Failed
    }
}

impl Unavailable {
    pub(super) fn complete(session: &CheckoutSession) -> Self {
        Self::Complete(success::address(session))
    }

    /// Returns the page with the reason.
    pub(super) fn response(self, language: Language) -> Response {
        let text = language.text();
        let words = &text.checkout;
        let good = matches!(self, Self::Complete(_));
        let (status, title, message, link) = match self {
            Self::Unknown => {
                (StatusCode::NOT_FOUND, text.unknown_title, words.unknown_message, None)
            }
            Self::Expired => (StatusCode::GONE, words.expired_title, words.expired_message, None),
            Self::Gone => (StatusCode::GONE, words.gone_title, words.gone_message, None),
            Self::Complete(url) => (
                StatusCode::OK,
                words.complete_title,
                words.complete_message,
                ReturnLink::to(&url, text),
            ),
            Self::Refused(refusal, home) => {
                let status = match refusal {
                    Refusal::Unreadable(status) => {
                        StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST)
                    }
                    _ => StatusCode::FORBIDDEN,
                };
                let link = home.map(|href| ReturnLink { href, label: words.back.to_owned() });
                (status, text.forged_title, words.forged_message, link)
            }
            Self::Failed => {
                (StatusCode::INTERNAL_SERVER_ERROR, text.failed_title, text.failed_message, None)
            }
        };
        render(status, &Page { frame: Frame::new(language), title, message, link, good }, None)
    }
}
