//! The front page of the embedded default: opens the portal as the demo user, without a credential.
//!
//! No other provider has these routes. The page is for a browser on the same machine, so the form's
//! route checks that the request comes from the page itself.

mod same_page;

use std::sync::Arc;

use api_http::error_code::ErrorCode;
use api_http::{AppState, problem};
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use billing_domain::{AuthMethod, Catalogue, Permissions, Principal};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY};
use http::request::Parts;
use http_edge::Problem;

use crate::demo;
use crate::failure::Failure;

/// The route that opens the portal as the demo user.
const OPEN: &str = "/demo/portal";

#[derive(Template)]
#[template(path = "front_page.html")]
struct FrontPage<'a> {
    version: &'static str,
    user: &'static str,
    sandbox: &'a str,
}

/// Returns the routes. `sandbox` is the sandbox's base URL.
pub(crate) fn routes(
    sandbox: &str,
    catalogue: Arc<Catalogue>,
) -> Result<Router<Arc<AppState>>, Failure> {
    let failed = |error: &dyn std::error::Error| Failure::failed("the front page failed", error);
    let demo_user = Principal {
        owner: demo::USER.parse().map_err(|error| failed(&error))?,
        method: AuthMethod::AccessToken,
        permissions: Permissions::All,
        return_origins: Vec::new(),
    };
    let page = FrontPage { version: env!("CARGO_PKG_VERSION"), user: demo::USER, sandbox };
    let html = page.render().map_err(|error| failed(&error))?;
    // Browsers apply `form-action` to the redirect too, which leads to the sandbox.
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
         form-action 'self' {sandbox}; frame-ancestors 'none'"
    );
    let headers = [
        (CONTENT_SECURITY_POLICY, HeaderValue::try_from(policy).map_err(|error| failed(&error))?),
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        // With `no-referrer` the browser would send `Origin: null` with the form.
        (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    ];

    let page = move || async move { (headers, html).into_response() };
    let opens = Arc::new((demo_user, catalogue));
    let open = move |State(app): State<Arc<AppState>>, request: Parts| {
        let opens = Arc::clone(&opens);
        async move { open(&app, &opens.0, &opens.1, &request).await }
    };
    Ok(Router::new().route("/", get(page)).route(OPEN, post(open)))
}

/// Redirects to a new portal session of the demo user, or to a checkout if the user has no billing
/// account.
async fn open(
    app: &AppState,
    demo_user: &Principal,
    catalogue: &Catalogue,
    request: &Parts,
) -> Result<Response, Problem> {
    same_page::check(&request.headers)
        .map_err(|correction| problem::problem(ErrorCode::InvalidRequest, correction))?;
    let problem = match app.open_portal(demo_user, request).await {
        Ok(session) => return Ok(Redirect::to(session.url.expose()).into_response()),
        Err(problem) => problem,
    };
    let offer = catalogue.plans().iter().find_map(|plan| Some((plan, plan.prices().next()?.0)));
    match offer {
        Some((plan, cycle)) if problem.code == ErrorCode::BillingAccountNotFound.as_str() => {
            let started = app.start_checkout(demo_user, plan.id.as_str(), cycle, request).await?;
            Ok(Redirect::to(started.session.url.expose()).into_response())
        }
        _ => Err(problem),
    }
}
