//! `GET /docs/errors`: the list of all error codes.

use askama::Template;
use axum::response::Response;
use http_edge::Problem;

use super::page::page;
use crate::endpoint::Endpoint;
use crate::error_code::ErrorCode;
use crate::openapi::SERVICE;
use crate::problem;

#[derive(Template)]
#[template(path = "error_codes.html")]
struct ErrorCodes {
    codes: &'static [ErrorCode],
}

pub(crate) fn endpoint() -> Endpoint {
    let summary = "All error codes";
    Endpoint::get("/docs/errors", error_codes)
        .operation("errorCodes", SERVICE, summary)
        .returns_text("text/html", summary)
}

async fn error_codes() -> Result<Response, Problem> {
    let html = ErrorCodes { codes: ErrorCode::ALL }.render();
    html.map(page).map_err(|error| problem::unrendered(&error))
}
