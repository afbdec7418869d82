//! From a request to one of the checkout's pages.

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts as _, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::routing::get;

use super::over::Over;
use super::visit::Visit;
use super::{bank, page};
use crate::locale::Language;
use crate::portal::form::{self, Form};
use crate::portal::language;
use crate::portal::page::{Refusal, see_other};
use crate::store::Store;
use crate::transaction::Transaction;

/// The pages over a state.
#[derive(Clone)]
pub(crate) struct Checkout {
    store: Arc<Store>,
    base_url: Arc<str>,
}

/// A page.
#[derive(Clone, Copy)]
struct Page {
    path: &'static str,
    show: fn(&Visit<'_>, &Form) -> Result<Response, Over>,
    /// What its form does.
    act: fn(&Visit<'_>, &Form, &mut Transaction<'_>) -> Result<Response, Over>,
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
            self.look(page, &parts.headers, &token, &query)
        };
        let status = response.status().as_u16();
        tracing::info!(method = parts.method.as_str(), path = page.path, status, "checkout page");
        response
    }

    fn look(&self, page: Page, headers: &HeaderMap, token: &str, query: &Form) -> Response {
        let now = self.store.now();
        self.store.read(|state| match Visit::enter(state, token, headers, now) {
            Ok(visit) => {
                (page.show)(&visit, query).unwrap_or_else(|over| over.response(visit.language))
            }
            Err((over, language)) => over.response(language),
        })
    }

    /// Does what the form asks for, as a whole or not at all: of two at once, the second finds the session as the first
    /// has left it.
    fn act(&self, page: Page, headers: &HeaderMap, token: &str, form: &Form) -> Response {
        let mut language = language::of_browser(headers);
        let outcome = self.store.transact(|transaction| {
            let entered = Visit::enter(transaction.state(), token, headers, transaction.now());
            let visit = entered.map_err(|(over, spoken)| {
                language = spoken;
                over
            })?;
            language = visit.language;
            (page.act)(&visit, form, transaction)
        });
        match outcome {
            Ok(response) => response,
            // The second of two clicks ends where the first did.
            Err(Over::Complete(address)) => see_other(&address),
            Err(over) => over.response(language),
        }
    }

    /// Only an address that is a session's own can lead back.
    fn refuse(&self, headers: &HeaderMap, token: &str, refusal: Refusal) -> Response {
        let now = self.store.now();
        let (language, home): (Language, _) =
            self.store.read(|state| match Visit::enter(state, token, headers, now) {
                Ok(visit) => (visit.language, Some(visit.home())),
                Err((_, language)) => (language, None),
            });
        Over::Refused(refusal, home).response(language)
    }
}

/// The routes of the pages.
pub(crate) fn router(checkout: Checkout) -> Router {
    let pages = PAGES.into_iter().fold(Router::new(), |router, page| {
        let handler = move |State(checkout): State<Checkout>, request: Request| async move {
            checkout.answer(page, request).await
        };
        router.route(page.path, get(handler).post(handler))
    });
    pages.route("/c/{*rest}", get(unknown)).with_state(checkout)
}

/// What stands for `{token}`: no session has the empty one, and an address may hold bytes that are no text.
async fn token(parts: &mut Parts) -> String {
    let arguments = RawPathParams::from_request_parts(parts, &()).await;
    arguments
        .ok()
        .and_then(|all| all.iter().next().map(|(_, token)| token.to_owned()))
        .unwrap_or_default()
}

async fn unknown(headers: HeaderMap) -> Response {
    Over::Unknown.response(language::of_browser(&headers))
}
