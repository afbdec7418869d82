//! What a page's handler gives: a page, or the way to another.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::flow;
use super::page::{render, see_other};
use super::sessions::Visit;

/// A handler's answer.
pub(super) struct Answer(Response);

impl Answer {
    /// A page.
    pub(super) fn page(visit: &Visit<'_>, page: &impl Template) -> Self {
        Self::of(StatusCode::OK, visit, page)
    }

    /// The page again, because what was sent does not do.
    pub(super) fn again(visit: &Visit<'_>, page: &impl Template) -> Self {
        Self::of(StatusCode::UNPROCESSABLE_ENTITY, visit, page)
    }

    /// The way to another address.
    pub(super) fn see(location: &str) -> Self {
        Self(see_other(location))
    }

    pub(super) fn into_response(self) -> Response {
        self.0
    }

    fn of(status: StatusCode, visit: &Visit<'_>, page: &impl Template) -> Self {
        Self(render(status, page, flow::beyond(visit.session).as_deref()))
    }
}
