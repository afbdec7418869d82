//! The routes: one file an endpoint.

pub mod api_keys;
mod docs;
mod portal;
mod probes;

pub use docs::Documents;

use axum::Router;
use axum::routing::{delete, get, post};
use metrics_exporter_prometheus::PrometheusHandle;

use crate::{Api, caller};

/// The route for JWT access tokens.
pub const PORTAL: &str = "/api/v1/subscriptions/portal";
/// The route for API keys.
pub const PORTAL_BY_API_KEY: &str = "/api/v1/subscriptions/portal/api";

/// The owner's API keys.
pub const API_KEYS: &str = "/api/v1/api-keys";

/// Everything that the public listener serves.
pub fn public(api: Api) -> Router {
    Router::new()
        .route(PORTAL, post(portal::open::<caller::AccessToken>))
        .route(PORTAL_BY_API_KEY, post(portal::open::<caller::ApiKey>))
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
