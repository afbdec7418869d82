//! The hosted invoice page.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::document::Document;
use super::words;
use crate::locale::Language;
use crate::portal::assets;
use crate::portal::page::{Closed, Frame, render};

#[derive(Template)]
#[template(path = "invoice.html")]
struct Page<'a> {
    frame: Frame,
    style: &'static str,
    document: &'a Document,
    pdf: String,
}

/// Returns the page of an invoice.
pub(super) fn shown(document: &Document, token: &str) -> Response {
    let page = Page {
        frame: Frame::new(document.language),
        style: &assets::INVOICE_STYLE.path,
        document,
        pdf: format!("/i/{token}/pdf?locale={}", document.language.tag()),
    };
    render(StatusCode::OK, &page, None)
}

/// Returns the page for an unknown invoice.
pub(super) fn unknown(language: Language) -> Response {
    let words = words::of(language);
    let title = words.unknown_title;
    let message = words.unknown_message;
    let page = Closed { frame: Frame::new(language), title, message, expired: false, back: None };
    render(StatusCode::NOT_FOUND, &page, None)
}
