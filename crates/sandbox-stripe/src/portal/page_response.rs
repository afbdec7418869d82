//! The result of a page's handler: a page or a redirect.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::flow;
use super::page::{redirect, render};
use super::sessions::Visit;

/// A handler's response.
pub(super) struct PageResponse(Response);

impl PageResponse {
    /// Returns a page with status 200.
    pub(super) fn page(visit: &Visit<'_>, page: &impl Template) -> Self {
        Self::of(StatusCode::OK, visit, page)
    }

    /// Returns the page with status 422, because the form has errors.
    pub(super) fn invalid(visit: &Visit<'_>, page: &impl Template) -> Self {
        Self::of(StatusCode::UNPROCESSABLE_ENTITY, visit, page)
    }

    /// Redirects to another page.
    pub(super) fn redirect(location: &str) -> Self {
        Self(redirect(location))
    }

    pub(super) fn into_response(self) -> Response {
        self.0
    }

    fn of(status: StatusCode, visit: &Visit<'_>, page: &impl Template) -> Self {
        Self(render(status, page, flow::form_target(visit.session).as_deref()))
    }
}
