//! `GET /`: what this service is.

use askama::Template;
use axum::response::Response;
use http_edge::Problem;

use super::page::page;
use crate::endpoint::Endpoint;
use crate::openapi::SERVICE;
use crate::problem;

#[derive(Template)]
#[template(path = "index.html")]
struct Index {
    version: &'static str,
}

pub(crate) fn endpoint() -> Endpoint {
    let summary = "Front page";
    Endpoint::get("/", index)
        .operation("index", SERVICE, summary)
        .returns_text("text/html", summary)
}

async fn index() -> Result<Response, Problem> {
    let html = Index { version: env!("CARGO_PKG_VERSION") }.render();
    html.map(page).map_err(|error| problem::unrendered(&error))
}
