//! `GET /docs`: the API reference. Scalar draws it in the browser from `/openapi.json`.

mod asset;
mod files;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::response::Response;
use http_edge::Problem;

use super::page::page_with_policy;
use crate::endpoint::Endpoint;
use crate::openapi::SERVICE;
use crate::problem;
use crate::state::AppState;

/// Scripts, requests and style sheets come from this service alone. Scalar sets `style` attributes,
/// which no hash or nonce can allow, and draws icons from `data:` URLs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "reference.html")]
struct Reference {
    version: &'static str,
}

pub(crate) fn endpoint() -> Endpoint {
    let summary = "API reference";
    Endpoint::get("/docs", reference)
        .operation("docs", SERVICE, summary)
        .returns_text("text/html", summary)
}

/// Adds the routes of the page's own files. The OpenAPI document leaves them out.
pub(crate) fn register_files(router: Router<Arc<AppState>>) -> Router<Arc<AppState>> {
    files::all().into_iter().fold(router, |router, file| file.register(router))
}

async fn reference() -> Result<Response, Problem> {
    let html = Reference { version: files::SCALAR_VERSION }.render();
    html.map(|html| page_with_policy(POLICY, html)).map_err(|error| problem::unrendered(&error))
}
