//! The routes of an invoice's page and PDF.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use axum::routing::get;

use super::document::Document;
use super::{page, pdf};
use crate::portal::language;
use crate::store::Store;

/// Returns the routes of invoice documents.
pub(crate) fn router(store: Arc<Store>) -> Router {
    Router::new()
        .route("/i/{token}", get(show))
        .route("/i/{token}/pdf", get(download))
        .with_state(store)
}

/// The path's `{token}`; rejected if it is not valid UTF-8.
type Address = Result<RawPathParams, RawPathParamsRejection>;

async fn show(
    State(store): State<Arc<Store>>,
    address: Address,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let token = token(&address);
    let response = match document(&store, token, query.as_deref(), &headers) {
        Some(document) => page::shown(&document, token),
        None => page::unknown(language::of_browser(&headers)),
    };
    tracing::info!(path = "/i/{token}", status = response.status().as_u16(), "invoice page");
    response
}

async fn download(
    State(store): State<Arc<Store>>,
    address: Address,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Some(document) = document(&store, token(&address), query.as_deref(), &headers) else {
        return page::unknown(language::of_browser(&headers));
    };
    let mut response = Response::new(Body::from(pdf::render(&document)));
    let name = file_name(&document.number);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Language"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    tracing::info!(path = "/i/{token}/pdf", "invoice file");
    response
}

/// Returns the path's token; empty if it is invalid. An invoice's token is never empty.
fn token(address: &Address) -> &str {
    address.as_ref().ok().and_then(|parts| parts.iter().next()).map_or("", |(_, token)| token)
}

/// Returns the invoice in the language of `?locale=ko` (set by the portal's links), of the
/// customer, or of the browser.
fn document(
    store: &Store,
    token: &str,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Option<Document> {
    let mut asked = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let locale = asked.find_map(|(name, value)| (name == "locale").then(|| value.into_owned()));
    store.read(|state| {
        let invoice = state.invoice_by_hosted_token(token)?;
        let customer = state.customers.get(&invoice.customer)?;
        let language =
            language::of_session(locale.as_deref(), &customer.preferred_locales, headers);
        Some(Document::of(invoice, customer, language))
    })
}

/// Returns a portable file name. An invoice prefix may contain any character.
fn file_name(number: &str) -> String {
    let safe: String =
        number.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
    format!("Invoice-{safe}.pdf")
}
