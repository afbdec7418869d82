//! `GET /` for browsers: what the sandbox is, how to call it, how to reset it.
//!
//! Clients that do not accept HTML get the API's 404, as from Stripe.

use std::path::Path;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;

use crate::demo;
use crate::portal::assets::{FRONT_STYLE, ICON};
use crate::portal::page;
use crate::version::API_VERSION;
use crate::{api, operations};

#[derive(Template)]
#[template(path = "front_page.html")]
struct FrontPage {
    style: &'static str,
    icon: &'static str,
    base_url: Arc<str>,
    version: &'static str,
    customer: &'static str,
    price: &'static str,
    state: Option<String>,
    operations: Vec<(&'static str, &'static str)>,
}

/// Returns the route. `state` is the state file.
pub(crate) fn router(base_url: Arc<str>, state: Option<&Path>) -> Router {
    let page = Arc::new(FrontPage {
        style: &FRONT_STYLE.path,
        icon: &ICON.path,
        base_url,
        version: API_VERSION,
        customer: demo::CUSTOMER,
        price: demo::catalog::PRICE,
        state: state.map(|file| file.display().to_string()),
        operations: operations().collect(),
    });
    let answer = move |request: Request| {
        let page = Arc::clone(&page);
        async move {
            if accepts_html(request.headers()) {
                return respond(&page);
            }
            api::unknown_operation(request).await
        }
    };
    Router::new().route("/", get(answer))
}

fn respond(page: &FrontPage) -> Response {
    let mut response = page::render(StatusCode::OK, page, None);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

/// Whether `Accept` names HTML. Browsers do; Stripe's clients and curl do not.
fn accepts_html(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|range| {
        let media_type = range.split(';').next().unwrap_or_default().trim();
        media_type.eq_ignore_ascii_case("text/html")
    })
}
