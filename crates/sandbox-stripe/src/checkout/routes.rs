//! Routes requests to the checkout's pages.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts as _, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::routing::get;

use super::unavailable::Unavailable;
use super::visit::Visit;
use super::{bank, page};
use crate::locale::Language;
use crate::portal::form::{self, Form};
use crate::portal::language;
use crate::portal::page::{Refusal, redirect};
use crate::store::Store;
use crate::transaction::Transaction;

/// The shared state of the checkout.
#[derive(Clone)]
pub(crate) struct Checkout {
    store: Arc<Store>,
    base_url: Arc<str>,
}

/// A page with its handlers.
#[derive(Clone, Copy)]
struct Page {
    path: &'static str,
    show: fn(&Visit<'_>, &Form) -> Result<Response, Unavailable>,
    /// Handles the form.
    act: fn(&Visit<'_>, &Form, &mut Transaction<'_>) -> Result<Response, Unavailable>,
}

const PAGES: [Page; 2] = [
    Page { path: "/c/pay/{token}", show: page::show, act: page::act },
    Page { path: "/c/pay/{token}/bank", show: bank::show, act: bank::act },
];

impl Checkout {
    pub(crate) fn new(store: Arc<Store>, base_url: Arc<str>) -> Self {
        Self { store, base_url }
    }

    async fn answer(&self, page: Page, request: Request) -> Response {
        let (mut parts, body) = request.into_parts();
        let token = token(&mut parts).await;
        let response = if parts.method == Method::POST {
            match form::receive(&parts, body, &token, &self.base_url).await {
                Ok(form) => self.act(page, &parts.headers, &token, &form),
                Err(refusal) => self.refuse(&parts.headers, &token, refusal),
            }
        } else {
            let query = Form::parse(parts.uri.query().unwrap_or_default().as_bytes());
            self.show(page, &parts.headers, &token, &query)
        };
        let status = response.status().as_u16();
        tracing::info!(method = parts.method.as_str(), path = page.path, status, "checkout page");
        response
    }

    fn show(&self, page: Page, headers: &HeaderMap, token: &str, query: &Form) -> Response {
        let now = self.store.now();
        self.store.read(|state| match Visit::enter(state, token, headers, now) {
            Ok(visit) => {
                (page.show)(&visit, query).unwrap_or_else(|reason| reason.response(visit.language))
            }
            Err((reason, language)) => reason.response(language),
        })
    }

    /// Handles a form in a transaction. The second of two concurrent requests sees the first one's
    /// changes.
    fn act(&self, page: Page, headers: &HeaderMap, token: &str, form: &Form) -> Response {
        let mut language = language::of_browser(headers);
        let outcome = self.store.transact(|transaction| {
            let entered = Visit::enter(transaction.state(), token, headers, transaction.now());
            let visit = entered.map_err(|(reason, spoken)| {
                language = spoken;
                reason
            })?;
            language = visit.language;
            (page.act)(&visit, form, transaction)
        });
        match outcome {
            Ok(response) => response,
            // The second request of a double click redirects to the same page as the first.
            Err(Unavailable::Complete(address)) => redirect(&address),
            Err(reason) => reason.response(language),
        }
    }

    /// Returns the page for an invalid form. It links back if the session is open.
    fn refuse(&self, headers: &HeaderMap, token: &str, refusal: Refusal) -> Response {
        let now = self.store.now();
        let (language, home): (Language, _) =
            self.store.read(|state| match Visit::enter(state, token, headers, now) {
                Ok(visit) => (visit.language, Some(visit.home())),
                Err((_, language)) => (language, None),
            });
        Unavailable::Refused(refusal, home).response(language)
    }
}

/// Returns the checkout's routes.
pub(crate) fn router(checkout: Checkout) -> Router {
    let pages = PAGES.into_iter().fold(Router::new(), |router, page| {
        let handler = move |State(checkout): State<Checkout>, request: Request| async move {
            checkout.answer(page, request).await
        };
        router.route(page.path, get(handler).post(handler))
    });
    pages.route("/c/{*rest}", get(unknown)).with_state(checkout)
}

/// Returns the path's token; empty if it is not valid UTF-8. A session's token is never empty.
async fn token(parts: &mut Parts) -> String {
    let arguments = RawPathParams::from_request_parts(parts, &()).await;
    arguments
        .ok()
        .and_then(|all| all.iter().next().map(|(_, token)| token.to_owned()))
        .unwrap_or_default()
}

async fn unknown(headers: HeaderMap) -> Response {
    Unavailable::Unknown.response(language::of_browser(&headers))
}
