//! The portal's addresses.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;

use super::overview::Overview;
use super::page::{Refusal, render};
use super::{assets, language, sessions};
use crate::state::Store;

/// The pages over a state.
#[derive(Clone)]
pub(crate) struct Portal {
    store: Arc<Store>,
}

impl Portal {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

/// The routes of the pages.
pub(crate) fn router(portal: Portal) -> Router {
    Router::new()
        .route("/p/session/{token}", get(overview))
        .route(assets::PATH, get(asset))
        .route("/p/{*rest}", get(nothing))
        .with_state(portal)
}

async fn overview(State(portal): State<Portal>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let page = sessions::visit(&portal.store, &token, |visit| {
        let locale = visit.session.locale.as_deref();
        let language = language::of_session(locale, &visit.customer.preferred_locales, &headers);
        Overview::of(visit, portal.store.now(), language)
    });
    let response = match page {
        Ok(page) => render(StatusCode::OK, &page),
        Err(refusal) => refusal.response(language::of_browser(&headers)),
    };
    tracing::info!(path = "/p/session/{token}", status = response.status().as_u16(), "portal page");
    response
}

async fn asset(request: Request) -> Response {
    match assets::find(request.uri().path()) {
        Some(response) => response,
        None => nothing(request.headers().clone()).await,
    }
}

async fn nothing(headers: HeaderMap) -> Response {
    Refusal::Unknown.response(language::of_browser(&headers))
}
