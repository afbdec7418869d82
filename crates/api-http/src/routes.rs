//! The routes: one file an endpoint.

pub mod api_keys;
mod checkout;
mod docs;
mod portal;
mod probes;
mod subscription;
pub mod webhooks;

pub use docs::Documents;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, post};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::{Api, caller, deadline};

/// The route for JWT access tokens.
pub const PORTAL: &str = "/api/v1/subscriptions/portal";
/// The route for API keys.
pub const PORTAL_BY_API_KEY: &str = "/api/v1/subscriptions/portal/api";

/// Starting a checkout, for JWT access tokens.
pub const CHECKOUT: &str = "/api/v1/subscriptions/checkout";
/// Starting a checkout, for API keys.
pub const CHECKOUT_BY_API_KEY: &str = "/api/v1/subscriptions/checkout/api";

/// The current subscription, for JWT access tokens.
pub const CURRENT: &str = "/api/v1/subscriptions/current";
/// The current subscription, for API keys.
pub const CURRENT_BY_API_KEY: &str = "/api/v1/subscriptions/current/api";

/// The catalogue.
pub const PLANS: &str = "/api/v1/subscriptions/plans";

/// What Stripe, or its sandbox, tells.
pub const STRIPE_WEBHOOKS: &str = "/api/v1/webhooks/stripe";

/// The owner's API keys.
pub const API_KEYS: &str = "/api/v1/api-keys";

/// Everything that the public listener serves.
pub fn public(api: Api) -> Router {
    Router::new()
        .route(PORTAL, post(portal::open::<caller::AccessToken>))
        .route(PORTAL_BY_API_KEY, post(portal::open::<caller::ApiKey>))
        .route(CHECKOUT, post(checkout::start::<caller::AccessToken>))
        .route(CHECKOUT_BY_API_KEY, post(checkout::start::<caller::ApiKey>))
        .route(CURRENT, get(subscription::current::<caller::AccessToken>))
        .route(CURRENT_BY_API_KEY, get(subscription::current::<caller::ApiKey>))
        .route(PLANS, get(subscription::plans))
        .route(STRIPE_WEBHOOKS, post(webhooks::stripe))
        .route(API_KEYS, get(api_keys::list).post(api_keys::create))
        .route("/api/v1/api-keys/{id}", delete(api_keys::revoke))
        .route("/api/v1/api-keys/{id}/rotate", post(api_keys::rotate))
        .route("/livez", get(probes::livez))
        .route("/readyz", get(probes::readyz))
        .route("/openapi.json", get(docs::openapi_json))
        .route("/docs", get(docs::reference))
        .route("/docs/errors/{code}", get(docs::error_page))
        .route("/llms.txt", get(docs::llms_txt))
        .route("/", get(docs::index))
        .layer(from_fn_with_state(api.request_timeout, deadline::enforce))
        .with_state(api)
}

/// What the admin listener serves: metrics, and the probes as well.
pub fn admin(api: Api, metrics: PrometheusHandle) -> Router {
    let render = move || {
        let text = metrics.render();
        async move { ([(http::header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text) }
    };
    Router::new()
        .route("/livez", get(probes::livez))
        .route("/readyz", get(probes::readyz))
        .route("/metrics", get(render))
        .with_state(api)
}
