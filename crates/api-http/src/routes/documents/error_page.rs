//! `GET /docs/errors/{code}`: explains an error code.

use askama::Template;
use axum::response::Response;
use http::Uri;
use http_edge::Problem;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::{Ref, Required};

use super::page::page;
use crate::endpoint::Endpoint;
use crate::error_code::ErrorCode;
use crate::openapi::SERVICE;
use crate::problem;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    code: ErrorCode,
}

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::get("/docs/errors/{code}", error_page)
        .operation("errorPage", SERVICE, "Explanation of an error code")
        .parameter(
            ParameterBuilder::new()
                .name("code")
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(Ref::from_schema_name("ErrorCode"))),
        )
        .returns_text("text/html", "An HTML page.")
}

/// Reads the code from the raw path, because percent-encoded variants are other paths (H6).
async fn error_page(uri: Uri) -> Result<Response, Problem> {
    let code = uri.path().rsplit('/').next().unwrap_or_default();
    let unknown = || {
        problem::problem(
            ErrorCode::NotFound,
            "This error code does not exist. `/docs/errors` lists all codes.",
        )
    };
    let code = ErrorCode::from_code(code).ok_or_else(unknown)?;
    ErrorPage { code }.render().map(page).map_err(|error| problem::unrendered(&error))
}
